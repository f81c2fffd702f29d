//! What can go wrong with a network, its gradients and its weights.

use std::path::PathBuf;

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
    /// Weights of another network.
    #[error("the weights are of a network {found}, but {expected} is wanted")]
    Mismatch {
        /// The widths of the network that was to take them.
        expected: String,
        /// What the weights are of.
        found: String,
    },
    /// dfdx's device failed, out of memory for one.
    #[error("the device failed: {0}")]
    Device(String),
    /// A parameter without a gradient was to be updated.
    #[error(
        "there is no gradient for the parameter {parameter}: run the backward pass of a loss that depends on it before the update \
         (`GradientStore::backward`)"
    )]
    NoGradient {
        /// The way to it through the network: `1.0.weight`.
        parameter: String,
    },
    /// A parameter whose values do not lie row by row, so that it cannot be updated in place.
    #[error("the parameter {parameter} is a permuted or broadcast tensor; make it contiguous (`try_contiguous`)")]
    NotContiguous {
        /// The way to it through the network.
        parameter: String,
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
    pub(crate) fn device(error: impl std::fmt::Debug) -> Self {
        Self::Device(format!("{error:?}"))
    }
}
