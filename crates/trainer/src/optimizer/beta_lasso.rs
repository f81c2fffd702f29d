//! β-LASSO.

use strata_kernels as kernels;
use strata_kernels::UpdateRule;
use strata_spec::ranges;

use super::{Optimizer, Step, in_range};
use crate::TrainError;

/// β-LASSO (Neyshabur 2020): stochastic gradient descent with a pull towards zero of one size, after whose step all that is smaller than β times the pull
/// becomes 0. For the parameters that decay; the others descend without it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaLasso {
    /// The pull; its author has 1e-4 to 2e-5.
    pub lambda: f64,
    /// How many times the pull is the smallest value that stays; its author has 50.
    pub beta: f64,
}

impl Optimizer for BetaLasso {
    fn check(&self) -> Result<(), TrainError> {
        in_range(&[("lambda", self.lambda, ranges::LAMBDA), ("beta", self.beta, ranges::BETA_LASSO)])
    }

    fn states(&self) -> &'static [&'static str] {
        &[]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        let lambda = step.weight_decay(self.lambda);
        let rule = kernels::BetaLassoRule {
            learning_rate: step.single("learning rate", step.learning_rate)?,
            lambda: step.single("lambda", lambda)?,
            threshold: step.single("threshold", self.beta * lambda)?,
        };
        Ok(rule.into())
    }
}
