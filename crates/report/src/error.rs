//! What can go wrong with a run's files, each error naming the file and the remedy.

use std::io;
use std::path::{Path, PathBuf};

use strata_files::{escape_path, escape_truncated, remedy};

use crate::names::{HISTORY, MAX_NAME, NOTES, TIMING};
use crate::owner::Owner;
use crate::schema::NEWEST_READABLE;

/// What to do about the file of lines at `path`, where it is damaged: who can make its lines again, if anybody can.
pub(crate) fn remedy_of_lines(path: &Path) -> &'static str {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(HISTORY) => {
            "restore the file from a copy; of a run that is not finished a resume mends it, where its record holds the lines"
        }
        Some(TIMING) => "restore the file from a copy, or remove it, which loses the seconds alone",
        Some(NOTES) => "put the line right, or take it out: each line is one note",
        _ => "restore the file from a copy",
    }
}

/// An error of this crate. Its message is one line, safe to print on a terminal, and ends with the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A run's name holds something other than letters, digits, `.`, `_` and `-`, or is empty or too long.
    #[error(
        "run name \"{}\": {reason}; use 1 to {} letters, digits, '.', '_' or '-', not starting with '.'",
        escape_truncated(name),
        MAX_NAME
    )]
    InvalidName {
        /// The name that was asked for.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The folder of a run with exactly this name is there already.
    #[error("{}: a run of this name exists; choose another name, or remove or resume that run", escape_path(path))]
    Taken {
        /// The folder that exists.
        path: PathBuf,
    },

    /// Another process writes this run.
    #[error("{}: another process is writing this run ({owner}); wait for it to end, or stop it", escape_path(path))]
    Held {
        /// The run's folder.
        path: PathBuf,
        /// Who holds it, as far as the lock file says.
        owner: Owner,
    },

    /// What was to be said of a run is neither a note nor a tag.
    #[error("{}", escape_truncated(reason))]
    Note {
        /// Why.
        reason: String,
    },

    /// A key that no run has and no config could.
    #[error("no run has `{}`; there are {}", escape_truncated(key), known.iter().map(|key| escape_truncated(key)).collect::<Vec<_>>().join(", "))]
    UnknownKey {
        /// The key.
        key: String,
        /// Those that there are.
        known: Vec<String>,
    },

    /// Values of a key are asked to be less or more than one of another kind.
    #[error(
        "`{}` is {found}, and so neither less nor more than {}, which is {}",
        escape_truncated(key),
        escape_truncated(value),
        kind
    )]
    NoOrder {
        /// The key.
        key: String,
        /// What its values are, in words.
        found: &'static str,
        /// What they are compared with, as the filter has it.
        value: String,
        /// What that is.
        kind: &'static str,
    },

    /// The folder is not a run's.
    #[error(
        "{}: not a run's folder: it has no {missing}; name one that has, or restore the file from a copy",
        escape_path(path)
    )]
    NotARun {
        /// The folder that was named.
        path: PathBuf,
        /// The file it lacks.
        missing: &'static str,
    },

    /// The operating system refused to read or write.
    #[error("{}: cannot {action}: {source}; {}", escape_path(path), remedy(source))]
    Io {
        /// What was tried, as in "cannot …".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// A file's text is not what it should be.
    #[error(
        "{}{}: {}; {remedy}",
        escape_path(path),
        line.map_or_else(String::new, |line| format!(" line {line}")),
        escape_truncated(message)
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, with the key where there is one.
        message: String,
        /// What to do about it.
        remedy: &'static str,
    },

    /// A file or a line is larger than any that this program writes.
    #[error(
        "{}{}: more than {limit} bytes, which no run writes; remove the file or restore it from a copy",
        escape_path(path),
        line.map_or_else(String::new, |line| format!(" line {line}"))
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where one line is too long.
        line: Option<usize>,
        /// The largest size read, in bytes.
        limit: u64,
    },

    /// A file has more lines than any run writes.
    #[error("{}: more than {limit} lines, which no run writes; {}", escape_path(path), remedy_of_lines(path))]
    TooMany {
        /// The file.
        path: PathBuf,
        /// The most lines read.
        limit: usize,
    },

    /// The history that a checkpoint belongs to is damaged or gone, and the record does not hold it either.
    #[error(
        "{}: it does not begin with the lines that the run's checkpoint counts on, and record.json does not hold them; \
         restore the file from a copy, or start a new run from the config.toml beside it",
        escape_path(path)
    )]
    HistoryLost {
        /// The history's file.
        path: PathBuf,
    },

    /// The record was written by a newer program, whose records mean something else.
    #[error(
        "{}: schema {found} is newer than this program reads (up to {}); update strata",
        escape_path(path),
        NEWEST_READABLE
    )]
    NewerSchema {
        /// The record.
        path: PathBuf,
        /// The schema it states.
        found: u32,
    },

    /// A plot could not be drawn.
    #[error("{}: cannot draw the plot: {message}; please report this with the run's history.jsonl", escape_path(path))]
    Plot {
        /// The plot's file.
        path: PathBuf,
        /// What the drawing library said.
        message: String,
    },
}

impl ReportError {
    /// Whether the mistake is the user's (exit code 2) rather than a failure (exit code 1).
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            ReportError::InvalidName { .. }
                | ReportError::Taken { .. }
                | ReportError::NotARun { .. }
                | ReportError::Note { .. }
                | ReportError::UnknownKey { .. }
                | ReportError::NoOrder { .. }
        )
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReportError {
        let path = path.to_path_buf();
        move |source| ReportError::Io { action, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_error_names_the_file_and_the_remedy() {
        let text =
            ReportError::io("write the file", Path::new("runs/a/record.json"))(io::ErrorKind::StorageFull.into());
        let text = text.to_string();
        assert!(text.starts_with("runs/a/record.json: cannot write the file"), "{text}");
        assert!(text.contains("free some space"), "{text}");
    }
}
