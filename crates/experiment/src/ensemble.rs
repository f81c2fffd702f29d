//! Several runs' weights, or both views of each image, as one classifier: the mean of their probabilities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use strata_metrics::Outputs;
use strata_model::Predictor;
use strata_spec::LossSpec;
use strata_trainer::{CrossEntropy, Loss, TrainError};

use crate::data::{inputs_and_labels, pixels_of};
use crate::evaluation::{RecordedRun, RunEvaluation, Totals, images_of};
use crate::mirrored::{logarithm, mirrored};
use crate::threads::start_threads;
use crate::{Display, ExperimentError, ImagePart, Stop, data};

/// Which views of each image are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Views {
    /// As it is.
    Plain,
    /// As it is, and mirrored.
    Both,
}

/// What the weights of several runs do together on a part of their data, and each of them alone.
#[derive(Clone, Debug)]
pub struct EnsembleEvaluation {
    /// By the mean of the runs' probabilities for each image as it is, and their cross entropy against the labels as they are; of one run what [`evaluate_run`](crate::evaluate_run)
    /// gives.
    pub together: RunEvaluation,
    /// By the mean over both views of each image too, where they were asked for; of one run the loss is its own.
    pub by_both_views: Option<RunEvaluation>,
    /// Each run's name, and its own accuracy by plain images.
    pub members: Vec<(String, f64)>,
}

