//! How a run stands: a record says `running` for ever where its process was killed, and only its lock tells.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::ReportError;
use crate::lock::is_held;
use crate::names::RECORD;
use crate::read::read_record;
use crate::record::{Record, Status};

/// How a run stands, judged by its record and its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Its record says so, and where that is `running` a process holds the lock.
    Known(Status),
    /// It has a config but no record yet, and a process holds the lock.
    Starting,
    /// Its record says `running`, or there is none yet, but no process holds the lock: it was killed.
    Died,
    /// Its record cannot be read, with the reason.
    Unreadable(String),
}

impl RunState {
    /// How the run in the folder `run` stands, whatever is in it.
    pub fn of(run: &Path) -> Self {
        look(run).0
    }

    /// In a word or two, as the tables have it.
    pub fn as_str(&self) -> &'static str {
        match self {
            RunState::Known(status) => status.as_str(),
            RunState::Starting => "running (starting)",
            RunState::Died => "interrupted (died)",
            RunState::Unreadable(_) => "unreadable",
        }
    }

    /// As a status; none where its record cannot be read.
    pub fn status(&self) -> Option<Status> {
        match self {
            RunState::Known(status) => Some(*status),
            RunState::Starting => Some(Status::Running),
            RunState::Died => Some(Status::Interrupted),
            RunState::Unreadable(_) => None,
        }
    }

    /// In words, for whoever wants a run that is further: `it is running`, `it was killed; resume it`.
    pub fn in_words(&self) -> String {
        match self {
            RunState::Known(status) => format!("it is {}", status.as_str()),
            RunState::Starting => "it is starting".to_owned(),
            RunState::Died => "it was killed; resume it".to_owned(),
            RunState::Unreadable(reason) => format!("its record cannot be read ({reason})"),
        }
    }
}

/// Reads `record.json` of the run in the folder `run` as [`read_record`] does, and asks its lock: of a run that was killed the status is
/// [`Status::Interrupted`], and the reason says so.
///
/// # Errors
///
/// As [`read_record`].
pub fn read_record_as_it_stands(run: &Path) -> Result<Record, ReportError> {
    let held = is_held(run);
    let mut record = read_record(run)?;
    if judged(run, record.status, held) == RunState::Died {
        record.status = Status::Interrupted;
        record.reason.get_or_insert_with(|| "it was killed".to_owned());
    }
    Ok(record)
}

/// How the run stands, and its record as it was written, where it can be read.
pub(crate) fn look(run: &Path) -> (RunState, Option<Record>) {
    // The lock first: a run that ends between the two looks is then finished, not dead.
    let held = is_held(run);
    if !may_be_there(&run.join(RECORD)) {
        return (if held { RunState::Starting } else { RunState::Died }, None);
    }
    match read_record(run) {
        Ok(record) => (judged(run, record.status, held), Some(record)),
        Err(error) => (RunState::Unreadable(error.to_string()), None),
    }
}

fn judged(run: &Path, status: Status, held: bool) -> RunState {
    match status {
        // Looked at again: it may have been resumed since.
        Status::Running if !held && !is_held(run) => RunState::Died,
        status => RunState::Known(status),
    }
}

/// False only where there is nothing. What may not be looked at, or a disk does not tell, is read, and the reader says why it cannot be.
pub(crate) fn may_be_there(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
