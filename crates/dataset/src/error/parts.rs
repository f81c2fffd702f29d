//! What errors are made of, and whose mistake they are.

use std::io;
use std::path::{Path, PathBuf};

use strata_files::escape_path;

use crate::DatasetError;

/// The first three with their reasons, and how many more there are.
pub(super) fn first_of(broken: &[(PathBuf, String)]) -> String {
    let mut text: Vec<_> =
        broken.iter().take(3).map(|(path, reason)| format!("{}: {reason}", escape_path(path))).collect();
    if broken.len() > 3 {
        text.push(format!("and {} more", broken.len() - 3));
    }
    text.join("; ")
}

pub(super) fn wanted_size(record: u64, longest: u64) -> String {
    match record {
        0 => format!("at most {longest} are expected"),
        _ => format!("1 to {} records of {record} bytes are expected", longest / record),
    }
}

impl DatasetError {
    /// Whether the caller's own values are at fault, not the machine, the network or a file.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NotATable
                | Self::NotBytes
                | Self::NotOfValues
                | Self::OtherShape { .. }
                | Self::Number { .. }
                | Self::NotAFolder { .. }
                | Self::ImageFolder { .. }
                | Self::OtherCount { .. }
                | Self::Url { .. }
                | Self::BadChecksum { .. }
                | Self::Value { .. }
        )
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn value(name: &'static str, value: usize, problem: impl Into<String>) -> Self {
        Self::Value { name, value: value as u64, problem: problem.into() }
    }

    /// Of a value that is no finite number in single precision.
    pub(crate) fn not_finite(file: &str, sample: usize, value: f64) -> Self {
        let problem = format!("sample {sample} (counted from 0): {value} is no finite number of 32 bits");
        Self::Array { file: file.to_owned(), problem }
    }

    pub(crate) fn number(name: &'static str, value: f64, problem: impl Into<String>) -> Self {
        Self::Number { name, value, problem: problem.into() }
    }
}

/// Room for `length` values, or the error that there is none for `what`.
pub(crate) fn room_for<T>(length: usize, what: &'static str) -> Result<Vec<T>, DatasetError> {
    let mut values = Vec::new();
    let bytes = length.saturating_mul(size_of::<T>());
    values.try_reserve_exact(length).map_err(|_| DatasetError::Memory { what, bytes })?;
    Ok(values)
}
