//! A run from its start, or from where it was stopped, to its record.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use strata_config::Experiment;
use strata_dataset::{Dataset, Split};
use strata_model::{Architecture, Weights};
use strata_report::{
    Chosen, DatasetRecord, ModelFile, Record, RunFolder, Split as SplitRecord, Status, join_history, now, read_record,
    read_timing,
};
use strata_rng::TorchRng;
use strata_trainer::{
    Checkpoint, Classifier, Evaluation, Loader, Outcome, Pass, Progress, TrainError, best, evaluate, fit,
};

use crate::environment;
use crate::recorder::{Recorder, best_checkpoint, history_line, last_checkpoint, summarise};
use crate::setup::{self, Loaders};
use crate::{Display, ExperimentError, Row, Stop, data};

/// Runs experiments with the networks of one program.
#[derive(Debug)]
pub struct Runner<'a> {
    /// The networks.
    pub rows: &'a [Row],
    /// Where CIFAR-10's files are or shall be; the system's cache folder if none.
    pub data: Option<PathBuf>,
    /// The command line, for the record.
    pub command: Vec<String>,
    /// Where to look for a wish to stop.
    pub stop: Stop,
    /// What shows the run.
    pub display: Display,
}

/// The run's folder that `name` means: a folder's path, or a name in `runs`.
///
/// # Errors
/// [`ExperimentError::NoRun`] where neither holds a run.
pub fn find_run(name: &Path, runs: &Path) -> Result<PathBuf, ExperimentError> {
    let below = runs.join(name);
    let is_run = |folder: &Path| folder.join("config.toml").is_file() || folder.join("record.json").is_file();
    match [name.to_owned(), below.clone()].into_iter().find(|folder| is_run(folder)) {
        Some(folder) => Ok(folder),
        None => Err(ExperimentError::NoRun { name: name.to_owned(), here: name.to_owned(), below }),
    }
}

/// Everything that a run needs besides its folder.
struct Parts {
    dataset: Dataset,
    split: Split,
    loaders: Loaders,
    classifier: Box<dyn Classifier>,
    /// After the split was drawn.
    rng: TorchRng,
    environment: strata_report::Environment,
}

