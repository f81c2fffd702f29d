//! What can be wrong with a config, and how it is told.

use std::fmt;
use std::io;
use std::path::PathBuf;

use strata_files::escape_path;

/// Why a config cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be opened or read.
    #[error("{}: cannot read the config: {source}; give the path of a TOML file (see configs/)", escape_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is longer than any config.
    #[error(
        "{}: larger than 1 MiB, too large for a config; give the path of a TOML file (see configs/)",
        escape_path(path)
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not text.
    #[error("{}: not UTF-8 from byte {valid_up_to} on; TOML is UTF-8 text", escape_path(path))]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Bytes before the first that is not UTF-8.
        valid_up_to: usize,
    },
    /// What is named in the place of `dataset.path` does not hold such data.
    #[error("{problem}; it is looked into in the place of dataset.path")]
    Data {
        /// What is wrong, with its path.
        problem: String,
    },
    /// The text is no TOML, or a key or a value is wrong.
    #[error(transparent)]
    Invalid(#[from] Box<Invalid>),
}

/// A wrong key or value with its place; displays as `file:line: key = value: what would be right` over the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub(crate) origin: String,
    pub(crate) line: Option<usize>,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) message: String,
    pub(crate) excerpt: Option<String>,
}

impl Invalid {
    /// The file's path, or `--set` and its argument.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The file's line, counted from 1; `None` for a missing key and for `--set`.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The key in full, as `--set` takes it: `phases.0.lr`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The value as written, shortened where long.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What is wrong and what would be right.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if let Some(key) = &self.key {
            f.write_str(key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}
