//! Lion.

use strata_kernels as kernels;
use strata_kernels::UpdateRule;
use strata_spec::ranges;

use super::{Optimizer, Step, in_range};
use crate::TrainError;

/// Lion (Chen et al. 2023): steps of one size in the direction of the gradient's signs. Its rates are about a tenth of Adam's, its
/// weight decay ten times as large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    /// Share of the average in the direction, and decay of the average, in `0..1`; the authors have 0.9 and 0.99.
    pub betas: [f64; 2],
    /// The share of the weights that decays a step, times the learning rate.
    pub weight_decay: f64,
}

impl Optimizer for Lion {
    fn check(&self) -> Result<(), TrainError> {
        in_range(&[
            ("first beta", self.betas[0], ranges::BETA),
            ("second beta", self.betas[1], ranges::BETA),
            ("weight decay", self.weight_decay, ranges::WEIGHT_DECAY),
        ])
    }

    fn states(&self) -> &'static [&'static str] {
        &["exp_avg"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        let rule = kernels::LionRule {
            learning_rate: step.single("learning rate", step.learning_rate)?,
            beta1: self.betas[0] as f32,
            beta2: self.betas[1] as f32,
            decay_factor: (1.0 - step.learning_rate * step.weight_decay(self.weight_decay)) as f32,
        };
        Ok(rule.into())
    }
}
