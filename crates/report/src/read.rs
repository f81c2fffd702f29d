//! Readers of a run's files. They need no lock, and take any bytes: a damaged or hostile file is an error, never a panic.

use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;
use strata_spec::HistoryRow;

use crate::error::ReportError;
use crate::history::{ReadRow, TimingLine};
use crate::lines::{self, Lines, open_regular};
use crate::names::{HISTORY, PARENT, RECORD, TIMING, name_of};
use crate::record::{ParentRecord, Record};
use crate::schema::NEWEST_READABLE;

/// The largest record read, in bytes; a run of a hundred thousand epochs writes a third of it.
pub(crate) const MAX_RECORD: u64 = 64 << 20;

/// Reads `record.json` of the run in the folder `run`. The record's name is the folder's.
///
/// # Errors
///
/// [`ReportError::Io`] where there is none, [`ReportError::TooLarge`] beyond 64 MiB, [`ReportError::NewerSchema`] where
/// it was written by a program of a newer major schema, [`ReportError::Malformed`] with line and key otherwise.
pub fn read_record(run: &Path) -> Result<Record, ReportError> {
    let path = run.join(RECORD);
    parse(run, &path, &read_bounded(&path)?)
}

/// Reads `record.json` as [`read_record`] does, and with it the fields that the schema does not know, which a person may have added:
/// for whoever is to write the record again.
///
/// # Errors
///
/// As [`read_record`]; [`ReportError::Malformed`] also where those fields take more than 1 MiB.
pub fn read_record_to_write(run: &Path) -> Result<Record, ReportError> {
    let path = run.join(RECORD);
    let text = read_bounded(&path)?;
    let mut record = parse(run, &path, &text)?;
    record.extra = record.beyond(without_mark(&text)).map_err(|error| malformed(&path, &error))?;
    Ok(record)
}

/// Reads which weights the run in the folder `run` started from; none where they were drawn.
///
/// # Errors
///
/// As [`read_record`], of `parent.json`.
pub fn read_parent(run: &Path) -> Result<Option<ParentRecord>, ReportError> {
    let path = run.join(PARENT);
    match read_bounded(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| malformed(&path, &error)),
        Err(ReportError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(run: &Path, path: &Path, text: &[u8]) -> Result<Record, ReportError> {
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
    }
    let text = without_mark(text);
    // The schema alone first: what a newer major one holds elsewhere may well not parse.
    let head: Head = serde_json::from_slice(text).map_err(|error| malformed(path, &error))?;
    if head.schema > NEWEST_READABLE {
        return Err(ReportError::NewerSchema { path: path.to_owned(), found: head.schema });
    }
    let record: Record = serde_json::from_slice(text).map_err(|error| malformed(path, &error))?;
    Ok(Record { name: name_of(run), ..record })
}

/// The byte order mark that some editors put before UTF-8 is no part of the text.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn malformed(path: &Path, error: &serde_json::Error) -> ReportError {
    ReportError::Malformed {
        path: path.to_owned(),
        line: (error.line() > 0).then_some(error.line()),
        message: lines::without_position(error),
        remedy: "restore the file from a copy, or start a new run from the config.toml beside it",
    }
}

/// Reads `history.jsonl` of the run in the folder `run`; a last line that a kill cut off is dropped, with a note.
///
/// # Errors
///
/// [`ReportError::Io`] where there is none, [`ReportError::Malformed`] naming the line that is damaged,
/// [`ReportError::TooLarge`] for a line beyond 1 MiB.
pub fn read_history(run: &Path) -> Result<Lines<HistoryRow>, ReportError> {
    let Lines { entries, torn, .. } = lines::read(&run.join(HISTORY))?;
    Ok(Lines { entries: entries.into_iter().map(|ReadRow(row)| row).collect(), torn, unended: None })
}

/// Reads `timing.jsonl` of the run in the folder `run`, as [`read_history`] does the history.
///
/// # Errors
///
/// As [`read_history`].
pub fn read_timing(run: &Path) -> Result<Lines<TimingLine>, ReportError> {
    lines::read(&run.join(TIMING))
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ReportError> {
    let mut text = Vec::new();
    open_regular(path)?.take(MAX_RECORD + 1).read_to_end(&mut text).map_err(ReportError::io("read the file", path))?;
    if text.len() as u64 > MAX_RECORD {
        return Err(ReportError::TooLarge { path: path.to_path_buf(), line: None, limit: MAX_RECORD });
    }
    Ok(text)
}
