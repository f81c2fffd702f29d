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

/// How batches become training steps.
#[derive(Debug, Clone, Copy)]
struct Steps {
    /// Of an epoch.
    batches: u64,
    /// As many are a step, but for an epoch's last.
    batches_of_step: u64,
}

impl Steps {
    fn of_epoch(self) -> u64 {
        self.batches.div_ceil(self.batches_of_step)
    }

    /// The step of its epoch that ended with the last of the batches that are done, where one did and its loss is told.
    fn told(self, done: u64) -> Option<u64> {
        let has_ended = done.is_multiple_of(self.batches_of_step) || done == self.batches;
        let step = done.div_ceil(self.batches_of_step);
        (has_ended && step.is_multiple_of(EVERY_STEPS)).then_some(step)
    }
}

/// Writes a run's events for TensorBoard, where its config asks for them.
#[derive(Debug)]
pub(crate) struct TensorBoardObserver {
    log: TensorBoardLog,
    steps: Steps,
    epoch: u64,
    /// Batches of the epoch under way that are done; none where another pass is.
    done: Option<u64>,
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
        let (folder, text) = (TensorBoardLog::folder(folder), config.to_toml());
        let steps = Steps { batches: batches as u64, batches_of_step: config.accumulate.get() as u64 };
        let of_epoch = steps.of_epoch();
        // A data set of other channels has no sheet.
        let sheet = contact_sheet_png(images, &indices[..indices.len().min(SHEET)], COLUMNS).ok();
        let log = if progress.last.is_none() {
            TensorBoardLog::start(&folder, record, &text, of_epoch, sheet.as_deref())?
        } else {
            let history: Vec<_> = record.history.iter().map(|entry| entry.line.clone()).collect();
            let step = progress.epoch as u64 * of_epoch + progress.batches as u64 / steps.batches_of_step;
            TensorBoardLog::resume(&folder, record, &text, of_epoch, &history, step, sheet.as_deref())?
        };
        Ok(Some(Self { log, steps, epoch: progress.epoch as u64, done: None }))
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
                (self.epoch, self.done) = (epoch as u64, Some(done as u64));
            }
            Event::PassStarted { .. } => self.done = None,
            Event::BatchFinished { loss, .. } => {
                self.done = self.done.map(|done| done + 1);
                if let (Some(loss), Some(step)) = (loss, self.done.and_then(|done| self.steps.told(done))) {
                    self.log.step(self.epoch * self.steps.of_epoch() + step, loss).map_err(failed)?;
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

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn a_step_of_several_batches_is_told_once() {
        let told = |batches, batches_of_step| {
            let steps = Steps { batches, batches_of_step };
            (1..=batches).filter_map(|done| Some((done, steps.told(done)?))).collect::<Vec<_>>()
        };
        assert_eq!(told(25, 1), [(10, 10), (20, 20)]);
        assert_eq!(told(71, 4), [(40, 10)]);
        assert_eq!(told(39, 4), [(39, 10)], "an epoch's last step has fewer batches");
        assert_eq!(Steps { batches: 71, batches_of_step: 4 }.of_epoch(), 18);
    }
}
