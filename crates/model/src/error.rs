//! What can go wrong with a network, its gradients and its weights.

use std::path::PathBuf;

use dfdx::prelude::CpuError;
use strata_kernels::OutOfMemory;

/// An error of this crate; each says what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("{action} {}: {source}; {}", path.display(), strata_files::remedy(source))]
    Io {
        /// What was being done, such as "reading weights from".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The bytes are no weights file of ours.
    #[error(
        "{} is not a readable weights file: {reason}; it may be cut short or damaged: restore it from a copy",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        reason: String,
    },
    /// The file is of a format of a later version.
    #[error("{} is of format {format}, which a later version wrote, and this one reads up to {newest}: update strata", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The latest that is read.
        newest: u32,
    },
    /// Weights of another network.
    #[error("the weights are of a network {found}, but {expected} is wanted")]
    Mismatch {
        /// The widths of the network that was to take them.
        expected: String,
        /// What the weights are of.
        found: String,
    },
    /// Tensors of others that a network cannot take.
    #[error("{}", problems.join("; "))]
    OtherTensors {
        /// All that does not fit, a sentence each.
        problems: Vec<String>,
    },
    /// A mirror of another number of inputs than the network's.
    #[error("what mirroring does is said of {found} inputs, and the network has {inputs}")]
    Mirror {
        /// Inputs of the network.
        inputs: usize,
        /// Inputs of which it was said.
        found: usize,
    },
    /// dfdx's device failed.
    #[error("the device failed: {0}")]
    Device(String),
    /// There was no memory for a buffer.
    #[error("there is not enough memory{}", bytes.map_or_else(String::new, |bytes| format!(": {bytes} bytes more are wanted")))]
    OutOfMemory {
        /// The buffer's size; none where dfdx asked for it, which does not tell.
        bytes: Option<usize>,
    },
    /// A parameter without a gradient was to be updated.
    #[error(
        "there is no gradient for the parameter {parameter}: run the backward pass of a loss that depends on it before the update \
         (`GradientStore::backward`); in a layer of your own, `retaped` comes before anything that is computed with a parameter"
    )]
    NoGradient {
        /// Its name in files: `layer1.weight`.
        parameter: String,
    },
    /// A parameter whose values do not lie row by row, so that it cannot be updated in place.
    #[error("the parameter {parameter} is a permuted or broadcast tensor; make it contiguous (`try_contiguous`)")]
    NotContiguous {
        /// Its name in files.
        parameter: String,
    },
    /// A network whose layers say their activations and dropout was given others.
    #[error(
        "the network {network} says its activations and its dropout itself: give it the activation `identity` and no dropout"
    )]
    ActivationIsFixed {
        /// The network.
        network: String,
    },
    /// A probability of dropout that is none, or that would leave nothing.
    #[error("a dropout of {probability}: it must be {}", strata_spec::ranges::DROPOUT)]
    Dropout {
        /// What was given.
        probability: f32,
    },
    /// A module that draws from a generator which cannot be saved.
    #[error(
        "{module} keeps its generator to itself, so that a run could not be resumed exactly: use `strata_model::DropoutLayer`, `dropout(p)` in `net!`"
    )]
    PrivateGenerator {
        /// The module's type.
        module: &'static str,
    },
    /// Weights were to be loaded into a network that would be linear.
    #[error(
        "the network's activation was not set, so with these weights it would be linear: call `configure` first, or load a `TrainedModel`, whose \
         file says the activation (`TrainedModel::load_into`)"
    )]
    NotConfigured,
    /// A weights file that does not say how to use its weights.
    #[error(
        "{} has weights only: it does not say which activation they are for nor how samples are scaled; say it (`TrainedModel::load_as`)",
        path.display()
    )]
    NoUsage {
        /// The file.
        path: PathBuf,
    },
    /// What is said about the use of weights does not fit them.
    #[error("the weights cannot be used so: {reason}")]
    Usage {
        /// What does not fit.
        reason: String,
    },
    /// A network that this program cannot run, since it was not compiled with one of its modules.
    #[error(
        "the network has the module {module}, which is none of Strata's layers: only a program that was compiled with it can run it"
    )]
    OwnModule {
        /// The module's type.
        module: String,
    },
    /// Values that are no whole samples.
    #[error("{values} values are no whole samples of {inputs} features")]
    Samples {
        /// How many values.
        values: usize,
        /// Features of a sample.
        inputs: usize,
    },
    /// A label that is no class.
    #[error("sample {sample} has label {label}; the {classes} classes have the labels 0 to {}", classes - 1)]
    Label {
        /// Its place in the batch, 0-based.
        sample: usize,
        /// The label.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// Not one label for each sample.
    #[error("{labels} labels for {samples} samples")]
    LabelCount {
        /// Labels.
        labels: usize,
        /// Samples.
        samples: usize,
    },
    /// Classes or shares of mixed samples that are not those of their batch.
    #[error(transparent)]
    Targets(#[from] strata_kernels::TargetError),
    /// A batch of no sample, of which there is no mean loss.
    #[error("a batch without a sample has no loss")]
    EmptyBatch,
    /// The kernels of a card cannot be used.
    #[error(
        "the card does not take the program's kernels: {reason}; the CUDA toolkit that the program was built with and its \
         libraries must be no newer than the driver (`nvidia-smi` says which CUDA it is for)"
    )]
    Card {
        /// NVRTC's or the driver's word.
        reason: String,
    },
}

impl ModelError {
    /// A dfdx device's error, whose types differ by device.
    pub fn device(error: impl std::fmt::Debug + 'static) -> Self {
        match (&error as &dyn std::any::Any).downcast_ref() {
            Some(CpuError::OutOfMemory) => Self::OutOfMemory { bytes: None },
            _ => Self::Device(format!("{error:?}")),
        }
    }
}

impl From<OutOfMemory> for ModelError {
    fn from(OutOfMemory { bytes }: OutOfMemory) -> Self {
        Self::OutOfMemory { bytes: Some(bytes) }
    }
}

/// Why bytes are no file of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableBytes {
    /// They are of a format of a later version, so nothing else can be said of them.
    #[error("it is of format {format}, which a later version wrote, and this one reads up to {newest}")]
    Newer {
        /// Their format.
        format: u32,
        /// The latest that is read.
        newest: u32,
    },
    /// Something does not hold, in words.
    #[error("{0}")]
    Damaged(String),
}

impl From<String> for UnreadableBytes {
    fn from(reason: String) -> Self {
        Self::Damaged(reason)
    }
}

impl From<&str> for UnreadableBytes {
    fn from(reason: &str) -> Self {
        Self::Damaged(reason.to_owned())
    }
}

impl UnreadableBytes {
    /// As the error of reading the weights file at `path`.
    pub fn at(self, path: &std::path::Path) -> ModelError {
        let path = path.to_owned();
        match self {
            Self::Newer { format, newest } => ModelError::Newer { path, format, newest },
            Self::Damaged(reason) => ModelError::Damaged { path, reason },
        }
    }
}
