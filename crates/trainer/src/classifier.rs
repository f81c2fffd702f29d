//! The notebook's base class: everything about a classifier but its shape.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use strata_metrics::{Outputs, SampleResult, Sums};
use strata_model::{Architecture, Weights};
use strata_rng::TorchRng;
use strata_spec::Initialisation;

use crate::{Batch, OptimizerState, Threads, TrainError};

/// Sums over samples, from which means are exact whatever the batches' sizes.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The loss summed over the samples.
    pub loss: f64,
    /// Samples whose class was predicted. Training counts none.
    pub correct: u64,
    /// Samples.
    pub samples: u64,
    /// How much more than one each the samples count together in the mean of the loss, where classes have weights.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub excess: f64,
    /// Further metrics by name ([`Metric`](crate::Metric)), each added up over the samples. Training measures none, and a checkpoint holds none.
    #[serde(skip)]
    pub sums: BTreeMap<String, Sums>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Score {
    /// Adds another part of the same data.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.samples += other.samples;
        self.excess += other.excess;
        for (name, sums) in other.sums {
            match self.sums.entry(name) {
                Entry::Vacant(place) => drop(place.insert(sums)),
                Entry::Occupied(mut place) => place.get_mut().merge(&sums),
            }
        }
    }

    /// Adds what the metrics say of a batch.
    pub(crate) fn measure(&mut self, outputs: &Outputs<'_>) {
        self.sums.values_mut().for_each(|sums| sums.add(outputs));
    }

    /// The further metrics' values, each under `prefix` and its name.
    pub fn values(&self, prefix: &str) -> BTreeMap<String, f64> {
        self.sums.iter().map(|(name, sums)| (format!("{prefix}{name}"), sums.value())).collect()
    }

    /// The mean loss of a sample, by the weights of the samples' classes where they have some; NaN of no samples.
    pub fn mean_loss(&self) -> f64 {
        self.loss / (self.samples as f64 + self.excess)
    }

    /// The share of samples whose class was predicted, in `0..=1`; NaN of no samples.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples as f64
    }
}

/// The fewest samples of a training batch: a single one has no variance under batch normalisation.
pub(crate) fn smallest_batch(architecture: &Architecture) -> usize {
    if architecture.network().has_batch_norm() { 2 } else { 1 }
}

/// A network with its optimizer on a device, its shape erased.
///
/// Training and validation steps may leave their results on the device; [`Classifier::training_score`] and
/// [`Classifier::validation_score`] bring them back, so that a loop that asks once in a while does not make the device wait.
pub trait Classifier {
    /// What the network is.
    fn architecture(&self) -> &Architecture;

    /// The fewest samples of a training batch: two under batch normalisation, where a single one has no variance.
    fn smallest_training_batch(&self) -> usize {
        1
    }

    /// Draws initial parameters from `rng` as PyTorch's modules do, and forgets what the optimizer remembered.
    ///
    /// # Errors
    /// Where the device fails.
    fn initialise(&mut self, rng: &mut TorchRng) -> Result<(), TrainError> {
        self.initialise_by(Initialisation::default(), rng)
    }

    /// Draws initial parameters from `rng` as `how` says, and forgets what the optimizer remembered.
    ///
    /// # Errors
    /// Where the device fails.
    fn initialise_by(&mut self, how: Initialisation, rng: &mut TorchRng) -> Result<(), TrainError>;

    /// Has it compute on `threads`; without, it does on those that it is called on. A classifier that computes on a card needs none.
    fn compute_on(&mut self, threads: Threads) {
        let _ = threads;
    }

    /// One step of the optimizer on the mean loss of `batch`.
    ///
    /// # Errors
    /// Where the device fails or the batch does not fit.
    fn training_step(&mut self, batch: Batch, learning_rate: f64) -> Result<(), TrainError>;

    /// Adds the gradients of `batch` to those that the next [`Classifier::training_step`] uses: that step is on the mean loss of all samples of
    /// these batches and its own, as if they were one batch. Batch normalisation sees each batch by itself.
    ///
    /// # Errors
    /// Where the device cannot or fails, or the batch does not fit.
    fn accumulate(&mut self, batch: Batch) -> Result<(), TrainError> {
        let _ = batch;
        Err(TrainError::OnlyOnCpu { what: "accumulation of gradients".into() })
    }

    /// The scores of the training steps since the last call.
    ///
    /// # Errors
    /// Where the device fails.
    fn training_score(&mut self) -> Result<Score, TrainError>;

    /// Evaluates `batch`: no dropout, no gradient.
    ///
    /// # Errors
    /// Where the device fails or the batch does not fit.
    fn validation_step(&mut self, batch: Batch) -> Result<(), TrainError>;

    /// The scores of the validation steps since the last call.
    ///
    /// # Errors
    /// Where the device fails.
    fn validation_score(&mut self) -> Result<Score, TrainError>;

    /// Has it keep what becomes of each sample of the validation steps from here on, for [`Classifier::take_results`]. One that computes on a card keeps
    /// nothing, since it would have to wait for each batch.
    fn keep_results(&mut self) {}

    /// What became of each sample since [`Classifier::keep_results`], in the order in which they came, and keeps none any longer; none where it cannot.
    fn take_results(&mut self) -> Option<Vec<SampleResult>> {
        None
    }

    /// Whether batch normalisation's statistics are to be estimated before the next evaluation: what is evaluated is an average of weights whose
    /// activations no training step has seen. Where they are, the estimate begins here.
    fn begin_statistics(&mut self) -> bool {
        false
    }

    /// Takes the statistics of a batch of training samples into the estimate; nothing is trained.
    ///
    /// # Errors
    /// Where the device fails or the batch does not fit.
    fn statistics_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        let _ = batch;
        Ok(())
    }

    /// The estimate is whole: all batches were taken.
    fn finish_statistics(&mut self) {}

    /// Copies of the averaged weights that are evaluated in place of the trained ones; none where those are.
    ///
    /// # Errors
    /// [`TrainError::Statistics`] where statistics are to be estimated first; where the device fails.
    fn averaged_weights(&mut self) -> Result<Option<Weights>, TrainError> {
        Ok(None)
    }

    /// Evaluates with `weights`: until the next training step where it evaluates an average of the weights, which they stand in for; else they are
    /// what it trains on from too.
    ///
    /// # Errors
    /// Where they are another network's, or the device fails.
    fn evaluate_with(&mut self, weights: &Weights) -> Result<(), TrainError> {
        let (_, state) = self.snapshot()?;
        self.restore(weights, &state)
    }

    /// Whether reading scores back stalls the device, so that it is to be done seldom.
    fn reads_are_slow(&self) -> bool;

    /// Copies of weights and optimizer state in host memory.
    ///
    /// # Errors
    /// Where the device fails.
    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError>;

    /// Takes weights and optimizer state.
    ///
    /// # Errors
    /// Where they are another network's or optimizer's, or the device fails.
    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError>;
}
