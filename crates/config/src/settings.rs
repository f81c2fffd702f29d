//! What an experiment is made of: the nouns that the sections say.

use std::num::NonZeroUsize;

use strata_spec::{
    AugmentSpec, AveragingSpec, Clipping, DecayScope, DeviceChoice, EarlyStopping, LossSpec, OptimizerSpec, Phase,
    RngScheme,
};

use crate::keys::{self, Checkpointing, DatasetConfig, Evaluating, ModelConfig};
use crate::values::Values;

/// What an experiment is made of. Every value has been checked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// What to call it: 1 to 64 of `a-z A-Z 0-9 . _ -`, not starting with a dot or a hyphen.
    pub name: String,
    /// The seed of every draw, 0 to 2⁶³ − 1 (TOML's integers are signed).
    pub seed: u64,
    /// Whose draws the run follows.
    pub rng: RngScheme,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Worker threads, 1 to 1,024; `None` takes what the machine has.
    pub threads: Option<NonZeroUsize>,
    /// What each evaluation measures besides loss and accuracy, by name.
    pub metrics: Vec<String>,
    /// The images and how they are fed.
    pub dataset: DatasetConfig,
    /// How training images are changed, in order.
    pub augment: Vec<AugmentSpec>,
    /// The network.
    pub model: ModelConfig,
    /// What is made small.
    pub loss: LossSpec,
    /// The rule that updates the parameters.
    pub optimizer: OptimizerSpec,
    /// Which parameters its weight decay is for.
    pub decayed: DecayScope,
    /// Batches of a training step, 1 to 65,536.
    pub accumulate: NonZeroUsize,
    /// How gradients are clipped.
    pub clipping: Clipping,
    /// The training's phases, in order; 1 to 1,000, and at most 100,000 epochs in all.
    pub phases: Vec<Phase>,
    /// Which average of the weights is evaluated and saved.
    pub averaging: AveragingSpec,
    /// When to stop before the last epoch; `None` trains them all.
    pub early_stopping: Option<EarlyStopping>,
    /// What is measured of the test images beside the plain evaluation.
    pub evaluation: Evaluating,
    /// When to save the state, beyond the end of each epoch.
    pub checkpoint: Checkpointing,
}

impl Settings {
    /// Training batches of an epoch.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        self.training_images().div_ceil(self.dataset.batch.get())
    }

    /// Images that are trained on: those that the validation part leaves, or fewer.
    #[must_use]
    pub fn training_images(&self) -> usize {
        let train = self.dataset.kind.train_images().saturating_sub(self.dataset.validation);
        self.dataset.limit.map_or(train, |limit| limit.min(train))
    }

    /// Training steps of an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> usize {
        self.batches_per_epoch().div_ceil(self.accumulate.get())
    }

    /// Training steps of all phases together.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.epochs() as u64 * self.steps_per_epoch() as u64
    }

    /// Epochs of all phases together.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }

    /// What `values`, which the reader found right and whole, say. A key without an effect has no value here: the noun then has
    /// what changes nothing.
    pub(crate) fn of(values: &Values) -> Self {
        Self {
            name: values.get(&keys::NAME).unwrap_or_default(),
            seed: values.get(&keys::SEED).unwrap_or_default(),
            rng: values.get(&keys::RNG).unwrap_or_default(),
            device: values.get(&keys::DEVICE).unwrap_or_default(),
            threads: values.get(&keys::THREADS),
            metrics: values.get(&keys::METRICS).unwrap_or_default(),
            dataset: DatasetConfig::of(values),
            augment: keys::augment(values),
            model: ModelConfig::of(values),
            loss: keys::loss(values),
            optimizer: keys::optimizer(values),
            decayed: values.get(&keys::DECAY).unwrap_or_default(),
            accumulate: values.get(&keys::ACCUMULATE).unwrap_or(NonZeroUsize::MIN),
            clipping: keys::clipping(values),
            phases: keys::phases(values),
            averaging: keys::averaging(values),
            early_stopping: keys::early_stopping(values),
            evaluation: Evaluating::of(values),
            checkpoint: Checkpointing::of(values),
        }
    }
}
