//! Event files that are written while a run goes.

use std::path::{Path, PathBuf};

use strata_model::NamedTensor;
use strata_report::Record;
use strata_spec::HistoryRow;

use super::events::{self, now, step_of};
use super::files::{self, EventFile};
use super::frames;
use super::messages::Event;
use crate::ExportError;

/// A run's events for TensorBoard, written while it goes: TensorBoard shows them at once (`tensorboard --logdir runs`).
///
/// Everything is told at the number of training steps that were taken. Each line of the history gives its numbers under their own keys; between them stands
/// the epoch's mean training loss so far. A resume cuts what a killed process had written beyond the checkpoint, so that nothing is there twice and nothing is
/// missing.
///
/// ```
/// use strata_export::TensorBoardLog;
/// use strata_report::Record;
/// use strata_spec::HistoryRow;
///
/// let folder = tempfile::tempdir()?;
/// let mut record = Record::new("a", vec!["my-program".into()]);
/// record.hyperparameters.insert("rate".into(), 0.1.into());
/// let mut log = TensorBoardLog::start(folder.path(), &record, "rate = 0.1\n", 100, None)?;
/// log.step(50, 2.1)?;
/// log.line(&HistoryRow {
///     phase: Some(0), epoch: Some(0), learning_rate: Some(0.1), train_loss: Some(1.9), val_loss: 1.8, val_acc: 0.4, values: Default::default(),
/// })?;
/// log.end(&record)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TensorBoardLog {
    file: EventFile,
    steps_of_epoch: u64,
    /// Of what was told last.
    step: u64,
}

impl TensorBoardLog {
    /// The folder of a run's events, in the run's folder.
    pub fn folder(run: &Path) -> PathBuf {
        run.join("tensorboard")
    }

    /// Begins the events of a run in `folder`, where none are kept: its hyperparameters, command and config's text, and, where there is one, a sheet of its
    /// images, a PNG file's bytes. An epoch has `steps_of_epoch` training steps.
    ///
    /// # Errors
    /// [`ExportError::Io`] where the folder cannot be written.
    pub fn start(
        folder: &Path,
        record: &Record,
        config: &str,
        steps_of_epoch: u64,
        images: Option<&[u8]>,
    ) -> Result<Self, ExportError> {
        files::clear(folder)?;
        let time = now();
        let mut log = Self { file: EventFile::create(folder, 0, time)?, steps_of_epoch, step: 0 };
        log.file.append(&[events::introduction(record, config, time)])?;
        if let Some(event) = images.and_then(|png| events::picture("images", png, time)) {
            log.file.append(&[event])?;
        }
        Ok(log)
    }

    /// Goes on with the events in `folder` after `step` training steps of the run, of whose history `history` is kept: what was told beyond is cut off. Where
    /// lines are missing from the files, since somebody removed or damaged them, all are told anew.
    ///
    /// # Errors
    /// [`ExportError::Io`] where the folder cannot be read or written.
    pub fn resume(
        folder: &Path,
        record: &Record,
        config: &str,
        steps_of_epoch: u64,
        history: &[HistoryRow],
        step: u64,
        images: Option<&[u8]>,
    ) -> Result<Self, ExportError> {
        let expected: Vec<u64> = history.iter().map(|line| step_of(line, steps_of_epoch)).collect();
        let found = files::cut(folder, step, expected.last().copied())?;
        if found == expected && !expected.is_empty() {
            let file = EventFile::create(folder, step.saturating_add(1), now())?;
            return Ok(Self { file, steps_of_epoch, step });
        }
        let mut log = Self::start(folder, record, config, steps_of_epoch, images)?;
        history.iter().try_for_each(|line| log.line(line))?;
        log.step = step;
        Ok(log)
    }

    /// After `step` training steps of the run the mean training loss of the epoch so far is `loss`.
    ///
    /// # Errors
    /// [`ExportError::Io`] where the file cannot be written.
    pub fn step(&mut self, step: u64, loss: f64) -> Result<(), ExportError> {
        self.step = step;
        self.append(events::training_step(step, loss, now()))
    }

    /// The history has a new line.
    ///
    /// # Errors
    /// As [`TensorBoardLog::step`].
    pub fn line(&mut self, line: &HistoryRow) -> Result<(), ExportError> {
        self.step = step_of(line, self.steps_of_epoch);
        self.append(events::line(line, None, self.steps_of_epoch, now()))
    }

    /// The network's tensors as they are after the last line.
    ///
    /// # Errors
    /// As [`TensorBoardLog::step`].
    pub fn tensors(&mut self, tensors: &[NamedTensor]) -> Result<(), ExportError> {
        self.append(events::histograms(tensors, self.step, now()))
    }

    /// The run is over; what it reached on the test images and how it ended is in `record`.
    ///
    /// # Errors
    /// As [`TensorBoardLog::step`].
    pub fn end(&mut self, record: &Record) -> Result<(), ExportError> {
        self.append(events::end(record, self.step, now()))
    }

    /// The numbers of the events in `folder`, as TensorBoard shows them: tag, training steps, value, in the order in which they were told.
    ///
    /// # Errors
    /// [`ExportError::Io`] where the folder cannot be read.
    pub fn scalars(folder: &Path) -> Result<Vec<(String, i64, f32)>, ExportError> {
        let mut shown: Vec<(String, i64, f32)> = Vec::new();
        for path in files::event_files(folder)? {
            let bytes = std::fs::read(&path).map_err(ExportError::io("reading", &path))?;
            for (event, _) in frames::read(&bytes) {
                if event.session_log.is_some() {
                    shown.retain(|(_, step, _)| *step < event.step);
                }
                let values = event.summary.into_iter().flat_map(|summary| summary.value);
                shown.extend(values.filter_map(|value| Some((value.tag, event.step, value.simple_value?))));
            }
        }
        Ok(shown)
    }

    fn append(&mut self, event: Event) -> Result<(), ExportError> {
        self.file.append(&[event])
    }
}
