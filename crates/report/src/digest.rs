//! The length and the hash of a history that lines are appended to, kept up with each line.

use sha2::{Digest, Sha256};
use strata_files::hexadecimal;
use strata_spec::HistoryRow;

use crate::error::ReportError;
use crate::history::WrittenRow;
use crate::lines::to_line;
use crate::names::HISTORY;

/// What `history.jsonl` holds, as its length and its SHA-256: what a checkpoint remembers of it.
#[derive(Clone, Debug, Default)]
pub struct HistoryDigest {
    hash: Sha256,
    bytes: u64,
}

impl HistoryDigest {
    /// Of a file of these lines.
    ///
    /// # Errors
    /// [`ReportError::Io`] where a line cannot be written as JSON.
    pub fn of(lines: &[HistoryRow]) -> Result<Self, ReportError> {
        let mut digest = Self::default();
        for line in lines {
            digest.add(line)?;
        }
        Ok(digest)
    }

    /// Adds a line as [`RunFolder::append_history`](crate::RunFolder::append_history) appends it.
    ///
    /// # Errors
    /// [`ReportError::Io`] where the line cannot be written as JSON.
    pub fn add(&mut self, line: &HistoryRow) -> Result<(), ReportError> {
        self.add_bytes(&to_line(HISTORY.as_ref(), &WrittenRow(line))?);
        Ok(())
    }

    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The file's length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file's SHA-256, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        hexadecimal(&self.hash.clone().finalize())
    }
}
