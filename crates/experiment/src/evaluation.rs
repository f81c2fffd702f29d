//! A finished run's weights, evaluated again on any part of its data: by the run-time predictor, so that nothing is compiled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strata_config::Config;
use strata_dataset::{DataFolder, Dataset, Images, Split};
use strata_export::{ExportError, weights_file};
use strata_metrics::{Confusion, Outputs, SampleResult, Sums, registered};
use strata_model::{ModelError, Predictor, TrainedModel};
use strata_report::{Record, read_record};
use strata_trainer::{Loss, Threads, TrainError};

use crate::data::inputs_and_labels;
use crate::inputs::Inputs;
use crate::recorded_config::read_recorded;
use crate::threads::start_threads;
use crate::{Display, ExperimentError, ImagePart, Stop, data, setup};

/// What the weights of a run do on a part of its data.
///
/// ```no_run
/// use strata_experiment::{Display, ImagePart, Stop, evaluate_run};
///
/// let evaluation = evaluate_run("runs/a-run".as_ref(), ImagePart::Test, None, &mut Display::default(), &Stop::default())?;
/// println!("{} of {} samples are right", evaluation.correct, evaluation.samples);
/// # Ok::<(), strata_experiment::ExperimentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunEvaluation {
    /// The run's name.
    pub run: String,
    /// The part: `train`, `validation` or `test`, or the path of samples of one's own.
    pub part: String,
    /// How many samples.
    pub samples: u64,
    /// Of how many the class was predicted.
    pub correct: u64,
    /// The mean over the samples of the loss that the run was trained with.
    pub loss: f64,
    /// Every registered metric that says something of so many classes, by name.
    pub metrics: BTreeMap<String, f64>,
    /// The classes' names, in the order of the labels.
    pub classes: Vec<String>,
    /// Which classes were taken for which.
    pub confusion: Confusion,
    /// What became of each sample, in the part's order.
    pub results: Vec<SampleResult>,
}

