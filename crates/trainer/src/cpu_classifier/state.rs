//! What a classifier holds between two steps: the optimizer's buffers, but for those that no rule keeps anything in, and what waits for a step.

use super::CpuClassifier;
use crate::{OptimizerState, TrainError};

/// The batches whose gradients wait for a step.
#[derive(Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) batches: u64,
    pub(super) samples: usize,
}

impl CpuClassifier {
    /// Frees what no rule keeps anything in.
    pub(super) fn free_unused(&mut self) {
        self.state.free_unused(&self.kept, self.step.optimizer.states().len());
    }

    /// Whether `state` is one of this classifier's, with or without what no rule keeps anything in: earlier versions had it.
    pub(super) fn check_state(&self, state: &OptimizerState) -> Result<(), TrainError> {
        let states = self.step.optimizer.states().len();
        let is_unused = |parameter: usize, buffer| (self.kept[parameter]..states).contains(&buffer);
        state.check(self.step.buffers(), &self.tensors, is_unused)
    }
}
