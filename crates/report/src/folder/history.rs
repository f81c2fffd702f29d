//! `history.jsonl` and `timing.jsonl` of a run: appended to, cut back, mended from the record.

use strata_files::has_other_names;
use strata_spec::HistoryRow;

use super::{RunFolder, write};
use crate::digest::HistoryDigest;
use crate::error::ReportError;
use crate::history::{HistoryEntry, ReadRow, TimingLine, WrittenRow};
use crate::lines;
use crate::names::{HISTORY, TIMING};

impl RunFolder {
    /// Appends a line to `history.jsonl` and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`]; the file then ends with the line before.
    pub fn append_history(&self, line: &HistoryRow) -> Result<(), ReportError> {
        lines::append(&self.path.join(HISTORY), &WrittenRow(line))
    }

    /// Appends a line to `timing.jsonl`. It is not waited for: how long it took is no part of the result.
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`]; the file then ends with the line before.
    pub fn append_timing(&self, line: &TimingLine) -> Result<(), ReportError> {
        lines::append_soon(&self.path.join(TIMING), line)
    }

    /// Writes `history.jsonl` anew with exactly these lines (a checkpoint's), and cuts the timing to the same epochs. Equal lines
    /// have equal bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`]. Each file is replaced whole or not at all.
    pub fn rewrite_history(&self, history: &[HistoryRow]) -> Result<(), ReportError> {
        let path = self.path.join(HISTORY);
        let mut text = Vec::new();
        for line in history {
            text.extend(lines::to_line(&path, &WrittenRow(line))?);
        }
        // Timing goes first: a kill between the two leaves a history that the next resume cuts again.
        self.cut_timing(history.last())?;
        write(&path, |w| w.write_all(&text))
    }

    /// Cuts `history.jsonl` back to its first `bytes` bytes, whose SHA-256 must be `sha256` (a checkpoint's), and the timing to the same
    /// epochs; gives the lines. A file that is damaged or gone is written again from `entries`, the record's history, where that holds
    /// them.
    ///
    /// # Errors
    ///
    /// [`ReportError::HistoryLost`] where neither the file nor `entries` hold those lines; [`ReportError::Io`].
    pub fn restore_history(
        &self,
        bytes: u64,
        sha256: &str,
        entries: &[HistoryEntry],
    ) -> Result<Vec<HistoryRow>, ReportError> {
        let path = self.path.join(HISTORY);
        if let Some(text) = lines::beginning(&path, bytes)? {
            let mut digest = HistoryDigest::default();
            digest.add_bytes(&text);
            if digest.sha256() == sha256 {
                let found = lines::parse_all(&path, &text)?;
                let found: Vec<_> = found.into_iter().map(|ReadRow(row)| row).collect();
                self.cut_timing(found.last())?;
                if has_other_names(&path) {
                    // A copy of the run by hard links: the other's history is not this one's to cut.
                    write(&path, |w| w.write_all(&text))?;
                } else {
                    lines::cut(&path, bytes)?;
                }
                return Ok(found);
            }
        }
        let mut digest = HistoryDigest::default();
        let mut found = Vec::new();
        for entry in entries {
            if digest.bytes() >= bytes {
                break;
            }
            let line = entry.line.clone();
            digest.add(&line)?;
            found.push(line);
        }
        if digest.bytes() != bytes || digest.sha256() != sha256 {
            return Err(ReportError::HistoryLost { path });
        }
        self.rewrite_history(&found)?;
        Ok(found)
    }

    /// Cuts the timing back to the epochs up to `last`, the history's last line. How long it took is no part of the result: a
    /// damaged timing ends where it is damaged, and stops nobody.
    fn cut_timing(&self, last: Option<&HistoryRow>) -> Result<(), ReportError> {
        let path = self.path.join(TIMING);
        if !path.exists() {
            return Ok(());
        }
        let is_kept = |number, line: &[u8]| {
            let time = lines::parse::<TimingLine>(&path, number, line);
            last.is_some_and(|last| time.is_ok_and(|time| time.epoch <= last.epoch))
        };
        let kept = lines::head(&path, is_kept);
        write(&path, |w| w.write_all(&kept))
    }
}
