//! Losses by name.

use crate::named::named;

named! {
    /// What is made small, without its numbers.
    #[derive(Default)]
    pub enum LossKind {
        #[default]
        CrossEntropy = "cross_entropy", "the softmax cross entropy of the logits (`torch.nn.CrossEntropyLoss`)";
        MeanSquaredError = "mse", "the mean squared error of the logits against one-hot targets (`torch.nn.MSELoss`)";
    }
}

/// What is made small in training and reported of an evaluation, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossSpec {
    /// The softmax cross entropy.
    CrossEntropy {
        /// The share of the target that is spread over all classes, [`ranges::LABEL_SMOOTHING`](crate::ranges::LABEL_SMOOTHING).
        label_smoothing: f64,
    },
    /// The mean squared error.
    MeanSquaredError,
}

impl Default for LossSpec {
    /// The cross entropy without smoothing.
    fn default() -> Self {
        Self::CrossEntropy { label_smoothing: 0.0 }
    }
}

impl LossSpec {
    /// Which loss it is.
    #[must_use]
    pub fn kind(&self) -> LossKind {
        match self {
            Self::CrossEntropy { .. } => LossKind::CrossEntropy,
            Self::MeanSquaredError => LossKind::MeanSquaredError,
        }
    }
}
