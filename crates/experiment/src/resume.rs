//! Going on with a run that was stopped.

use std::path::{Path, PathBuf};

use strata_config::Experiment;
use strata_report::{
    DatasetRecord, HistoryDigest, HistoryEntry, HistoryLine, Record, ReportError, RunFolder, Status, join_history,
    read_history, read_record_to_write, read_timing,
};
use strata_trainer::{Checkpoint, CheckpointHistory, Elapsed, Evaluation, HistoryMark, Loader, TrainError};

use crate::checkpoints::{best_checkpoint, best_weights, exists, last_checkpoint, load_best};
use crate::recorder::{Start, evaluation, history_line, summarise};
use crate::run::{Parts, Runner, sha256};
use crate::{ExperimentError, setup};

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
        let is_begun = exists(&last_checkpoint(&folder))?;
        if is_begun && before.is_none() {
            let reason = "its record.json is gone, which tells whose checkpoint this is";
            return Err(refused(run, format!("{reason}; {RESTORE}")));
        }
        if !is_begun {
            refuse_lost_checkpoint(&folder, before.as_ref())?;
        }
        let recorded = before.as_ref().and_then(|record| record.dataset.folder.as_ref()).map(PathBuf::from);
        let mut parts = self.prepare(&experiment, recorded.as_deref())?;
        let mut record = self.record(&experiment, config_sha256, &folder, &parts);
        let entries = match before {
            Some(before) => carry_over(&mut record, before).map_err(|reason| refused(run, reason))?,
            None => Vec::new(),
        };
        let mut start = Start::default();
        start.elapsed.run = record.metrics.seconds.unwrap_or(0.0);
        let progress;
        if is_begun {
            let checkpoint = restore(&experiment, &folder, &record, &mut parts)?;
            let (lines, found) = restore_history(&experiment, &folder, checkpoint, &entries)?;
            start.digest = HistoryDigest::of(&lines)?;
            start.elapsed = Elapsed { run: start.elapsed.run.max(found.elapsed.run), ..found.elapsed };
            start.samples = found.progress.score.samples;
            record.history = join_history(&lines, &read_timing(run).map(|timing| timing.entries).unwrap_or_default());
            for line in [lines.first().map(evaluation), found.progress.best.clone(), found.progress.last.clone()] {
                let is_best = |line: &Evaluation| line.epoch.is_some() && found.progress.best.as_ref() == Some(line);
                if let Some(line) = line {
                    summarise(&line, is_best(&line), &mut record.metrics);
                }
            }
            progress = found.progress;
        } else {
            // Evaluations before the first checkpoint are made again.
            progress = parts.begin(&self.stop)?;
            folder.rewrite_history(&[])?;
        }
        let epoch = progress.epoch;
        if let Some(part) = record.parts.last_mut() {
            part.first_epoch = Some(epoch);
        }
        folder.write_record(&record)?;
        self.display.line(&format!("{}: going on at epoch {epoch}", folder.path().display()));
        self.train(&experiment, &folder, &mut record, parts, progress, start)?;
        Ok(folder.path().to_owned())
    }
}

/// What is said to do about a file of the run that is gone.
const RESTORE: &str = "restore it from a copy, or start a new run from its config.toml";