impl Runner<'_> {
    /// Trains `experiment`, evaluates it on the test images and records all of it in a new folder under `runs`: named `name`,
    /// which must be free, or after the config. Gives the folder.
    ///
    /// # Errors
    /// What any part fails with; [`ExperimentError::Interrupted`] where it was asked to stop. The folder's record says so too.
    pub fn start(
        &mut self,
        experiment: &Experiment,
        runs: &Path,
        name: Option<&str>,
    ) -> Result<PathBuf, ExperimentError> {
        // Whatever can be wrong is found before a folder is made.
        let mut parts = self.prepare(experiment)?;
        let folder = match name {
            Some(name) => RunFolder::create_exact(runs, name)?,
            None => RunFolder::create(runs, &experiment.name)?,
        };
        let config = experiment.to_toml();
        folder.write_config(&config)?;
        let mut record = self.record(experiment, &folder.name(), &parts);
        record.config_sha256 = sha256(config.as_bytes());
        folder.write_record(&record)?;
        parts.classifier.initialise(&mut parts.rng)?;
        let progress = Progress::new(&parts.rng);
        self.display.line(&format!(
            "{}: {}, {} parameters, on {}",
            folder.path().display(),
            parts.classifier.architecture(),
            record.parameters,
            record.environment.device
        ));
        self.train(experiment, &folder, &mut record, parts, progress)?;
        Ok(folder.path().to_owned())
    }

    /// Goes on with the run in `folder` from its last checkpoint, or from the seed where there is none. On the CPU the result is that of a
    /// run that was never stopped, to the bit. `change` may alter what the result does not depend on: device, threads.
    ///
    /// # Errors
    /// As [`Runner::start`]; [`ExperimentError::Resume`] where the run cannot be gone on with.
    pub fn resume(&mut self, run: &Path, change: impl FnOnce(&mut Experiment)) -> Result<PathBuf, ExperimentError> {
        let refuse = |reason: String| ExperimentError::Resume { run: run.to_owned(), reason };
        let folder = RunFolder::open(run)?;
        let path = run.join("config.toml");
        let mut experiment = Experiment::read(&path, &[])?;
        // As it is, not as it is understood: a changed byte may change a sum's order, or nothing.
        let config_sha256 = sha256(&std::fs::read(&path).map_err(|error| refuse(format!("its config.toml: {error}")))?);
        change(&mut experiment);
        // A run that was killed before its first record has a config, and nothing else to go on from.
        let recorded = if is_there(&run.join("record.json"))? { Some(read_record(run)?) } else { None };
        if recorded.as_ref().is_some_and(|record| record.status == Status::Finished) {
            return Err(refuse("it is finished; `cargo xtask compare` shows it".into()));
        }
        if let Some(before) = recorded.as_ref().filter(|record| record.config_sha256 != config_sha256) {
            return Err(refuse(format!(
                "its config.toml is not the one it was started with: its SHA-256 is {config_sha256}, its record has {}; \
                 restore the file from a copy",
                before.config_sha256
            )));
        }
        let mut parts = self.prepare(&experiment)?;
        let mut record = self.record(&experiment, &folder.name(), &parts);
        record.config_sha256 = config_sha256;
        if let Some(before) = recorded {
            take_over(&mut record, before).map_err(refuse)?;
        }
        let path = last_checkpoint(&folder.checkpoints());
        let progress = if is_there(&path)? {
            let Parts { classifier, loaders, .. } = &mut parts;
            let checkpoint = Checkpoint::load(&path, &record.id, classifier.architecture())?;
            let batches = Loader::batches(&loaders.train);
            let checked = checkpoint.check(&setup::plan(&experiment), batches, experiment.seed);
            checked.map_err(|reason| TrainError::Damaged { path, reason })?;
            if experiment.early_stopping.is_some() && best(&checkpoint.progress.history).is_some() {
                // Looked at before hours of training, not after them. A kill after it was written and before the last was left
                // the best of an epoch that is to be repeated, and written again.
                let found = load_best(&folder, &record, classifier.architecture())?;
                if found.progress.epoch <= checkpoint.progress.epoch {
                    best_weights(&folder, found, &checkpoint.progress.history)?;
                }
            }
            classifier.restore(&checkpoint.weights, &checkpoint.optimizer)?;
            checkpoint.progress
        } else {
            parts.classifier.initialise(&mut parts.rng)?;
            Progress::new(&parts.rng)
        };
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

    fn prepare(&mut self, experiment: &Experiment) -> Result<Parts, ExperimentError> {
        if let Some(threads) = experiment.threads {
            start_threads(threads.get())?;
        }
        let device = setup::device(experiment.device)?;
        let dataset = data::load(experiment, self.data.as_deref(), &mut self.display, &self.stop)?;
        // The notebook's order of draws: the split, then the layers, then the passes.
        let mut rng = TorchRng::new(experiment.seed);
        let split = Split::random(dataset.train.len(), experiment.dataset.validation, &mut rng)?;
        let classifier = setup::classifier(experiment, self.rows, device, &dataset)?;
        let loaders = setup::loaders(experiment, &dataset, &split, device)?;
        Ok(Parts { environment: environment::environment(device), dataset, split, loaders, classifier, rng })
    }

    fn record(&self, experiment: &Experiment, name: &str, parts: &Parts) -> Record {
        let mut record = Record::new(name, self.command.clone());
        let architecture: &Architecture = parts.classifier.architecture();
        record.hyperparameters = environment::hyperparameters(experiment, architecture);
        record.parameters = architecture.parameters() as u64;
        record.environment = parts.environment.clone();
        record.phases = environment::phases(experiment);
        record.rng = environment::rng(experiment);
        record.dataset = DatasetRecord {
            name: parts.dataset.name.clone(),
            sha256: parts.dataset.sha256(),
            folder: self.data.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
            train: parts.split.train.len(),
            validation: parts.split.validation.len(),
            test: parts.dataset.test.len(),
            classes: parts.dataset.classes.clone(),
            split: SplitRecord {
                method: "torch.utils.data.random_split".into(),
                seed: experiment.seed,
                sha256: parts.split.sha256(),
            },
        };
        record
    }

    /// Trains and evaluates, and writes into the record how it ended.
    fn train(
        &mut self,
        experiment: &Experiment,
        folder: &RunFolder,
        record: &mut Record,
        mut parts: Parts,
        progress: Progress,
    ) -> Result<(), ExperimentError> {
        self.display.set_epochs(experiment.epochs());
        let mut recorder = Recorder::new(folder, record, &mut self.display, &self.stop);
        let result = train_and_test(experiment, &mut recorder, &mut parts, progress);
        recorder.display.clear();
        let seconds = recorder.seconds();
        record.metrics.seconds = Some(seconds);
        record.ended = Some(now());
        match &result {
            Ok(()) => record.status = Status::Finished,
            Err(ExperimentError::Interrupted { .. }) => {
                record.status = Status::Interrupted;
                record.reason = Some("a signal asked it to stop".into());
            }
            Err(error) => {
                record.status = Status::Failed;
                record.reason = Some(error.to_string());
            }
        }
        let written = folder.write_record(record).map_err(ExperimentError::from);
        if result.is_ok() {
            self.finish(folder, record);
        }
        // The first error is the one to tell.
        result.and(written)
    }

    fn finish(&self, folder: &RunFolder, record: &Record) {
        let metrics = &record.metrics;
        let [val, test, loss] = [metrics.val_acc, metrics.test_acc, metrics.test_loss].map(|m| m.unwrap_or(f64::NAN));
        self.display.line(&format!("Test, test_loss: {loss:.4}, test_acc: {test:.4}"));
        self.display.line(&format!(
            "{}: validation accuracy {val:.4}, {:.1} s",
            folder.path().display(),
            metrics.seconds.unwrap_or(0.0)
        ));
    }
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
        Outcome::StoppedEarly => recorder.record.reason = Some(early(experiment)),
        Outcome::Finished => {}
    }
    // With early stopping the best epoch's weights are the run's, otherwise the last epoch's.
    let chosen = if experiment.early_stopping.is_some() { best(&progress.history) } else { progress.history.last() };
    if let Some(line) = chosen {
        let rule = if experiment.early_stopping.is_some() { "best validation accuracy" } else { "last epoch" };
        recorder.record.chosen = Some(Chosen { epoch: line.epoch, rule: rule.into() });
        recorder.record.metrics.val_loss = Some(line.val_loss);
        recorder.record.metrics.val_acc = Some(line.val_acc);
    }
    let (mut weights, state) = classifier.snapshot()?;
    if experiment.early_stopping.is_some() {
        let found = load_best(recorder.folder, recorder.record, classifier.architecture())?;
        weights = best_weights(recorder.folder, found, &progress.history)?;
        classifier.restore(&weights, &state)?;
    }
    let model = recorder.folder.model_path();
    let classes = &parts.dataset.classes;
    weights.save(&model, classes).map_err(TrainError::from)?;
    let sha256 = weights_sha256(&weights, classes)?;
    let file = model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    recorder.record.model = Some(ModelFile { file, sha256 });
    let Some(score) = evaluate(classifier, test, &mut parts.rng, Pass::Test, recorder)? else {
        return Err(interrupted(recorder));
    };
    recorder.record.metrics.test_loss = Some(score.mean_loss());
    recorder.record.metrics.test_acc = Some(score.accuracy());
    Ok(())
}

