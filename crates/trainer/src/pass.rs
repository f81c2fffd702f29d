//! A pass over the data: what it is for, and how much it serves.

use std::fmt;

/// What a pass over the data is for; epochs are 0-based over the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// Evaluates the validation part before the first step.
    Initial,
    /// Trains.
    Training {
        /// The epoch that it is.
        epoch: usize,
        /// The phase's.
        learning_rate: f64,
    },
    /// Estimates batch normalisation's statistics for averaged weights, over the training samples; nothing is trained.
    Statistics {
        /// The epoch after whose training it is.
        epoch: usize,
    },
    /// Evaluates the validation part after an epoch's training.
    Validation {
        /// The epoch that it ends.
        epoch: usize,
    },
    /// Evaluates the test part.
    Test,
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initial => write!(f, "the initial evaluation"),
            Self::Training { epoch, .. } => write!(f, "the training of epoch {epoch}"),
            Self::Statistics { epoch } => write!(f, "the estimate of statistics after epoch {epoch}"),
            Self::Validation { epoch } => write!(f, "the validation of epoch {epoch}"),
            Self::Test => write!(f, "the test"),
        }
    }
}

/// Batches and their samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many batches.
    pub batches: usize,
    /// Samples of all of them.
    pub samples: usize,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} batches with {} samples", self.batches, self.samples)
    }
}
