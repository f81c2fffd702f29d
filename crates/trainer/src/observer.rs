//! What a loop tells of a run, and who listens.

use std::fmt;

use crate::{Classifier, Evaluation, Progress, TrainError};

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
            Self::Validation { epoch } => write!(f, "the validation of epoch {epoch}"),
            Self::Test => write!(f, "the test"),
        }
    }
}

/// What happens in a run, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A pass starts.
    PassStarted {
        /// What it is for.
        pass: Pass,
        /// Batches of a whole pass.
        batches: usize,
        /// Those that were trained on before the run was stopped.
        done: usize,
    },
    /// A batch was trained on or evaluated.
    BatchFinished {
        /// Its samples.
        samples: usize,
        /// The mean training loss of the epoch so far, where it was read back at this batch.
        loss: Option<f64>,
    },
    /// The history has a new line: the initial evaluation, or an epoch.
    Evaluated {
        /// The line.
        line: &'a Evaluation,
        /// Whether it is the best epoch so far.
        is_best: bool,
    },
}

/// Watches a run: shows it, records it, keeps its checkpoints, and may end it.
pub trait Observer {
    /// Told of each event.
    ///
    /// # Errors
    /// Ends the run with the error.
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError>;

    /// Asked to keep `progress` and a snapshot of `classifier`: after the initial evaluation, at the end of each epoch (`epoch_ended`),
    /// after as many steps as the plan says, and before an interrupted run returns.
    ///
    /// # Errors
    /// Ends the run with the error.
    fn checkpoint(
        &mut self,
        progress: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError>;

    /// Asked between batches whether to stop here.
    fn is_interrupted(&self) -> bool;
}

/// Watches nothing: for a run that nobody records.
impl Observer for () {
    fn event(&mut self, _: Event<'_>) -> Result<(), TrainError> {
        Ok(())
    }

    fn checkpoint(&mut self, _: &Progress, _: &mut dyn Classifier, _: bool) -> Result<(), TrainError> {
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}
