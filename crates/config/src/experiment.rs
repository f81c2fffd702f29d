//! The checked config: [`Experiment`] and its parts.

use std::num::NonZeroUsize;

use strata_spec::{Activation, DatasetSpec, DeviceChoice, EarlyStopping, OptimizerSpec, Phase, RngScheme};

/// An experiment whose every value has been checked.
///
/// [`Experiment::read`] and [`Experiment::parse`] make one; [`Experiment::to_toml`] writes it back with every
/// default spelt out, and reading that gives an equal experiment.
///
/// ```
/// use std::path::Path;
/// use strata_config::Experiment;
/// use strata_spec::Activation;
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
/// assert_eq!(experiment.phases[0].learning_rate, 0.05);
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
    pub optimizer: OptimizerSpec,
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
}

/// The images and how they are fed.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetConfig {
    /// Which images.
    pub kind: DatasetSpec,
    /// Images taken from the training part for validation: at least 1, fewer than the part has.
    pub validation: usize,
    /// Images a training step, 1 to 1,000,000.
    pub batch: NonZeroUsize,
    /// Images an evaluation step, 1 to 2,000,000; twice `batch` unless told.
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
