//! Watches a run and keeps it: history, record, plots, checkpoints.

use std::time::{Duration, Instant};

use strata_report::{HistoryDigest, HistoryLine, Metrics, Record, ReportError, RunFolder};
use strata_trainer::{
    Checkpoint, CheckpointHistory, Classifier, Elapsed, Evaluation, Event, HistoryMark, LayerState, Observer, Progress,
    TrainError,
};

use crate::checkpoints::{best_checkpoint, last_checkpoint};
use crate::clock::Clock;
use crate::{Display, Stop};

/// Record and plots, which grow with the epochs, are written no more often than this.
const SELDOM: Duration = Duration::from_secs(2);
/// Nor so often that they take more than one part in this many of a run's time.
const SHARE: u32 = 20;

/// The observer of a recorded run.
pub(crate) struct Recorder<'a> {
    pub(crate) folder: &'a RunFolder,
    pub(crate) record: &'a mut Record,
    pub(crate) display: &'a mut Display,
    pub(crate) stop: &'a Stop,
    /// Of what the history's file holds.
    digest: HistoryDigest,
    clock: Clock,
    /// When record and plots may be written again.
    next_write: Instant,
}

impl<'a> Recorder<'a> {
    /// Goes on with `record`, whose history is the file's.
    pub(crate) fn new(
        folder: &'a RunFolder,
        record: &'a mut Record,
        display: &'a mut Display,
        stop: &'a Stop,
        start: Start,
    ) -> Self {
        let Start { digest, elapsed, samples } = start;
        let (clock, next_write) = (Clock::new(elapsed, samples), Instant::now() + SELDOM);
        Self { folder, record, display, stop, digest, clock, next_write }
    }

    /// Keeps a new line of the history.
    fn add(&mut self, line: &Evaluation, is_best: bool) -> Result<(), ReportError> {
        let (line, evaluation) = (history_line(line), line);
        self.folder.append_history(&line)?;
        self.digest.add(&line)?;
        let time = self.clock.end_line(line.epoch);
        self.folder.append_timing(&time)?;
        self.record.history.push(line.with_seconds(time.seconds));
        summarise(evaluation, is_best, &mut self.record.metrics);
        if Instant::now() >= self.next_write { self.write() } else { Ok(()) }
    }

    /// Writes record and plots as they are now.
    pub(crate) fn write(&mut self) -> Result<(), ReportError> {
        let begin = Instant::now();
        self.record.metrics.seconds = Some(self.clock.elapsed().run);
        self.folder.write_record(self.record)?;
        if !self.record.history.is_empty() {
            self.folder.write_plots(&self.record.history)?;
        }
        let now = Instant::now();
        self.next_write = now + SELDOM.max((now - begin) * SHARE);
        Ok(())
    }

    fn keep(&mut self, progress: &Progress, classifier: &mut dyn Classifier, is_best: bool) -> Result<(), TrainError> {
        let (weights, optimizer) = classifier.snapshot()?;
        let folder = self.folder.checkpoints();
        std::fs::create_dir_all(&folder).map_err(|source| TrainError::Io {
            action: "making the folder",
            path: folder.clone(),
            source,
        })?;
        let mark = HistoryMark { bytes: self.digest.bytes(), sha256: self.digest.sha256() };
        let mut checkpoint = Checkpoint {
            run: self.record.id.clone(),
            progress: progress.clone(),
            history: CheckpointHistory::File(mark),
            elapsed: self.clock.elapsed(),
            weights,
            optimizer,
        };
        // The best before the last: a kill between the two repeats the epoch, and so writes the best again.
        if is_best {
            // Without the optimizer's buffers: the best epoch is chosen, never resumed.
            let none = vec![LayerState::default(); checkpoint.weights.layers.len()];
            let buffers = std::mem::replace(&mut checkpoint.optimizer.layers, none);
            checkpoint.save(&best_checkpoint(self.folder))?;
            checkpoint.optimizer.layers = buffers;
        }
        checkpoint.save(&last_checkpoint(self.folder))?;
        tracing::debug!(folder = %folder.display(), "checkpoint written");
        Ok(())
    }
}

/// Where a recorder begins: what earlier parts of the run left.
#[derive(Debug, Default)]
pub(crate) struct Start {
    pub(crate) digest: HistoryDigest,
    pub(crate) elapsed: Elapsed,
    /// Samples of the epoch under way that were trained on.
    pub(crate) samples: u64,
}

/// What a line of the history adds to what is known of a run: its first line, its last, its best.
pub(crate) fn summarise(line: &Evaluation, is_best: bool, metrics: &mut Metrics) {
    let (loss, accuracy) = (Some(line.val_loss), Some(line.val_acc));
    if line.epoch.is_none() {
        (metrics.initial_val_loss, metrics.initial_val_acc) = (loss, accuracy);
    }
    (metrics.val_loss, metrics.val_acc) = (loss, accuracy);
    if is_best {
        metrics.best_epoch = line.epoch;
        (metrics.best_val_loss, metrics.best_val_acc) = (loss, accuracy);
    }
}

/// A line of the trainer's history as the run's folder has it.
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

/// A line of the run's folder as the trainer has it.
pub(crate) fn evaluation(line: &HistoryLine) -> Evaluation {
    Evaluation {
        phase: line.phase,
        epoch: line.epoch,
        learning_rate: line.lr,
        train_loss: line.train_loss,
        val_loss: line.val_loss,
        val_acc: line.val_acc,
    }
}

fn failed(error: ReportError) -> TrainError {
    TrainError::Observer(Box::new(error))
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        self.clock.event(&event);
        if let Event::Evaluated { line, is_best } = event {
            self.add(line, is_best).map_err(failed)?;
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
        let was_training = self.clock.pause_training();
        let kept = self.keep(progress, classifier, epoch_ended && progress.is_best());
        self.clock.go_on(was_training);
        kept
    }

    fn is_interrupted(&self) -> bool {
        self.stop.is_requested()
    }
}
