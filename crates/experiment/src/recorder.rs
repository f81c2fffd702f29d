//! Keeps a run in its folder: history, record, plots, checkpoints.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use strata_report::{HistoryDigest, HistoryEntry, Metrics, Part, Record, ReportError, RunFolder, Status, now};
use strata_trainer::{
    Checkpoint, CheckpointHistory, Classifier, Elapsed, Event, HistoryMark, HistoryRow, Observer, Progress, TrainError,
};

use crate::ExperimentError;
use crate::clock::Clock;
use crate::environment::working_directory;
use crate::page::{self, TestedImages};
use crate::sha256::sha256;

/// Record and plots, which grow with the epochs, are written no more often than this.
const WRITE_EVERY: Duration = Duration::from_secs(2);
/// The pause after a write is at least this many times as long as the write: writing takes less than a fiftieth of a run.
const PAUSES_PER_WRITE: u32 = 50;

/// Records a run in its folder, as an observer of [`fit`](strata_trainer::fit): history, timing, record, plots and checkpoints. The program's
/// runs are recorded by it, and any other of the trainer's: with data, networks and a loop of one's own.
///
/// [`Recorder::start`] begins a run, [`Resumption`](crate::Resumption) goes on with one; [`Recorder::run`] does the work and records how it
/// ended.
#[derive(Debug)]
pub struct Recorder {
    folder: RunFolder,
    /// What is known of the run; written now and then, and at the end.
    pub record: Record,
    /// Of what the history's file holds.
    digest: HistoryDigest,
    clock: Clock,
    /// When record and plots may be written again.
    next_write: Instant,
    /// What the page of the run shows of the test images, where it is to have a page.
    pub(crate) page: Option<Result<TestedImages, String>>,
}

impl Recorder {
    /// Begins the run `record` in the new folder `folder`, and writes what is known so far: `config`, the text that the run follows, and the
    /// record. Its name and the config's hash are filled in, and its first part where it has none.
    ///
    /// # Errors
    /// [`ExperimentError::Report`] where the folder cannot be written.
    pub fn start(folder: RunFolder, config: &str, mut record: Record) -> Result<Self, ExperimentError> {
        if let Some(parent) = &record.parent {
            // Before the config, which is all that a resume needs.
            folder.write_parent(parent)?;
        }
        folder.write_config(config)?;
        record.name = folder.name();
        record.config_sha256 = sha256(config.as_bytes());
        if record.parts.is_empty() {
            record.parts.push(first_part(&record));
        }
        folder.write_record(&record)?;
        Ok(Self::new(folder, record, HistoryDigest::default(), Elapsed::default(), 0))
    }

