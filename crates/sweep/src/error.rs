//! What can be wrong with a sweep, and how it is told.

use std::io;
use std::path::{Path, PathBuf};

use strata_config::ConfigError;
use strata_files::escape_path;

/// Why a sweep cannot be had, started or gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The sweep's file cannot be read, or the base config that it names is wrong in itself.
    #[error(transparent)]
    Config(#[from] Box<ConfigError>),
    /// A key or a value of the sweep's file is wrong.
    #[error("{}{}: {}{message}", escape_path(path), place(*line), of_key(key.as_deref()))]
    Invalid {
        /// The sweep's file.
        path: PathBuf,
        /// The line, counted from 1, where there is one.
        line: Option<usize>,
        /// The key, where it is one's fault.
        key: Option<String>,
        /// What is wrong and what would be right.
        message: String,
    },
    /// Values that are right each, and that no member can have together.
    #[error("{}: no member can have {values}: {message}", escape_path(path))]
    Combination {
        /// The sweep's file.
        path: PathBuf,
        /// The values, as `key=value`.
        values: String,
        /// What the config's own check says of them.
        message: String,
    },
    /// A file of the sweep cannot be read or written.
    #[error("{}: cannot {action}: {source}", escape_path(path))]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the sweep holds what no program wrote there.
    #[error("{}{}: {reason}", escape_path(path), place(*line))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where there is one.
        line: Option<usize>,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder is another sweep's.
    #[error("{}: holds a sweep that was begun from another file or other values", escape_path(path))]
    OtherSweep {
        /// The folder.
        path: PathBuf,
    },
    /// There is no such sweep.
    #[error("no sweep {}: neither it nor {} holds a manifest.json", escape_path(name), escape_path(below))]
    NoSweep {
        /// As it was named.
        name: PathBuf,
        /// Where it was looked for too.
        below: PathBuf,
    },
    /// No member has a value of the objective yet.
    #[error("{}: no member has finished with a value of {objective}", escape_path(path))]
    NothingFinished {
        /// The sweep's folder.
        path: PathBuf,
        /// The objective's key.
        objective: String,
    },
    /// What was asked for does not go together with the sweep.
    #[error("{}: {reason}", escape_path(path))]
    Unsuited {
        /// The sweep's folder or file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It was asked to stop, and can be gone on with.
    #[error("{}: interrupted", escape_path(path))]
    Interrupted {
        /// The sweep's folder.
        path: PathBuf,
    },
    /// A stop did not reach members whose driver is gone.
    #[error("{}: cannot stop {}", escape_path(path), members.join(", "))]
    Unreached {
        /// The sweep's folder.
        path: PathBuf,
        /// The members, each with who runs it.
        members: Vec<String>,
    },
    /// Some members failed.
    #[error("{}: {failed} of {members} members failed", escape_path(path))]
    MembersFailed {
        /// The sweep's folder.
        path: PathBuf,
        /// How many failed.
        failed: usize,
        /// How many there are.
        members: usize,
    },
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
}

fn of_key(key: Option<&str>) -> String {
    key.map_or_else(String::new, |key| format!("{}: ", strata_files::escape_truncated(key)))
}

impl SweepError {
    /// 2 for the user's mistake, 130 for an interruption, 1 for a failure.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted { .. } => 130,
            Self::Io { .. } | Self::Damaged { .. } | Self::MembersFailed { .. } | Self::Unreached { .. } => 1,
            _ => 2,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<ConfigError> for SweepError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}
