//! The checked config: [`Experiment`] and its parts.

use std::num::NonZeroUsize;

use crate::choice::{Activation, Metric, RngScheme};

/// Where CIFAR-10's binary release lives.
pub const CIFAR10_URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
/// SHA-256 of CIFAR-10's binary release.
pub const CIFAR10_SHA256: &str = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";
/// Values of one image, 3 × 32 × 32: every network's first width.
pub const PIXELS: usize = 3_072;
/// Classes of every data set here: every network's last width.
pub const CLASSES: usize = 10;

/// An experiment whose every value has been checked.
///
/// [`Experiment::read`] and [`Experiment::parse`] make one; [`Experiment::to_toml`] writes it back with every
/// default spelt out, and reading that gives an equal experiment.
///
/// ```
/// use std::path::Path;
/// use strata_config::{Activation, Experiment};
///
/// let text = r#"
///     name = "small"
///     seed = 43
///     phases = [{ epochs = 2, lr = 0.1 }]
///
///     [dataset]
///     kind = "synthetic"
///
///     [model]
///     hidden = [128, 64]
/// "#;
/// let sets = ["model.activation=gelu".to_owned(), "phases.0.lr=0.05".to_owned()];
/// let experiment = Experiment::parse(text, Path::new("small.toml"), &sets)?;
/// assert_eq!(experiment.widths(), [3072, 128, 64, 10]);
/// assert_eq!(experiment.model.activation, Activation::Gelu);
/// assert_eq!(experiment.phases[0].lr, 0.05);
///
/// let misspelt = Experiment::parse(text, Path::new("small.toml"), &["model.hiden=[8]".to_owned()]);
/// assert!(misspelt.unwrap_err().to_string().contains("did you mean `hidden`?"));
/// # Ok::<(), strata_config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Experiment {
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
    pub optimizer: OptimizerConfig,
    /// The training's phases, in order; 1 to 1,000, and at most 100,000 epochs in all.
    pub phases: Vec<Phase>,
    /// When to stop before the last epoch; `None` trains them all.
    pub early_stopping: Option<EarlyStopping>,
    /// When to save the state, beyond the end of each epoch.
    pub checkpoint: Checkpointing,
}

impl Experiment {
    /// The widths from the pixels to the classes, `[3072, hidden…, 10]`: the architecture's row.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let mut widths = vec![PIXELS];
        widths.extend(&self.model.hidden);
        widths.push(CLASSES);
        widths
    }

    /// Epochs of all phases together.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// A CUDA card where the build and the machine have one, the CPU elsewhere.
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA card of this ordinal, 0 to 255; it is an error if there is none.
    Cuda(usize),
}

/// The images and how they are fed.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetConfig {
    /// Which images.
    pub kind: DatasetKind,
    /// Images taken from the training part for validation: at least 1, fewer than the part has.
    pub validation: usize,
    /// Images a training step, 1 to 1,000,000.
    pub batch: NonZeroUsize,
    /// Images an evaluation step, 1 to 2,000,000; twice `batch` unless told.
    pub evaluation_batch: NonZeroUsize,
    /// Whether to take each channel's training mean off and divide by its deviation.
    pub normalise: bool,
}

/// Which images.
#[derive(Debug, Clone, PartialEq)]
pub enum DatasetKind {
    /// CIFAR-10's binary release: 50,000 training and 10,000 test images.
    Cifar10 {
        /// The archive's address: `https://`, `http://` or `file://`.
        url: String,
        /// The archive's SHA-256, 64 lower-case hexadecimal digits.
        sha256: String,
    },
    /// Images of ten classes drawn from a seed, in the same layout.
    Synthetic {
        /// Training images, the validation part included, 10 to 200,000.
        train: usize,
        /// Test images, 10 to 200,000.
        test: usize,
        /// The images' own seed, 0 to 2⁶³ − 1, apart from the run's: other runs see the same images.
        seed: u64,
    },
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

/// The rule that updates the parameters. Every number is finite in 32 bits too.
#[derive(Debug, Clone, PartialEq)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum, 0 ≤ m < 1; 0 is plain gradient descent.
        momentum: f64,
        /// Nesterov's look-ahead; needs momentum above 0.
        nesterov: bool,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Decay rates of the two moments, each 0 ≤ b < 1.
        betas: [f64; 2],
        /// What keeps the division finite, above 0.
        eps: f64,
        /// L2 penalty added to the gradient, 0 or more.
        weight_decay: f64,
    },
    /// AdamW (Loshchilov and Hutter 2019): Adam whose decay shrinks the parameters themselves.
    AdamW {
        /// Decay rates of the two moments, each 0 ≤ b < 1.
        betas: [f64; 2],
        /// What keeps the division finite, above 0.
        eps: f64,
        /// Decay of the parameters a step, times the learning rate, 0 or more.
        weight_decay: f64,
    },
}

impl OptimizerConfig {
    /// The name that the config uses.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
        }
    }
}

/// Epochs at one learning rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Passes over the training images, at least 1.
    pub epochs: usize,
    /// Learning rate, above 0 and finite in 32 bits.
    pub lr: f64,
}

/// When to stop before the last epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    /// What is watched.
    pub metric: Metric,
    /// Epochs without improvement that end the run, at least 1.
    pub patience: usize,
    /// How much better counts as improvement, in the metric's unit, 0 or more.
    pub min_delta: f64,
}

/// When to save the state, beyond the end of each epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpointing {
    /// Also every this many steps, 1 to 1,000,000,000; `None` saves at the ends of epochs only.
    pub every_steps: Option<NonZeroUsize>,
}