    /// Goes on with `record`, whose history is the file's of which `digest` is; `samples` of the epoch under way were trained on.
    pub(crate) fn new(
        folder: RunFolder,
        record: Record,
        digest: HistoryDigest,
        elapsed: Elapsed,
        samples: u64,
    ) -> Self {
        let (clock, next_write) = (Clock::new(elapsed, samples), Instant::now() + WRITE_EVERY);
        Self { folder, record, digest, clock, next_write, page: None }
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// What an interrupted run ends with, for the `work` of [`Recorder::run`].
    pub fn interrupted(&self) -> ExperimentError {
        ExperimentError::Interrupted { run: self.folder.path().to_owned() }
    }

    /// Does `work`, then writes into the record how it ended: finished, interrupted ([`ExperimentError::Interrupted`]), or failed with its
    /// reason, also where it panicked.
    ///
    /// # Errors
    /// What `work` fails with; [`ExperimentError::Report`] where the end cannot be written.
    pub fn run<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, ExperimentError>) -> Result<T, ExperimentError> {
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        let (status, reason) = match &result {
            Ok(Ok(_)) => (Status::Finished, self.record.reason.take()),
            Ok(Err(ExperimentError::Interrupted { .. } | ExperimentError::InterruptedEarly)) => {
                (Status::Interrupted, Some("a signal asked it to stop".into()))
            }
            Ok(Err(error)) => (Status::Failed, Some(error.to_string())),
            Err(panic) => (Status::Failed, Some(format!("it panicked: {}", panic_message(panic.as_ref())))),
        };
        let end = Some(now());
        (self.record.status, self.record.reason, self.record.ended) = (status, reason, end.clone());
        if let Some(part) = self.record.parts.last_mut() {
            part.ended = end;
        }
        let written = self.write().map_err(ExperimentError::from);
        match result {
            // The first error is the one to tell.
            Ok(result) => result.and_then(|done| written.map(|()| done)),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Keeps a new line of the history.
    fn add(&mut self, line: &HistoryRow, is_best: bool) -> Result<(), ReportError> {
        self.folder.append_history(line)?;
        self.digest.add(line)?;
        let time = self.clock.end_line(line.epoch);
        self.folder.append_timing(&time)?;
        self.record.history.push(HistoryEntry::new(line.clone(), time.seconds));
        summarise(line, is_best, &mut self.record.metrics);
        if Instant::now() >= self.next_write { self.write() } else { Ok(()) }
    }

    /// Writes plots, the page of a finished run, and the record as they are now: the record last, since a run that it calls finished is never gone on with.
    fn write(&mut self) -> Result<(), ReportError> {
        let begin = Instant::now();
        self.record.metrics.seconds = Some(self.clock.elapsed().run);
        if !self.record.history.is_empty() {
            self.folder.write_plots(&self.record.history)?;
        }
        if let (Status::Finished, Some(tested)) = (self.record.status, &self.page) {
            let folder = self.folder.path();
            page::write(folder, &page::html(folder, &self.record, &self.record.history, tested))?;
        }
        self.folder.write_record(&self.record)?;
        let now = Instant::now();
        self.next_write = now + WRITE_EVERY.max((now - begin) * PAUSES_PER_WRITE);
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
            let buffers = std::mem::take(&mut checkpoint.optimizer.parameters);
            let averaged = classifier.averaged_weights()?;
            let trained = averaged.map(|averaged| std::mem::replace(&mut checkpoint.weights, averaged));
            checkpoint.save(&self.folder.best_checkpoint())?;
            checkpoint.optimizer.parameters = buffers;
            if let Some(trained) = trained {
                checkpoint.weights = trained;
            }
        }
        checkpoint.save(&self.folder.last_checkpoint())?;
        tracing::debug!(folder = %folder.display(), "checkpoint written");
        Ok(())
    }
}

/// The part of a run that starts now.
pub(crate) fn first_part(record: &Record) -> Part {
    Part {
        started: record.started.clone(),
        ended: None,
        first_epoch: Some(0),
        command: record.command.clone(),
        working_directory: working_directory(),
        environment: record.environment.clone(),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// What a line of the history adds to what is known of a run: its first line, its last, its best.
pub(crate) fn summarise(line: &HistoryRow, is_best: bool, metrics: &mut Metrics) {
    let (loss, accuracy) = (Some(line.val_loss), Some(line.val_acc));
    if line.epoch.is_none() {
        (metrics.initial_val_loss, metrics.initial_val_acc) = (loss, accuracy);
    }
    (metrics.val_loss, metrics.val_acc) = (loss, accuracy);
    let measured = || line.values.iter().filter(|(key, _)| key.starts_with("val_"));
    let mut keep = |before: &str| {
        metrics.values.extend(measured().map(|(key, value)| (format!("{before}{key}"), *value)));
    };
    keep("");
    if line.epoch.is_none() {
        keep("initial_");
    }
    if is_best {
        keep("best_");
    }
    if is_best {
        metrics.best_epoch = line.epoch;
        (metrics.best_val_loss, metrics.best_val_acc) = (loss, accuracy);
    }
}

fn failed(error: ReportError) -> TrainError {
    TrainError::Observer(Box::new(error))
}

impl Observer for Recorder {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        self.clock.event(&event);
        if let Event::Evaluated { line, is_best } = event {
            self.add(line, is_best).map_err(failed)?;
        }
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
}