/// Evaluates the mean of the class probabilities that the weights of `runs` give for these `views` of each image, on `part` of their data, which lies in `folder`, else where
/// the first run had it. One run will do where both views are asked for.
///
/// ```no_run
/// use strata_experiment::{Display, ImagePart, Stop, Views, evaluate_ensemble};
///
/// let runs = ["runs/a-run".into()];
/// let both = evaluate_ensemble(&runs, Views::Both, ImagePart::Test, None, &mut Display::default(), &Stop::default())?;
/// let mirrored = both.by_both_views.map_or(0, |evaluation| evaluation.correct);
/// println!("{} are right by the images as they are, {mirrored} by both views", both.together.correct);
/// # Ok::<(), strata_experiment::ExperimentError>(())
/// ```
///
/// # Errors
/// [`ExperimentError::NoEnsemble`] where there are too few runs; [`ExperimentError::Evaluation`] where both views are asked of samples that are floats, or where all networks begin with `mirrored(…)`
/// and both are the same to them; where the runs' data differ, or, on images for training or validation, their splits (what one validates on, another
/// was trained on); where a run was trained by mean squared error, whose outputs are no probabilities; and as [`evaluate_run`](crate::evaluate_run).
pub fn evaluate_ensemble(
    runs: &[PathBuf],
    views: Views,
    part: ImagePart,
    folder: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<EnsembleEvaluation, ExperimentError> {
    let runs = runs.iter().map(|run| RecordedRun::read(run)).collect::<Result<Vec<_>, _>>()?;
    let Some((first, others)) = runs.split_first() else { return Err(ExperimentError::NoEnsemble { runs: 0 }) };
    if others.is_empty() && views == Views::Plain {
        return Err(ExperimentError::NoEnsemble { runs: 1 });
    }
    let threads = start_threads(first.config.threads)?;
    for run in &runs {
        check(run, first, part)?;
    }
    if views == Views::Both && runs.iter().all(|run| run.config.network().is_mirrored()) {
        return Err(first.refused("its network is mirrored(…), the same for an image and its mirror image".into()));
    }
    let dataset = first.data(folder, &threads, display, stop)?;
    let mut predictors: Vec<Predictor> = Vec::new();
    for run in &runs {
        let (split, _) = data::split(&run.config, &dataset)?;
        predictors.push(run.predictor(&dataset, &split, &threads, stop)?);
    }
    let (split, _) = data::split(&first.config, &dataset)?;
    let loss: Arc<dyn Loss> =
        if others.is_empty() { first.loss(&dataset, &split)? } else { Arc::new(CrossEntropy::default()) };
    let (part, images, indices) = images_of(part, &dataset, split);
    if views == Views::Both && images.values().is_some() {
        return Err(first.refused("its samples are floats, and only images of bytes have mirror images here".into()));
    }
    let classes = dataset.classes.len();
    let (mut together, mut by_both, mut right) = (Totals::new(classes), Totals::new(classes), vec![0usize; runs.len()]);
    for batch in indices.chunks(first.config.dataset.evaluation_batch.get()) {
        if stop.is_requested() {
            return Err(ExperimentError::InterruptedEarly);
        }
        let mut add = || {
            let mut plain = vec![0.0f64; batch.len() * classes];
            let mut both = plain.clone();
            let (mut logits, mut labels) = (Vec::new(), Vec::new());
            for (predictor, right) in predictors.iter().zip(&mut right) {
                let inputs;
                (inputs, labels) = inputs_and_labels(predictor, images, batch)?;
                logits = predictor.logits(&inputs).map_err(TrainError::from)?;
                let outputs = Outputs { logits: &logits, labels: &labels, classes };
                *right += outputs.samples().filter(|sample| sample.predicted() == sample.label).count();
                add_probabilities(&logits, classes, &mut plain);
                if views == Views::Both {
                    let pixels = mirrored(pixels_of(images, batch)?, images.shape().width);
                    let inputs = predictor.features(&pixels).map_err(TrainError::from)?;
                    add_probabilities(&predictor.logits(&inputs).map_err(TrainError::from)?, classes, &mut both);
                }
            }
            both.iter_mut().zip(&plain).for_each(|(both, plain)| *both += plain);
            let count = predictors.len();
            let plain = if count == 1 { logits } else { logits_of_mean(&plain, count) };
            together.add(&plain, &labels, &*loss);
            if views == Views::Both {
                by_both.add(&logits_of_mean(&both, 2 * count), &labels, &*loss);
            }
            Ok::<_, ExperimentError>(())
        };
        threads.run(&mut add)?;
    }
    let name = if others.is_empty() { first.record.name.clone() } else { format!("ensemble of {} runs", runs.len()) };
    let accuracies = right.into_iter().map(|right| right as f64 / indices.len() as f64);
    let members = runs.iter().map(|run| run.record.name.clone()).zip(accuracies).collect();
    let by_both =
        (views == Views::Both).then(|| by_both.finish(format!("{name} by both views"), part, dataset.classes.clone()));
    let together = together.finish(name, part, dataset.classes.clone());
    Ok(EnsembleEvaluation { together, by_both_views: by_both, members })
}

/// That `run` can be evaluated together with `first`.
fn check(run: &RecordedRun, first: &RecordedRun, part: ImagePart) -> Result<(), ExperimentError> {
    let [data, of_first] = [run, first].map(|run| &run.record.dataset);
    if matches!(run.config.loss, LossSpec::MeanSquaredError) {
        return Err(run.refused("it was trained by mean squared error, and gives no probabilities".into()));
    }
    if data.sha256.is_empty() || data.sha256 != of_first.sha256 {
        let reason = format!("its images are not those of {}, by the SHA-256 in their records", first.record.name);
        return Err(run.refused(reason));
    }
    if !matches!(part, ImagePart::Test) && data.split.sha256 != of_first.split.sha256 {
        let other = &first.record.name;
        return Err(run.refused(format!(
            "its split is not that of {other}: each was trained on images that the other validates on"
        )));
    }
    Ok(())
}

/// Logits that have the probabilities of which `sums` are those of `count` outputs.
fn logits_of_mean(sums: &[f64], count: usize) -> Vec<f32> {
    sums.iter().map(|sum| logarithm(sum / count as f64) as f32).collect()
}

/// Adds the probabilities that `logits` have, `[batch, classes]`, to `sums`.
fn add_probabilities(logits: &[f32], classes: usize, sums: &mut [f64]) {
    for (row, sums) in logits.chunks(classes).zip(sums.chunks_mut(classes)) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = row.iter().map(|logit| f64::from(logit - largest).exp()).collect();
        let total: f64 = powers.iter().sum();
        sums.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power / total);
    }
}

impl EnsembleEvaluation {
    /// The runs by themselves, where there are several.
    fn several(&self) -> &[(String, f64)] {
        if self.members.len() > 1 { &self.members } else { &[] }
    }

    /// All of it as text for people, to fit `width` columns of a terminal: each run alone first.
    pub fn table(&self, width: Option<usize>) -> String {
        let alone = self.several().iter().map(|(run, accuracy)| format!("{run} alone: accuracy {accuracy:.4}\n"));
        let both = self.by_both_views.as_ref().map_or(String::new(), |both| format!("\n{}", both.table(width)));
        alone.collect::<String>() + &self.together.table(width) + &both
    }

    /// All of it as an object, every number with all digits.
    pub fn json(&self) -> Value {
        let mut whole = self.together.json();
        let members = self.several().iter().map(|(run, accuracy)| json!({"run": run, "accuracy": accuracy}));
        let members: Vec<Value> = members.collect();
        if !members.is_empty() {
            whole["members"] = members.into();
        }
        if let Some(both) = &self.by_both_views {
            whole["mirrored"] = both.json();
        }
        whole
    }
}