/// Evaluates the weights that the run in the folder `run` gave on `part` of its data, which lies in `folder`, else where the run had it.
///
/// The sums are those of the run's own evaluation, in its order and its batches: on the CPU the test part gives the record's own numbers, digit for digit.
///
/// # Errors
/// [`ExperimentError::Evaluation`] where the run has no weights, or weights, config or data are not those that its record names;
/// [`ExperimentError::Config`], [`ExperimentError::Report`] and [`ExperimentError::Data`] where config, record or data cannot be read;
/// [`ExperimentError::Export`] and [`ExperimentError::Train`] where the weights file cannot, the latter too where its network has a module of a user's own.
pub fn evaluate_run(
    run: &Path,
    part: ImagePart,
    folder: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<RunEvaluation, ExperimentError> {
    let run = RecordedRun::read(run)?;
    let folder = run.data_folder(folder);
    Ok(evaluate_in(&run, part, &folder, display, stop)?.0)
}

/// As [`evaluate_run`], of data in `folder`; gives the data too.
pub(crate) fn evaluate_in(
    run: &RecordedRun,
    part: ImagePart,
    folder: &DataFolder,
    display: &mut Display,
    stop: &Stop,
) -> Result<(RunEvaluation, Dataset), ExperimentError> {
    let threads = start_threads(run.config.threads)?;
    let dataset = run.data_in(folder, &threads, display, stop)?;
    let (split, _) = data::split(&run.config, &dataset)?;
    let predictor = run.predictor(&dataset, &split, &threads, stop)?;
    let loss = run.loss(&dataset, &split)?;
    let (part, images, indices) = images_of(part, &dataset, split);
    let mut totals = Totals::new(dataset.classes.len());
    for batch in indices.chunks(run.config.dataset.evaluation_batch.get()) {
        if stop.is_requested() {
            return Err(ExperimentError::InterruptedEarly);
        }
        let mut add = || {
            let (inputs, labels) = inputs_and_labels(&predictor, images, batch)?;
            totals.add(&predictor.logits(&inputs).map_err(TrainError::from)?, &labels, &*loss);
            Ok::<_, ExperimentError>(())
        };
        threads.run(&mut add)?;
    }
    Ok((totals.finish(run.record.name.clone(), part, dataset.classes.clone()), dataset))
}

/// A run as its folder has it.
pub(crate) struct RecordedRun {
    path: PathBuf,
    pub(crate) config: Config,
    pub(crate) record: Record,
}

impl RecordedRun {
    pub(crate) fn read(run: &Path) -> Result<Self, ExperimentError> {
        let record = read_record(run)?;
        let config = read_recorded(run, &record, |reason| refused(run, reason))?;
        Ok(Self { path: run.to_owned(), config, record })
    }

    pub(crate) fn refused(&self, reason: String) -> ExperimentError {
        refused(&self.path, reason)
    }

    /// The data that its record names.
    pub(crate) fn data(
        &self,
        folder: Option<&Path>,
        threads: &Threads,
        display: &mut Display,
        stop: &Stop,
    ) -> Result<Dataset, ExperimentError> {
        self.data_in(&self.data_folder(folder), threads, display, stop)
    }

    /// Where its data is: in `folder`, else where the run had it.
    fn data_folder(&self, folder: Option<&Path>) -> DataFolder {
        data::named_or_recorded(folder, self.record.dataset.folder.as_deref().map(Path::new))
    }

    fn data_in(
        &self,
        folder: &DataFolder,
        threads: &Threads,
        display: &mut Display,
        stop: &Stop,
    ) -> Result<Dataset, ExperimentError> {
        let dataset = threads.run(|| data::load(&self.config, folder, display, stop))?;
        let found = stop.while_at_once(|| dataset.sha256())??;
        let expected = &self.record.dataset.sha256;
        if !expected.is_empty() && found != *expected {
            return Err(self.refused(format!(
                "the images are not those of its record: their SHA-256 is {found}, the record has {expected}"
            )));
        }
        Ok(dataset)
    }

    /// The loss that it was trained with, weights of classes and all.
    pub(crate) fn loss(&self, dataset: &Dataset, split: &Split) -> Result<Arc<dyn Loss>, ExperimentError> {
        Ok(match setup::weighted_loss(&self.config, &dataset.train, &split.train)? {
            Some(weighted) => Arc::new(weighted),
            None => setup::step(&self.config).loss,
        })
    }

    /// Its weights, whose hash is the record's.
    pub(crate) fn predictor(
        &self,
        dataset: &Dataset,
        split: &Split,
        threads: &Threads,
        stop: &Stop,
    ) -> Result<Predictor, ExperimentError> {
        let path = weights_file(&self.path, &self.record).map_err(|error| match error {
            ExportError::Weights { reason, .. } => self.refused(reason),
            other => other.into(),
        })?;
        let model = match TrainedModel::load(&path) {
            // A file of a version that wrote widths only: the config says the rest.
            Err(ModelError::NoUsage { .. }) => {
                let inputs = stop.while_at_once(|| threads.run(|| Inputs::of(&self.config, dataset, split)))??;
                TrainedModel::load_as(&path, inputs.usage(&self.config, dataset))
            }
            loaded => loaded,
        };
        Ok(model.and_then(Predictor::new).map_err(TrainError::from)?)
    }
}

/// The run in the folder `run` cannot be evaluated.
pub(crate) fn refused(run: &Path, reason: String) -> ExperimentError {
    ExperimentError::Evaluation { run: run.to_owned(), reason }
}

/// The part's name, its images, and which of them.
pub(crate) fn images_of(part: ImagePart, dataset: &Dataset, split: Split) -> (&'static str, &Images, Vec<u32>) {
    match part {
        ImagePart::Train => ("train", &dataset.train, split.train),
        ImagePart::Validation => ("validation", &dataset.train, split.validation),
        ImagePart::Test => ("test", &dataset.test, (0..).take(dataset.test.len()).collect()),
    }
}

/// What was measured so far.
pub(crate) struct Totals {
    samples: u64,
    correct: u64,
    loss: f64,
    /// What the samples count together in the mean of the loss.
    weight: f64,
    sums: Vec<(String, Sums)>,
    confusion: Confusion,
    results: Vec<SampleResult>,
}

impl Totals {
    pub(crate) fn new(classes: usize) -> Self {
        let metrics = registered().into_iter().filter(|metric| metric.check(classes).is_ok());
        let sums = metrics.map(|metric| (metric.name().to_owned(), Sums::new(metric, classes))).collect();
        let confusion = Confusion::new(classes);
        Self { samples: 0, correct: 0, loss: 0.0, weight: 0.0, sums, confusion, results: Vec::new() }
    }

    pub(crate) fn add(&mut self, logits: &[f32], labels: &[u8], loss: &dyn Loss) {
        let classes = self.confusion.classes();
        let outputs = Outputs { logits, labels, classes };
        let total = loss.loss(logits, labels.into(), classes);
        let (weight, count) = (loss.weight(labels.into()), labels.len() as f64);
        self.loss += if weight == count { total.loss } else { total.loss * (weight / count) };
        self.weight += weight;
        self.correct += total.correct as u64;
        self.samples += labels.len() as u64;
        self.sums.iter_mut().for_each(|(_, sums)| sums.add(&outputs));
        self.confusion.add(&outputs);
        self.results.extend(outputs.samples().map(|sample| sample.result()));
    }

    pub(crate) fn finish(self, run: String, part: impl Into<String>, classes: Vec<String>) -> RunEvaluation {
        let Self { samples, correct, loss, weight, sums, confusion, results } = self;
        let metrics = sums.into_iter().map(|(name, sums)| (name, sums.value())).collect();
        RunEvaluation {
            run,
            part: part.into(),
            samples,
            correct,
            loss: loss / weight,
            metrics,
            classes,
            confusion,
            results,
        }
    }
}
