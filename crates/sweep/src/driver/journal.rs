//! The journal: what happened to the members, one line for each event, appended by every process that works on the sweep.
//!
//! Lines are appended under the sweep's lock. A line that a kill cut off has no end, is read by nobody, and is cut away by the next append. The journal
//! is not synced: what a power failure takes from its end is found again in the members' own folders.
//!
//! A whole line is read whole or refused, with its number: one that is no JSON, of a kind that is not known, without one of its values, or about a point or
//! member that the sweep does not have. Keys beyond those of its kind say nothing.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strata_report::now;

use crate::driver::event::Event;
use crate::driver::state::State;
use crate::error::SweepError;
use crate::folder::SweepFolder;

#[derive(Serialize, Deserialize)]
struct Line {
    at: String,
    #[serde(flatten)]
    event: Event,
}

/// A journal that is read as it grows.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// What was read of it, in bytes and in lines.
    read: u64,
    lines: usize,
}

impl Journal {
    pub(crate) fn new(folder: &SweepFolder) -> Self {
        Self { path: folder.path().join("journal.jsonl"), read: 0, lines: 0 }
    }

    /// Has `state` follow what was appended since the last call.
    pub(crate) fn news(&mut self, state: &mut State) -> Result<(), SweepError> {
        let fail = |source| SweepError::io("read the journal", &self.path)(source);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut bytes)).map_err(fail)?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            if line.len() > 1 {
                let event = serde_json::from_slice(line).map_err(|error| error.to_string());
                event.and_then(|line: Line| state.apply(line.event)).map_err(|reason| SweepError::Damaged {
                    path: self.path.clone(),
                    line: Some(self.lines + 1),
                    reason: format!(
                        "{reason}; cut the journal off before this line: what members did is found in their folders"
                    ),
                })?;
            }
            self.lines += 1;
            self.read += line.len() as u64;
        }
        Ok(())
    }

    /// Appends `events`, whole or not at all. The lock must be held, and everything before them read.
    pub(crate) fn append(&self, _lock: &File, events: &[Event]) -> Result<(), SweepError> {
        let mut text = Vec::new();
        for event in events {
            let line = Line { at: now(), event: event.clone() };
            serde_json::to_writer(&mut text, &line)
                .map_err(|error| SweepError::io("write the journal", &self.path)(error.into()))?;
            text.push(b'\n');
        }
        append(&self.path, &text, self.read).map_err(SweepError::io("write the journal", &self.path))
    }
}

/// Appends whole lines at `end`, where the last whole line ends.
fn append(path: &Path, text: &[u8], end: u64) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
    if file.metadata()?.len() > end {
        file.set_len(end)?;
    }
    file.seek(SeekFrom::Start(end))?;
    let written = file.write_all(text);
    if written.is_err() {
        // The first error is the one to tell; a reader drops what has no end.
        let _ = file.set_len(end);
    }
    written
}
