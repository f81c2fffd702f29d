//! TensorBoard: event files of runs that were recorded, and of runs that go.

mod events;
mod files;
mod frames;
mod histogram;
mod log;
mod messages;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use self::files::{event_files, file_name};
pub use self::log::TensorBoardLog;
use self::messages::Event;
use crate::place::Place;
use crate::{Destination, ExportError, Exporter, Options, RecordedRun};

/// Writes event files of runs, a folder each: their scalars, hyperparameters, configs and weights' histograms.
#[derive(Clone, Copy, Debug)]
pub struct TensorBoard;

pub(super) const EXPORTER: &dyn Exporter = &TensorBoard;

impl Exporter for TensorBoard {
    fn name(&self) -> &'static str {
        "tensorboard"
    }

    fn about(&self) -> &'static str {
        "Event files for `tensorboard --logdir DIR`: each epoch's numbers, hyperparameters, config, weights' histograms"
    }

    fn destination(&self) -> Destination {
        let about = "The folder in which each run gets a folder of its name";
        Destination { option: "to", value: "DIR", about, is_of_one_run: false }
    }

    fn export(&self, runs: &[RecordedRun], to: &Path, options: &Options) -> Result<Vec<String>, ExportError> {
        options.check(self)?;
        let to = Place::folder("tensorboard", to)?;
        // All of them are known to fit before the first is written.
        let mut folders: Vec<PathBuf> = Vec::new();
        for run in runs {
            let folder = to.join(&run.record().name);
            let owner = run.record().id.as_str();
            let others = event_files(&folder)?.into_iter().find(|path| !is_of(path, owner));
            let twice = folders.contains(&folder).then(|| folder.clone());
            if let Some(path) = others.or(twice) {
                return Err(ExportError::Taken { run: run.folder().to_owned(), path });
            }
            folders.push(folder);
        }
        runs.iter().zip(folders).map(|(run, folder)| export_run(run, &folder)).collect()
    }
}

/// Whether an event file is an export of the run `id`.
fn is_of(path: &Path, id: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(&format!(".strata-{id}")))
}

fn export_run(run: &RecordedRun, folder: &Path) -> Result<String, ExportError> {
    // Of a run that wrote events while it went, these say more than its record does.
    let live = event_files(&TensorBoardLog::folder(run.folder()))?;
    let mut files = Vec::new();
    for (path, number) in live.iter().zip(1..) {
        files.push((number, fs::read(path).map_err(ExportError::io("reading", path))?));
    }
    if files.is_empty() {
        let mut bytes = Vec::new();
        for event in events_of(run)? {
            frames::push(&mut bytes, &event);
        }
        files.push((1, bytes));
    }
    fs::create_dir_all(folder).map_err(ExportError::io("making the folder", folder))?;
    files::clear(folder)?;
    let started = events::seconds(&run.record().started).unwrap_or(0.0) as u64;
    for (number, bytes) in &files {
        let path = folder.join(file_name(started, &format!("strata-{}.{number:06}", run.record().id)));
        strata_files::write_atomically(&path, |out| out.write_all(bytes)).map_err(ExportError::io("writing", &path))?;
    }
    let from = if live.is_empty() { "from its record" } else { "as it wrote them" };
    Ok(format!(
        "{}: {} events {from}",
        folder.display(),
        files.iter().map(|(_, b)| frames::read(b).count()).sum::<usize>()
    ))
}

/// All that a record, a history and weights tell.
fn events_of(run: &RecordedRun) -> Result<Vec<Event>, ExportError> {
    let record = run.record();
    let steps = events::steps_of_epoch(record);
    let started = events::seconds(&record.started).unwrap_or(0.0);
    let mut time = started;
    let mut found = events::beginning(0, started).to_vec();
    found.push(events::introduction(record, run.config(), started));
    let (mut step, mut last) = (0, 0);
    for entry in run.history() {
        let finished = run.timing().iter().find(|timing| timing.epoch == entry.epoch);
        time = finished.and_then(|timing| events::seconds(&timing.finished)).unwrap_or(time);
        let seconds = entry.seconds.is_finite().then_some(entry.seconds);
        found.push(events::line(&entry.line, seconds, steps, time));
        last = events::step_of(&entry.line, steps);
        // The weights are of the epoch that was chosen.
        if record.chosen.as_ref().is_none_or(|chosen| chosen.epoch == entry.epoch) {
            step = last;
        }
    }
    let time = record.ended.as_deref().and_then(events::seconds).unwrap_or(time);
    if record.model.is_some() {
        found.push(events::histograms(&run.tensors()?, step, time));
    }
    found.push(events::end(record, last, time));
    Ok(found)
}
