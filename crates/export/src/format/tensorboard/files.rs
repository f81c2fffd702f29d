//! The event files of one folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::events::{LINE, beginning, is_beyond, tags_of};
use super::frames;
use super::messages::Event;
use crate::ExportError;

/// What the name of an event file holds.
const MARK: &str = ".tfevents.";

/// The event files of `folder`, in the order in which TensorBoard reads them; none where there is no such folder.
pub(crate) fn event_files(folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let failed = |source| ExportError::Io { action: "listing", path: folder.to_owned(), source };
    let mut files = Vec::new();
    if folder.exists() {
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().contains(MARK)) && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// An event file's name; names are read in their order.
pub(crate) fn file_name(seconds: u64, who: &str) -> String {
    format!("events.out{MARK}{seconds:010}.{who}")
}

/// The seconds in an event file's name.
fn seconds_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.split_once(MARK)?.1.split('.').next()?.parse().ok()
}

/// A file that is being written, its events appended whole.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Makes a file behind those that are in `folder`, for events from `step` on.
    pub(crate) fn create(folder: &Path, step: u64, now: f64) -> Result<Self, ExportError> {
        fs::create_dir_all(folder).map_err(ExportError::io("making the folder", folder))?;
        // A clock that was set back must not put the new file before the others.
        let last = event_files(folder)?.iter().filter_map(|path| seconds_of(path)).max();
        let seconds = (now as u64).max(last.map_or(0, |last| last.saturating_add(1)));
        let path = folder.join(file_name(seconds, &format!("strata.{}", std::process::id())));
        let file = File::options().append(true).create_new(true).open(&path);
        let file = file.map_err(ExportError::io("making the file", &path))?;
        let mut events = Self { path, file };
        events.append(&beginning(step, now))?;
        Ok(events)
    }

    /// Appends events; a reader sees all of them or, for a moment, a frame that is cut off.
    pub(crate) fn append(&mut self, events: &[Event]) -> Result<(), ExportError> {
        let mut bytes = Vec::new();
        events.iter().for_each(|event| frames::push(&mut bytes, event));
        self.file.write_all(&bytes).map_err(ExportError::io("writing", &self.path))
    }
}

/// Cuts the files of `folder` back to what was said up to `step` training steps, with the last line of the history at `last_line`, and what is damaged;
/// gives the steps of the lines that are kept.
pub(crate) fn cut(folder: &Path, step: u64, last_line: Option<u64>) -> Result<Vec<u64>, ExportError> {
    let mut lines = Vec::new();
    let mut is_over = false;
    for path in event_files(folder)? {
        if is_over {
            fs::remove_file(&path).map_err(ExportError::io("removing", &path))?;
            continue;
        }
        let bytes = fs::read(&path).map_err(ExportError::io("reading", &path))?;
        let mut kept = 0;
        for (event, end) in frames::read(&bytes) {
            if is_beyond(&event, step, last_line) {
                break;
            }
            if tags_of(&event).any(|tag| tag == LINE) {
                lines.push(u64::try_from(event.step).unwrap_or(0));
            }
            kept = end;
        }
        if kept < bytes.len() {
            is_over = true;
            let file = File::options().write(true).open(&path).map_err(ExportError::io("cutting", &path))?;
            file.set_len(kept as u64).map_err(ExportError::io("cutting", &path))?;
        }
    }
    Ok(lines)
}

/// Removes the event files of `folder`.
pub(crate) fn clear(folder: &Path) -> Result<(), ExportError> {
    event_files(folder)?.iter().try_for_each(|path| fs::remove_file(path).map_err(ExportError::io("removing", path)))
}
