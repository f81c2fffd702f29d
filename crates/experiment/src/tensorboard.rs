//! A run told to TensorBoard while it goes.

use std::path::Path;

use strata_config::{Config, keys};
use strata_dataset::{Images, contact_sheet_png};
use strata_export::{ExportError, TensorBoardLog};
use strata_report::Record;
use strata_trainer::{Classifier, Event, Observer, Pass, Progress, TrainError};

use crate::ExperimentError;

/// The training loss is told every this many steps of an epoch, where it is read back there.
const EVERY_STEPS: u64 = 10;
/// Images of the sheet, and how many stand in a row.
const SHEET: usize = 64;
const COLUMNS: usize = 16;

/// Writes a run's events for TensorBoard, where its config asks for them.
#[derive(Debug)]
pub(crate) struct TensorBoardObserver {
    log: TensorBoardLog,
    /// Training steps of an epoch.
    batches: u64,
    epoch: u64,
    /// Steps of the epoch under way; none where another pass is.
    steps: Option<u64>,
}

impl TensorBoardObserver {
    /// Begins or goes on with the events of the run in `folder` at `progress`; none where the config does not ask for any. `images` are those it trains
    /// on, at `indices`.
    pub(crate) fn open(
        config: &Config,
        (folder, record): (&Path, &Record),
        batches: usize,
        progress: &Progress,
        (images, indices): (&Images, &[u32]),
    ) -> Result<Option<Self>, ExperimentError> {
        if config.get(&keys::TENSORBOARD) != Some(true) {
            return Ok(None);
        }
        let (folder, text, batches) = (TensorBoardLog::folder(folder), config.to_toml(), batches as u64);
        // A data set of other channels has no sheet.
        let sheet = contact_sheet_png(images, &indices[..indices.len().min(SHEET)], COLUMNS).ok();
        let log = if progress.last.is_none() {
            TensorBoardLog::start(&folder, record, &text, batches, sheet.as_deref())?
        } else {
            let history: Vec<_> = record.history.iter().map(|entry| entry.line.clone()).collect();
            let step = progress.epoch as u64 * batches + progress.batches as u64;
            TensorBoardLog::resume(&folder, record, &text, batches, &history, step, sheet.as_deref())?
        };
        Ok(Some(Self { log, batches, epoch: progress.epoch as u64, steps: None }))
    }

    /// The run is over: what it reached is in `record`.
    pub(crate) fn end(&mut self, record: &Record) -> Result<(), ExperimentError> {
        Ok(self.log.end(record)?)
    }
}

fn failed(error: ExportError) -> TrainError {
    TrainError::Observer(Box::new(error))
}

impl Observer for TensorBoardObserver {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        match event {
            Event::PassStarted { pass: Pass::Training { epoch, .. }, done, .. } => {
                (self.epoch, self.steps) = (epoch as u64, Some(done as u64));
            }
            Event::PassStarted { .. } => self.steps = None,
            Event::BatchFinished { loss, .. } => {
                let Some(steps) = &mut self.steps else { return Ok(()) };
                *steps += 1;
                if let (Some(loss), true) = (loss, steps.is_multiple_of(EVERY_STEPS)) {
                    self.log.step(self.epoch * self.batches + *steps, loss).map_err(failed)?;
                }
            }
            Event::Evaluated { line, .. } => self.log.line(line).map_err(failed)?,
            _ => {}
        }
        Ok(())
    }

    fn checkpoint(
        &mut self,
        _: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError> {
        if !epoch_ended {
            return Ok(());
        }
        let (weights, _) = classifier.snapshot()?;
        self.log.tensors(&weights.tensors).map_err(failed)
    }
}
