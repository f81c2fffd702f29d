//! The journal: what happened to the members, one line for each event, appended by every process that works on the sweep.
//!
//! Lines are appended under the sweep's lock. A line that a kill cut off has no end, is read by nobody, and is cut away by the next append. The journal
//! is not synced: what a power failure takes from its end is found again in the members' own folders.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strata_report::now;

use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::spec::Point;

/// A member in the journal: its point, and its seed's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Id {
    pub(crate) point: usize,
    pub(crate) seed: usize,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A process began to work on the sweep.
    Opened { driver: String },
    /// It left.
    Closed { driver: String },
    /// Whoever works on the sweep is asked to stop.
    Stop,
    /// A point that depends on results.
    Proposed { point: usize, values: Point },
    /// A driver takes a member: it alone starts or resumes it.
    Claimed {
        #[serde(flatten)]
        id: Id,
        driver: String,
    },
    /// A member was stopped before its end; anybody may resume it.
    Released {
        #[serde(flatten)]
        id: Id,
    },
    /// A member has trained as many epochs as its rung asks for, and waits.
    Paused {
        #[serde(flatten)]
        id: Id,
        epochs: usize,
        value: Option<f64>,
        seconds: f64,
    },
    /// A member is done.
    Finished {
        #[serde(flatten)]
        id: Id,
        value: Option<f64>,
        metrics: BTreeMap<String, f64>,
        epochs: usize,
        seconds: f64,
    },
    /// A member failed.
    Failed {
        #[serde(flatten)]
        id: Id,
        reason: String,
    },
    /// A failed member is to be run again.
    Retried {
        #[serde(flatten)]
        id: Id,
    },
}

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

    /// The events that were appended since the last call.
    pub(crate) fn news(&mut self) -> Result<Vec<Event>, SweepError> {
        let fail = |source| SweepError::io("read the journal", &self.path)(source);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut bytes)).map_err(fail)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut events = Vec::new();
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.lines += 1;
            let line: Line = serde_json::from_slice(line).map_err(|error| SweepError::Damaged {
                path: self.path.clone(),
                line: Some(self.lines),
                reason: format!("{error}; take the line out: what it told is found in the member's folder"),
            })?;
            events.push(line.event);
        }
        self.read += whole as u64;
        Ok(events)
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
