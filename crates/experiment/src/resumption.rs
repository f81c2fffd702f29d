//! A run that was stopped: what its folder holds, checked, before it goes on.

use std::path::Path;

use strata_report::{
    DatasetRecord, HistoryDigest, HistoryEntry, HistoryRow, ParentRecord, PhaseRecord, Record, RunFolder, Status,
    join_history, read_parent, read_record_to_write, read_timing,
};
use strata_trainer::{Checkpoint, CheckpointHistory, Classifier, Elapsed, HistoryMark, Plan, Progress, TrainError};

use crate::ExperimentError;
use crate::checkpoints::{best_weights, exists, load_best};
use crate::lost::{RESTORE, refuse_lost_checkpoint};
use crate::recorded_config::refuse_other;
use crate::recorder::{Recorder, first_part, summarise};
use crate::sha256::sha256;

/// A stopped run, held and read, not yet gone on with.
#[derive(Debug)]
pub struct Resumption {
    folder: RunFolder,
    config_sha256: String,
    /// None of a run that was killed before its first record.
    before: Option<Record>,
    /// Whether there is a checkpoint.
    is_begun: bool,
    /// The weights that it started from, where they were not drawn.
    parent: Option<ParentRecord>,
}

impl Resumption {
    /// Reads the run in `folder`, which must follow the text `config`.
    ///
    /// # Errors
    /// [`ExperimentError::Resume`] where the run is finished, follows another config, or has lost its record or checkpoint;
    /// [`ExperimentError::Report`] and [`ExperimentError::Train`] where its files cannot be read.
    pub fn open(folder: RunFolder, config: &str) -> Result<Self, ExperimentError> {
        let run = folder.path();
        let config_sha256 = sha256(config.as_bytes());
        let before = recorded(run, &config_sha256)?;
        let is_begun = exists(&folder.last_checkpoint())?;
        if is_begun && before.is_none() {
            let reason = "its record.json is gone, which tells whose checkpoint this is";
            return Err(refused(run, format!("{reason}; {RESTORE}")));
        }
        if !is_begun {
            refuse_lost_checkpoint(&folder, before.as_ref())?;
        }
        let parent = read_parent(run)?.or_else(|| before.as_ref().and_then(|before| before.parent.clone()));
        Ok(Self { folder, config_sha256, before, is_begun, parent })
    }

    /// Refuses a run whose seed or phases are not those of `record`: for a run whose config does not say them.
    pub(crate) fn refuse_other_plan(&self, record: &Record) -> Result<(), ExperimentError> {
        let Some(before) = &self.before else { return Ok(()) };
        let run = self.folder.path();
        if before.rng.seed != record.rng.seed {
            let reason = format!("it was started with the seed {}, not {}", before.rng.seed, record.rng.seed);
            return Err(refused(run, reason));
        }
        if before.phases != record.phases {
            let told = |phases: &[PhaseRecord]| {
                let each = phases.iter().map(|phase| format!("{} at {}", phase.epochs, phase.lr));
                each.collect::<Vec<_>>().join(", ")
            };
            let reason =
                format!("it was started with the epochs {}, not {}", told(&before.phases), told(&record.phases));
            return Err(refused(run, reason));
        }
        Ok(())
    }

    /// The weights that the run is to begin from, where they are not drawn and it has no checkpoint.
    pub(crate) fn parent(&self) -> Option<&ParentRecord> {
        self.parent.as_ref().filter(|_| !self.is_begun)
    }

    /// The run's folder.
    pub(crate) fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The folder that the run's data lay in, where its record names one.
    pub fn data_folder(&self) -> Option<&Path> {
        self.before.as_ref()?.dataset.folder.as_deref().map(Path::new)
    }