/// A run without its last checkpoint begins again from its seed: but not where anything tells that it had come further, which would be
/// lost.
fn refuse_lost_checkpoint(folder: &RunFolder, before: Option<&Record>) -> Result<(), ExperimentError> {
    let run = folder.path();
    let mut tells = Vec::new();
    let epochs = |name: &str, epochs: usize| match epochs {
        0 => None,
        1 => Some(format!("{name} tells of 1 epoch")),
        _ => Some(format!("{name} tells of {epochs} epochs")),
    };
    let recorded = before.map_or(0, |before| before.history.iter().filter(|entry| entry.epoch.is_some()).count());
    tells.extend(epochs("record.json", recorded));
    let of = |epoch: Option<usize>| usize::from(epoch.is_some());
    let history = |run: &Path| read_history(run).map(|lines| lines.entries.iter().map(|line| of(line.epoch)).sum());
    let timing = |run: &Path| read_timing(run).map(|lines| lines.entries.iter().map(|line| of(line.epoch)).sum());
    type Count<'a> = &'a dyn Fn(&Path) -> Result<usize, ReportError>;
    for (name, count) in [("history.jsonl", &history as Count<'_>), ("timing.jsonl", &timing)] {
        if exists(&run.join(name))? {
            match count(run) {
                Ok(count) => tells.extend(epochs(name, count)),
                Err(error) => tells.push(format!("{name} may tell of epochs ({error})")),
            }
        }
    }
    for path in [best_checkpoint(folder), folder.model_path()] {
        if exists(&path)? {
            let name = path.strip_prefix(run).unwrap_or(&path).display();
            tells.push(format!("there is {name}"));
        }
    }
    if tells.is_empty() {
        return Ok(());
    }
    let reason = format!("its checkpoint checkpoints/last.safetensors is gone, but {}; {RESTORE}", tells.join(", "));
    Err(refused(run, reason))
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
    if !exists(&run.join("record.json"))? {
        return Ok(None);
    }
    let record = read_record_to_write(run)?;
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

/// Takes into `record`, made from the config as for a run that starts now, what only the run's record `before` knows; gives the history that
/// it had. What is new of this part stands in the last of `parts`.
fn carry_over(record: &mut Record, before: Record) -> Result<Vec<HistoryEntry>, String> {
    // Where the images lie is no part of what they are.
    let trained_on = DatasetRecord { folder: record.dataset.folder.clone(), ..before.dataset.clone() };
    if trained_on != record.dataset {
        return Err(format!(
            "the images or their split are not those that its record names: their SHA-256 is {}, the record has {}; \
             name the folder of the run's own images with --data, or restore record.json from a copy",
            record.dataset.sha256, trained_on.sha256
        ));
    }
    let started = record.started.clone();
    let mut parts = before.known_parts();
    parts.append(&mut record.parts);
    record.parts = parts;
    record.resumed = before.resumed;
    record.resumed.push(started);
    // What a person added to maps of any keys.
    for (key, value) in before.hyperparameters {
        record.hyperparameters.entry(key).or_insert(value);
    }
    for (key, seed) in before.rng.streams {
        record.rng.streams.entry(key).or_insert(seed);
    }
    (record.id, record.started, record.command) = (before.id, before.started, before.command);
    (record.environment, record.extra) = (before.environment, before.extra);
    record.metrics.seconds = before.metrics.seconds.filter(|seconds| seconds.is_finite());
    Ok(before.history)
}

/// Gives the classifier what the run's last checkpoint holds.
fn restore(
    experiment: &Experiment,
    folder: &RunFolder,
    record: &Record,
    parts: &mut Parts,
) -> Result<Checkpoint, ExperimentError> {
    let path = last_checkpoint(folder);
    let Parts { classifier, loaders, .. } = parts;
    let checkpoint = Checkpoint::load(&path, &record.id, classifier.architecture())?;
    let checked = checkpoint.check(&setup::plan(experiment), loaders.train.batches(), experiment.seed);
    checked.map_err(|reason| TrainError::Damaged { path, reason })?;
    if experiment.early_stopping.is_some() && checkpoint.progress.best.is_some() {
        // Looked at before hours of training, not after them. A kill after it was written and before the last was left
        // the best of an epoch that is to be repeated, and written again.
        let found = load_best(folder, &record.id, classifier.architecture())?;
        if found.progress.epoch <= checkpoint.progress.epoch {
            best_weights(folder, found, &checkpoint.progress)?;
        }
    }
    classifier.restore(&checkpoint.weights, &checkpoint.optimizer)?;
    Ok(checkpoint)
}

/// Brings the history's file to the moment of the checkpoint, since what was written after it will be written again; its lines, and the
/// checkpoint with all that early stopping remembers of them.
fn restore_history(
    experiment: &Experiment,
    folder: &RunFolder,
    mut checkpoint: Checkpoint,
    entries: &[HistoryEntry],
) -> Result<(Vec<HistoryLine>, Checkpoint), ExperimentError> {
    let lines = match &checkpoint.history {
        CheckpointHistory::File(HistoryMark { bytes, sha256 }) => folder.restore_history(*bytes, sha256, entries)?,
        CheckpointHistory::Lines(lines) => {
            let lines: Vec<_> = lines.iter().map(history_line).collect();
            folder.rewrite_history(&lines)?;
            lines
        }
        CheckpointHistory::None => {
            let path = last_checkpoint(folder);
            return Err(TrainError::Damaged { path, reason: "it knows of no history".into() }.into());
        }
    };
    let stored = checkpoint.progress.clone();
    let evaluations: Vec<_> = lines.iter().map(evaluation).collect();
    checkpoint.progress.replay(&evaluations, &setup::plan(experiment));
    let is_same = (&stored.last, &stored.best) == (&checkpoint.progress.last, &checkpoint.progress.best);
    if !is_same || stored.stopping.is_some_and(|state| Some(state) != checkpoint.progress.stopping) {
        let (path, reason) = (last_checkpoint(folder), "its history does not lead to what it remembers of it".into());
        return Err(TrainError::Damaged { path, reason }.into());
    }
    Ok((lines, checkpoint))
}
