//! The optimizer's buffers of a classifier, but for those that no rule keeps anything in.

use super::CpuClassifier;
use crate::cpu_network::CpuNetwork;
use crate::{OptimizerState, TrainError};

impl<M: CpuNetwork<I, C>, const I: usize, const C: usize> CpuClassifier<M, I, C> {
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
