//! Going on with a run that was stopped.

use std::path::{Path, PathBuf};

use strata_config::Experiment;
use strata_report::{DatasetRecord, Record, RunFolder, Status, join_history, now, read_record, read_timing};
use strata_trainer::{Checkpoint, Loader, Progress, TrainError, best};

use crate::checkpoints::{best_weights, is_there, last_checkpoint, load_best};
use crate::recorder::{history_line, summarise};
use crate::run::{Parts, Runner, sha256};
use crate::{ExperimentError, Stop, setup};

impl Runner<'_> {
    /// Goes on with the run in `folder` from its last checkpoint, or from the seed where there is none. On the CPU the result is that of a
    /// run that was never stopped, to the bit. `change` may alter what the result does not depend on: device, threads.
    ///
    /// # Errors
    /// As [`Runner::start`]; [`ExperimentError::Resume`] where the run cannot be gone on with.
    pub fn resume(&mut self, run: &Path, change: impl FnOnce(&mut Experiment)) -> Result<PathBuf, ExperimentError> {
        let folder = RunFolder::open(run)?;
        let (mut experiment, config_sha256) = read_config(run)?;
        change(&mut experiment);
        let before = recorded(run, &config_sha256)?;
        let recorded = before.as_ref().and_then(|record| record.dataset.folder.as_ref()).map(PathBuf::from);
        let mut parts = self.prepare(&experiment, recorded.as_deref())?;
        let mut record = self.record(&experiment, config_sha256, &folder, &parts);
        if let Some(before) = before {
            take_over(&mut record, before).map_err(|reason| refused(run, reason))?;
        }
        let progress = restore(&experiment, &folder, &record, &mut parts, &self.stop)?;
        let lines: Vec<_> = progress.history.iter().map(history_line).collect();
        // What was written after the checkpoint will be written again.
        folder.rewrite_history(&lines)?;
        record.history = join_history(&lines, &read_timing(run).map(|timing| timing.entries).unwrap_or_default());
        summarise(&progress.history, &mut record.metrics);
        record.resumed.push(now());
        folder.write_record(&record)?;
        self.display.line(&format!("{}: going on at epoch {}", folder.path().display(), progress.epoch));
        self.train(&experiment, &folder, &mut record, parts, progress)?;
        Ok(folder.path().to_owned())
    }
}

fn refused(run: &Path, reason: impl Into<String>) -> ExperimentError {
    ExperimentError::Resume { run: run.to_owned(), reason: reason.into() }
}

/// The run's config and the SHA-256 of its text: of the text as it is, not as it is understood, since a changed byte may change
/// a sum's order, or nothing.
fn read_config(run: &Path) -> Result<(Experiment, String), ExperimentError> {
    let path = run.join("config.toml");
    let experiment = Experiment::read(&path, &[])?;
    let text = std::fs::read(&path).map_err(|error| refused(run, format!("its config.toml: {error}")))?;
    Ok((experiment, sha256(&text)))
}

/// The run's record, which must be of an unfinished run of this config. A run that was killed before its first record has a
/// config, and nothing else to go on from.
fn recorded(run: &Path, config_sha256: &str) -> Result<Option<Record>, ExperimentError> {
    if !is_there(&run.join("record.json"))? {
        return Ok(None);
    }
    let record = read_record(run)?;
    if record.status == Status::Finished {
        return Err(refused(run, "it is finished; `cargo xtask compare` shows it"));
    }
    if record.config_sha256 != config_sha256 {
        return Err(refused(
            run,
            format!(
                "its config.toml is not the one it was started with: its SHA-256 is {config_sha256}, its record has {}; \
                 restore the file from a copy",
                record.config_sha256
            ),
        ));
    }
    Ok(Some(record))
}

/// Takes into `record`, made from the config as for a run that starts now, what only the run's record `before` knows.
fn take_over(record: &mut Record, before: Record) -> Result<(), String> {
    // Where the images lie is no part of what they are.
    let trained_on = DatasetRecord { folder: record.dataset.folder.clone(), ..before.dataset };
    if trained_on != record.dataset {
        return Err(format!(
            "the images or their split are not those that its record names: their SHA-256 is {}, the record has {}; \
             name the folder of the run's own images with --data, or restore record.json from a copy",
            record.dataset.sha256, trained_on.sha256
        ));
    }
    (record.id, record.started, record.command) = (before.id, before.started, before.command);
    record.resumed = before.resumed;
    record.metrics.seconds = before.metrics.seconds;
    Ok(())
}

/// Gives the classifier what the run's last checkpoint holds, or, where there is none, the parameters that the run starts
/// with; how far the run has come.
fn restore(
    experiment: &Experiment,
    folder: &RunFolder,
    record: &Record,
    parts: &mut Parts,
    stop: &Stop,
) -> Result<Progress, ExperimentError> {
    let path = last_checkpoint(folder);
    if !is_there(&path)? {
        return parts.begin(stop);
    }
    let Parts { classifier, loaders, .. } = parts;
    let checkpoint = Checkpoint::load(&path, &record.id, classifier.architecture())?;
    let checked = checkpoint.check(&setup::plan(experiment), loaders.train.batches(), experiment.seed);
    checked.map_err(|reason| TrainError::Damaged { path, reason })?;
    if experiment.early_stopping.is_some() && best(&checkpoint.progress.history).is_some() {
        // Looked at before hours of training, not after them. A kill after it was written and before the last was left
        // the best of an epoch that is to be repeated, and written again.
        let found = load_best(folder, &record.id, classifier.architecture())?;
        if found.progress.epoch <= checkpoint.progress.epoch {
            best_weights(folder, found, &checkpoint.progress.history)?;
        }
    }
    classifier.restore(&checkpoint.weights, &checkpoint.optimizer)?;
    Ok(checkpoint.progress)
}
