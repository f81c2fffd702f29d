//! The nouns of an experiment, made of a config's values.

use std::num::NonZeroUsize;

use strata_spec::{
    Activation, DatasetKind, DatasetSpec, DeviceChoice, EarlyStopping, OptimizerNumbers, OptimizerSpec, Phase,
    RngScheme, ScheduleKind, ScheduleSpec,
};

use crate::keys;
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
    /// The images and how they are fed.
    pub dataset: DatasetConfig,
    /// The network.
    pub model: ModelConfig,
    /// The rule that updates the parameters.
    pub optimizer: OptimizerSpec,
    /// The training's phases, in order; 1 to 1,000, and at most 100,000 epochs in all.
    pub phases: Vec<Phase>,
    /// When to stop before the last epoch; `None` trains them all.
    pub early_stopping: Option<EarlyStopping>,
    /// When to save the state, beyond the end of each epoch.
    pub checkpoint: Checkpointing,
}

/// The images and how they are fed.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetConfig {
    /// Which images.
    pub kind: DatasetSpec,
    /// Images taken from the training part for validation: at least 1, fewer than the part has.
    pub validation: usize,
    /// Images of a training step, 1 to 1,000,000.
    pub batch: NonZeroUsize,
    /// Images of an evaluation step, 1 to 2,000,000; twice `batch` by default.
    pub evaluation_batch: NonZeroUsize,
    /// Whether to take each channel's training mean off and divide by its deviation.
    pub normalise: bool,
}

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Widths of the hidden layers, each 1 to 65,536, at most 32 of them; none makes a linear classifier.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// Probability that a hidden unit is dropped in a training step, 0 ≤ p < 1.
    pub dropout: f64,
}

/// When to save the state, beyond the end of each epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpointing {
    /// Also every this many steps, 1 to 1,000,000,000; `None` saves at the ends of epochs only.
    pub every_steps: Option<NonZeroUsize>,
}

impl Settings {
    /// The widths from the pixels to the classes, `[3072, hidden…, 10]`: the architecture's row.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let mut widths = vec![self.dataset.kind.inputs()];
        widths.extend(&self.model.hidden);
        widths.push(self.dataset.kind.classes());
        widths
    }

    /// Epochs of all phases together.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }

    /// What `values`, which the reader found right and whole, say. A key without an effect has no value here: the noun then has
    /// what changes nothing.
    pub(crate) fn of(values: &Values) -> Self {
        let batch = values.get(&keys::BATCH).unwrap_or(NonZeroUsize::MIN);
        Self {
            name: values.get(&keys::NAME).unwrap_or_default(),
            seed: values.get(&keys::SEED).unwrap_or_default(),
            rng: values.get(&keys::RNG).unwrap_or_default(),
            device: values.get(&keys::DEVICE).unwrap_or_default(),
            threads: values.get(&keys::THREADS),
            dataset: DatasetConfig {
                kind: dataset(values),
                validation: values.get(&keys::VALIDATION).unwrap_or_default(),
                batch,
                evaluation_batch: values.get(&keys::EVALUATION_BATCH).unwrap_or(batch),
                normalise: values.get(&keys::NORMALISE).unwrap_or_default(),
            },
            model: ModelConfig {
                hidden: values.get(&keys::HIDDEN).unwrap_or_default(),
                activation: values.get(&keys::ACTIVATION).unwrap_or_default(),
                dropout: values.get(&keys::DROPOUT).unwrap_or_default(),
            },
            optimizer: optimizer(values),
            phases: (0..values.phases).map(|index| phase(values, index)).collect(),
            early_stopping: values.get(&keys::PATIENCE).map(|patience| EarlyStopping {
                metric: values.get(&keys::METRIC).unwrap_or_default(),
                patience,
                min_delta: values.get(&keys::MIN_DELTA).unwrap_or_default(),
            }),
            checkpoint: Checkpointing { every_steps: values.get(&keys::EVERY_STEPS) },
        }
    }
}

/// The data set, of which the keys after it may speak.
pub(crate) fn dataset(values: &Values) -> DatasetSpec {
    match values.get(&keys::DATASET) {
        Some(DatasetKind::Synthetic) | None => DatasetSpec::Synthetic {
            train: values.get(&keys::TRAIN).unwrap_or_default(),
            test: values.get(&keys::TEST).unwrap_or_default(),
            seed: values.get(&keys::DATASET_SEED).unwrap_or_default(),
        },
        Some(kind) => DatasetSpec::Published {
            kind,
            url: values.get(&keys::URL).unwrap_or_default(),
            sha256: values.get(&keys::SHA256),
        },
    }
}

fn optimizer(values: &Values) -> OptimizerSpec {
    let kind = values.get(&keys::OPTIMIZER).unwrap_or_default();
    let numbers = OptimizerNumbers {
        momentum: values.get(&keys::MOMENTUM).unwrap_or_default(),
        nesterov: values.get(&keys::NESTEROV).unwrap_or_default(),
        betas: values.get(&keys::BETAS).unwrap_or_default(),
        eps: values.get(&keys::EPS).unwrap_or_default(),
        weight_decay: values.get(&keys::WEIGHT_DECAY).unwrap_or_default(),
    };
    OptimizerSpec::new(kind, numbers)
}

fn phase(values: &Values, index: usize) -> Phase {
    Phase {
        epochs: values.in_phase(&keys::EPOCHS, index).unwrap_or_default(),
        learning_rate: values.in_phase(&keys::LR, index).unwrap_or_default(),
        schedule: schedule(values, index),
    }
}

fn schedule(values: &Values, index: usize) -> ScheduleSpec {
    match values.in_phase(&keys::SCHEDULE, index).unwrap_or_default() {
        ScheduleKind::Constant => ScheduleSpec::Constant,
        ScheduleKind::Linear => ScheduleSpec::Linear,
        ScheduleKind::Cosine => ScheduleSpec::Cosine,
        ScheduleKind::OneCycle => {
            ScheduleSpec::OneCycle { warmup: values.in_phase(&keys::WARMUP, index).unwrap_or_default() }
        }
    }
}
