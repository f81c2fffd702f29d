//! What a run is to do: phases of epochs, when to end early, how often to keep a checkpoint.

use strata_spec::{EarlyStopping, Phase};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In order.
    pub phases: Vec<Phase>,
    /// When to end before the last phase does.
    pub early_stopping: Option<EarlyStopping>,
    /// Steps between the checkpoints within an epoch; there is one at the end of each epoch in any case.
    pub checkpoint_every: Option<usize>,
}

impl Plan {
    /// Epochs of all phases.
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }

    /// The phase that epoch `epoch` (0-based over the run) belongs to.
    pub(crate) fn phase_of(&self, epoch: usize) -> Option<(usize, Phase)> {
        let mut first = 0;
        for (i, phase) in self.phases.iter().enumerate() {
            first += phase.epochs;
            if epoch < first {
                return Some((i, *phase));
            }
        }
        None
    }
}