/// Of the bytes that were written, not of what the disk gives back.
fn weights_sha256(weights: &Weights, classes: &[String]) -> Result<String, ExperimentError> {
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
    let mut hash = Hash(Sha256::new());
    weights.write_to(&mut hash, classes).map_err(|error| TrainError::Observer(Box::new(error)))?;
    Ok(strata_files::hexadecimal(&hash.0.finalize()))
}

/// Whether there is such a file. A disk that does not answer is an error: taken for an absence, it would have the run begin anew.
fn is_there(path: &Path) -> Result<bool, TrainError> {
    path.try_exists().map_err(|source| TrainError::Io { action: "looking for", path: path.into(), source })
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

fn load_best(folder: &RunFolder, record: &Record, architecture: &Architecture) -> Result<Checkpoint, TrainError> {
    Checkpoint::load(&best_checkpoint(&folder.checkpoints()), &record.id, architecture)
}

/// The weights of `found`, which must be those of the best epoch of `history`.
fn best_weights(folder: &RunFolder, found: Checkpoint, history: &[Evaluation]) -> Result<Weights, TrainError> {
    let (is, wanted) = (found.progress.history.last(), best(history));
    if is == wanted {
        return Ok(found.weights);
    }
    let epoch =
        |line: Option<&Evaluation>| line.and_then(|line| line.epoch).map_or("none".into(), |epoch| epoch.to_string());
    let reason = format!("its epoch is {}, the run's best is {}", epoch(is), epoch(wanted));
    Err(TrainError::Damaged { path: best_checkpoint(&folder.checkpoints()), reason })
}

fn sha256(bytes: &[u8]) -> String {
    strata_files::hexadecimal(&Sha256::digest(bytes))
}

fn early(experiment: &Experiment) -> String {
    experiment.early_stopping.as_ref().map_or_else(String::new, |stopping| {
        let (metric, patience) = (stopping.metric.as_str(), stopping.patience);
        format!("stopped early: {metric} did not improve by more than {} for {patience} epochs", stopping.min_delta)
    })
}

/// Once a process; a second run in it keeps the first one's threads.
fn start_threads(threads: usize) -> Result<(), ExperimentError> {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        Err(error) if rayon::current_num_threads() != threads => {
            Err(ExperimentError::Threads { threads, reason: error.to_string() })
        }
        _ => Ok(()),
    }
}
