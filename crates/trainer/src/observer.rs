//! What a loop tells of a run, and who listens.

use crate::{Classifier, Evaluation, Pass, Progress, TrainError};

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
