//! A run from its first step, or from where it was stopped, to its weights and its test.

use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use sha2::{Digest, Sha256};
use strata_config::Experiment;
use strata_model::Weights;
use strata_report::{Chosen, ModelFile, Record, RunFolder, Status, now};
use strata_trainer::{Classifier, Outcome, Pass, Progress, TrainError, evaluate, fit};

use crate::checkpoints::{best_weights, load_best};
use crate::recorder::{Recorder, Start};
use crate::run::{Parts, Runner};
use crate::setup::{self, Loaders};
use crate::{Display, ExperimentError};

impl Runner<'_> {
    /// Trains and evaluates, from `progress` on, and writes into the record how it ended: also where it panicked.
    pub(crate) fn train(
        &mut self,
        experiment: &Experiment,
        folder: &RunFolder,
        record: &mut Record,
        mut parts: Parts,
        progress: Progress,
        start: Start,
    ) -> Result<(), ExperimentError> {
        self.display.set_epochs(experiment.epochs());
        let mut recorder = Recorder::new(folder, record, &mut self.display, &self.stop, start);
        let work = AssertUnwindSafe(|| train_and_test(experiment, &mut recorder, &mut parts, progress));
        let result = catch_unwind(work);
        recorder.display.clear();
        let (status, reason) = match &result {
            Ok(Ok(())) => (Status::Finished, recorder.record.reason.take()),
            Ok(Err(ExperimentError::Interrupted { .. })) => {
                (Status::Interrupted, Some("a signal asked it to stop".into()))
            }
            Ok(Err(error)) => (Status::Failed, Some(error.to_string())),
            Err(panic) => (Status::Failed, Some(format!("it panicked: {}", panic_message(panic.as_ref())))),
        };
        let end = Some(now());
        (recorder.record.status, recorder.record.reason, recorder.record.ended) = (status, reason, end.clone());
        if let Some(part) = recorder.record.parts.last_mut() {
            part.ended = end;
        }
        let written = recorder.write().map_err(ExperimentError::from);
        match result {
            Ok(result) => {
                if result.is_ok() {
                    show_result(&self.display, folder, record);
                }
                // The first error is the one to tell.
                result.and(written)
            }
            Err(panic) => resume_unwind(panic),
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

fn show_result(display: &Display, folder: &RunFolder, record: &Record) {
    let metrics = &record.metrics;
    let [val, test, loss] = [metrics.val_acc, metrics.test_acc, metrics.test_loss].map(|m| m.unwrap_or(f64::NAN));
    display.line(&format!("Test, test_loss: {loss:.4}, test_acc: {test:.4}"));
    let seconds = metrics.seconds.unwrap_or(0.0);
    display.line(&format!("{}: validation accuracy {val:.4}, {seconds:.1} s", folder.path().display()));
}

fn train_and_test(
    experiment: &Experiment,
    recorder: &mut Recorder<'_>,
    parts: &mut Parts,
    progress: Progress,
) -> Result<(), ExperimentError> {
    let interrupted = |recorder: &Recorder<'_>| ExperimentError::Interrupted { run: recorder.folder.path().to_owned() };
    let Loaders { train, validation, test } = &parts.loaders;
    let classifier = &mut *parts.classifier;
    let (progress, outcome) = fit(classifier, train, validation, &setup::plan(experiment), progress, recorder)?;
    match outcome {
        Outcome::Interrupted => return Err(interrupted(recorder)),
        Outcome::StoppedEarly => recorder.record.reason = Some(why_early(experiment)),
        Outcome::Finished => {}
    }
    let weights = choose_weights(experiment, recorder, classifier, &progress)?;
    recorder.record.model = Some(save(recorder.folder, &weights, &parts.dataset.classes)?);
    let Some(score) = evaluate(classifier, test, &mut parts.rng, Pass::Test, recorder)? else {
        return Err(interrupted(recorder));
    };
    recorder.record.metrics.test_loss = Some(score.mean_loss());
    recorder.record.metrics.test_acc = Some(score.accuracy());
    Ok(())
}

fn why_early(experiment: &Experiment) -> String {
    experiment.early_stopping.as_ref().map_or_else(String::new, |stopping| {
        let (metric, patience) = (stopping.metric, stopping.patience);
        format!("stopped early: {metric} did not improve by more than {:?} for {patience} epochs", stopping.min_delta)
    })
}

/// The weights that the run gives, and the classifier has from here on: with early stopping the best epoch's, otherwise the
/// last one's. The record is told which.
fn choose_weights(
    experiment: &Experiment,
    recorder: &mut Recorder<'_>,
    classifier: &mut dyn Classifier,
    progress: &Progress,
) -> Result<Weights, TrainError> {
    let (mut weights, state) = classifier.snapshot()?;
    let (chosen, rule) = if experiment.early_stopping.is_some() {
        let found = load_best(recorder.folder, &recorder.record.id, classifier.architecture())?;
        weights = best_weights(recorder.folder, found, progress)?;
        classifier.restore(&weights, &state)?;
        (&progress.best, "best validation accuracy")
    } else {
        (&progress.last, "last epoch")
    };
    if let Some(line) = chosen {
        recorder.record.chosen = Some(Chosen { epoch: line.epoch, rule: rule.into() });
        recorder.record.metrics.val_loss = Some(line.val_loss);
        recorder.record.metrics.val_acc = Some(line.val_acc);
    }
    Ok(weights)
}

/// Writes the weights file. The SHA-256 is of the bytes that were written, not of what the disk gives back.
fn save(folder: &RunFolder, weights: &Weights, classes: &[String]) -> Result<ModelFile, TrainError> {
    struct Hash(Sha256);
    impl Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let path = folder.model_path();
    weights.save(&path, classes)?;
    let mut hash = Hash(Sha256::new());
    let hashed = weights.write_to(&mut hash, classes);
    hashed.map_err(|source| TrainError::Io { action: "hashing", path: path.clone(), source })?;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(ModelFile { file, sha256: strata_files::hexadecimal(&hash.0.finalize()) })
}
