//! What a classifier holds between two steps: the optimizer's buffers, but for those that no rule keeps anything in, and what waits for a step.

use strata_spec::ranges;

use super::CpuClassifier;
use crate::{OptimizerState, TrainError};

/// The batches whose gradients wait for a step.
#[derive(Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) batches: u64,
    /// What their samples count together in the mean of the loss: as many as they are, where classes have no weights.
    pub(super) weight: f64,
}

impl Waiting {
    /// A batch more, whose samples weigh so much.
    pub(super) fn add(&mut self, weight: f64) {
        self.batches += 1;
        self.weight += weight;
    }

    /// Whether the step takes one batch more: the draws of dropout tell no more of them apart.
    pub(super) fn check_room(self) -> Result<(), TrainError> {
        let number = self.batches + 1;
        if i64::try_from(number).is_ok_and(|number| ranges::ACCUMULATE.contains(number)) {
            return Ok(());
        }
        let (value, range) = (number as f64, ranges::ACCUMULATE.to_string());
        Err(TrainError::Number { what: "number of a step's batches", value, range })
    }
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

#[cfg(test)]
mod tests {
    use super::Waiting;

    #[test]
    fn a_step_takes_as_many_batches_as_have_draws_of_their_own() {
        let of = |batches| Waiting { batches, weight: 1.0 }.check_room();
        assert!(of(0).is_ok() && of(65_535).is_ok());
        assert!(of(65_536).is_err());
        assert_eq!((65_535_u64 << 40 << 8) >> 48, 65_535, "as `Mask::key` shifts them");
    }
}
