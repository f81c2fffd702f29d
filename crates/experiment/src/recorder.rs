//! Watches a run and keeps it: history, record, plots, checkpoints.

use std::time::Instant;

use strata_report::{HistoryLine, Metrics, Record, ReportError, RunFolder, TimingLine, now};
use strata_trainer::{
    Checkpoint, Classifier, Evaluation, Event, LayerState, Observer, Pass, Progress, TrainError, best,
};

use crate::checkpoints::{best_checkpoint, last_checkpoint};
use crate::{Display, Stop};

/// The observer of a recorded run.
pub(crate) struct Recorder<'a> {
    pub(crate) folder: &'a RunFolder,
    pub(crate) record: &'a mut Record,
    pub(crate) display: &'a mut Display,
    pub(crate) stop: &'a Stop,
    /// Seconds of this run before it was stopped, where it was.
    seconds_before: f64,
    started: Instant,
    /// Since the last line of the history.
    line_started: Instant,
    /// Samples trained on (or, before the first epoch, evaluated) since then.
    samples: usize,
    /// Whether the pass under way counts for them.
    is_counted: bool,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(folder: &'a RunFolder, record: &'a mut Record, display: &'a mut Display, stop: &'a Stop) -> Self {
        let seconds_before = record.metrics.seconds.filter(|seconds| seconds.is_finite()).unwrap_or(0.0);
        let now = Instant::now();
        Self {
            folder,
            record,
            display,
            stop,
            seconds_before,
            started: now,
            line_started: now,
            samples: 0,
            is_counted: false,
        }
    }

    /// Seconds that this run took, those before it was stopped included.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Keeps the last line of `history`.
    fn add(&mut self, history: &[Evaluation]) -> Result<(), ReportError> {
        let Some(line) = history.last().map(history_line) else { return Ok(()) };
        self.folder.append_history(&line)?;
        let seconds = self.line_started.elapsed().as_secs_f64();
        let samples_per_second = self.samples as f64 / seconds;
        self.folder.append_timing(&TimingLine { epoch: line.epoch, seconds, samples_per_second, finished: now() })?;
        self.line_started = Instant::now();
        self.samples = 0;

        self.record.history.push(line.with_seconds(seconds));
        summarise(history, &mut self.record.metrics);
        self.record.metrics.seconds = Some(self.seconds());
        self.folder.write_record(self.record)?;
        self.folder.write_plots(&self.record.history)
    }
}

/// What a history says of a run: its first line, its last, its best.
pub(crate) fn summarise(history: &[Evaluation], metrics: &mut Metrics) {
    let initial = history.iter().find(|line| line.epoch.is_none());
    (metrics.initial_val_loss, metrics.initial_val_acc) = loss_and_accuracy(initial);
    (metrics.val_loss, metrics.val_acc) = loss_and_accuracy(history.last());
    let best = best(history);
    metrics.best_epoch = best.and_then(|line| line.epoch);
    (metrics.best_val_loss, metrics.best_val_acc) = loss_and_accuracy(best);
}

fn loss_and_accuracy(line: Option<&Evaluation>) -> (Option<f64>, Option<f64>) {
    (line.map(|line| line.val_loss), line.map(|line| line.val_acc))
}

pub(crate) fn history_line(evaluation: &Evaluation) -> HistoryLine {
    HistoryLine {
        phase: evaluation.phase,
        epoch: evaluation.epoch,
        lr: evaluation.learning_rate,
        train_loss: evaluation.train_loss,
        train_acc: None,
        val_loss: evaluation.val_loss,
        val_acc: evaluation.val_acc,
    }
}

fn failed(error: ReportError) -> TrainError {
    TrainError::Observer(Box::new(error))
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        match event {
            Event::PassStarted { pass, .. } => {
                self.is_counted = matches!(pass, Pass::Initial | Pass::Training { .. });
            }
            Event::BatchFinished { samples, .. } if self.is_counted => self.samples += samples,
            Event::Evaluated(history) => self.add(history).map_err(failed)?,
            _ => {}
        }
        self.display.event(&event);
        Ok(())
    }

    fn checkpoint(
        &mut self,
        progress: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError> {
        let (weights, optimizer) = classifier.snapshot()?;
        let folder = self.folder.checkpoints();
        std::fs::create_dir_all(&folder).map_err(|source| TrainError::Io {
            action: "making the folder",
            path: folder.clone(),
            source,
        })?;
        let (run, progress) = (self.record.id.clone(), progress.clone());
        let best = best(&progress.history).map(|line| line.epoch);
        let is_best = epoch_ended && best.is_some() && best == progress.history.last().map(|line| line.epoch);
        let mut checkpoint = Checkpoint { run, progress, weights, optimizer };
        // The best before the last: a kill between the two repeats the epoch, and so writes the best again.
        if is_best {
            // Without the optimizer's buffers: the best epoch is chosen, never gone on from.
            let none = vec![LayerState::default(); checkpoint.weights.layers.len()];
            let buffers = std::mem::replace(&mut checkpoint.optimizer.layers, none);
            checkpoint.save(&best_checkpoint(self.folder))?;
            checkpoint.optimizer.layers = buffers;
        }
        checkpoint.save(&last_checkpoint(self.folder))?;
        tracing::debug!(folder = %folder.display(), "checkpoint written");
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.stop.is_requested()
    }
}