    /// Gives `classifier` what the last checkpoint holds, brings the folder to that moment, and goes on recording. `record` is what a run that
    /// starts now would have; what earlier parts recorded is taken into it. The progress to go on from is none where there is no checkpoint: the
    /// run then begins with the initial parameters. `batches` are the training steps of an epoch, `seed` is the generator's.
    ///
    /// # Errors
    /// [`ExperimentError::Resume`] where the record is of other data, [`ExperimentError::Train`] where the checkpoint is damaged or another
    /// run's, [`ExperimentError::Report`] where the history it counts on is lost. Nothing is changed then.
    pub fn restore(
        self,
        mut record: Record,
        classifier: &mut dyn Classifier,
        plan: &Plan,
        batches: usize,
        seed: u64,
    ) -> Result<(Recorder, Option<Progress>), ExperimentError> {
        let Self { folder, config_sha256, before, is_begun, parent } = self;
        (record.name, record.config_sha256) = (folder.name(), config_sha256);
        if record.parts.is_empty() {
            record.parts.push(first_part(&record));
        }
        record.parent = parent;
        let entries = match before {
            Some(before) => carry_over(&mut record, before).map_err(|reason| refused(folder.path(), reason))?,
            None => Vec::new(),
        };
        let mut elapsed = Elapsed { run: record.metrics.seconds.unwrap_or(0.0), ..Elapsed::default() };
        let (mut digest, mut samples, mut progress) = (HistoryDigest::default(), 0, None);
        if is_begun {
            let checkpoint = restore_classifier(&folder, &record, classifier, plan, batches, seed)?;
            let (lines, found) = restore_history(plan, &folder, checkpoint, &entries)?;
            digest = HistoryDigest::of(&lines)?;
            elapsed = Elapsed { run: elapsed.run.max(found.elapsed.run), ..found.elapsed };
            samples = found.progress.score.samples;
            let timing = read_timing(folder.path()).map(|timing| timing.entries).unwrap_or_default();
            record.history = join_history(&lines, &timing);
            // Numbers that a person added to an entry.
            for (entry, before) in record.history.iter_mut().zip(entries) {
                for (key, value) in before.line.values {
                    entry.values.entry(key).or_insert(value);
                }
            }
            let best = &found.progress.best;
            let ends = [lines.first().cloned(), best.clone(), found.progress.last.clone()];
            for line in ends.into_iter().flatten() {
                let is_best = line.epoch.is_some() && best.as_ref() == Some(&line);
                summarise(&line, is_best, &mut record.metrics);
            }
            progress = Some(found.progress);
        } else {
            // Evaluations before the first checkpoint are made again.
            folder.rewrite_history(&[])?;
        }
        if let Some(part) = record.parts.last_mut() {
            part.first_epoch = Some(progress.as_ref().map_or(0, |progress| progress.epoch));
        }
        folder.write_record(&record)?;
        Ok((Recorder::new(folder, record, digest, elapsed, samples), progress))
    }
}

pub(crate) fn refused(run: &Path, reason: impl Into<String>) -> ExperimentError {
    ExperimentError::Resume { run: run.to_owned(), reason: reason.into() }
}

/// The run's record, which must be of an unfinished run of this config. A run that was killed before its first record has a
/// config, and nothing else to go on from.
fn recorded(run: &Path, config_sha256: &str) -> Result<Option<Record>, ExperimentError> {
    if !exists(&run.join("record.json"))? {
        return Ok(None);
    }
    let record = read_record_to_write(run)?;
    if record.status == Status::Finished {
        return Err(refused(run, "it is finished"));
    }
    refuse_other(config_sha256, &record).map_err(|reason| refused(run, reason))?;
    Ok(Some(record))
}

/// Takes into `record`, made from the config as for a run that starts now, what only the run's record `before` knows; gives the history that
/// it had. What is new of this part stands in the last of `parts`.
fn carry_over(record: &mut Record, before: Record) -> Result<Vec<HistoryEntry>, String> {
    // Where the images lie is no part of what they are.
    // Records of earlier programs do not say how bytes became inputs; the config decides it.
    let pixels = before.dataset.pixels.clone().or_else(|| record.dataset.pixels.clone());
    let trained_on = DatasetRecord { folder: record.dataset.folder.clone(), pixels, ..before.dataset.clone() };
    if trained_on != record.dataset {
        return Err(format!(
            "the images or their split are not those that its record names: their SHA-256 is {}, the record has {}; \
             name the folder of the run's own images, or restore record.json from a copy",
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
    record.metrics.values = before.metrics.values;
    record.metrics.seconds = before.metrics.seconds.filter(|seconds| seconds.is_finite());
    Ok(before.history)
}

/// Gives the classifier what the run's last checkpoint holds.
fn restore_classifier(
    folder: &RunFolder,
    record: &Record,
    classifier: &mut dyn Classifier,
    plan: &Plan,
    batches: usize,
    seed: u64,
) -> Result<Checkpoint, ExperimentError> {
    let path = folder.last_checkpoint();
    let checkpoint = Checkpoint::load(&path, &record.id, classifier.architecture())?;
    checkpoint.check(plan, batches, seed).map_err(|reason| TrainError::Damaged { path, reason })?;
    if plan.early_stopping.is_some() && checkpoint.progress.best.is_some() {
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
    plan: &Plan,
    folder: &RunFolder,
    mut checkpoint: Checkpoint,
    entries: &[HistoryEntry],
) -> Result<(Vec<HistoryRow>, Checkpoint), ExperimentError> {
    let lines = match &checkpoint.history {
        CheckpointHistory::File(HistoryMark { bytes, sha256 }) => folder.restore_history(*bytes, sha256, entries)?,
        CheckpointHistory::Lines(lines) => {
            folder.rewrite_history(lines)?;
            lines.clone()
        }
        CheckpointHistory::None => {
            let path = folder.last_checkpoint();
            return Err(TrainError::Damaged { path, reason: "it knows of no history".into() }.into());
        }
    };
    let stored = checkpoint.progress.clone();
    checkpoint.progress.replay(&lines, plan);
    let is_same = (&stored.last, &stored.best) == (&checkpoint.progress.last, &checkpoint.progress.best);
    if !is_same || stored.stopping.is_some_and(|state| Some(state) != checkpoint.progress.stopping) {
        let (path, reason) = (folder.last_checkpoint(), "its history does not lead to what it remembers of it".into());
        return Err(TrainError::Damaged { path, reason }.into());
    }
    Ok((lines, checkpoint))
}
