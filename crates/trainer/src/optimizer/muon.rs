//! Muon for hidden layers' weights, AdamW for the rest.

use strata_kernels as kernels;
use strata_kernels::UpdateRule;
use strata_spec::ranges;

use super::{Adam, Optimizer, Step, in_range};
use crate::TrainError;

/// Muon (Jordan et al. 2024) for the weights of hidden layers, AdamW for everything else: the last layer, biases and normalisations. Muon's step is fitted
/// to the size of AdamW's (`match_rms_adamw` of `torch.optim.Muon`), so that one learning rate serves both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Share of the velocity that is kept, in `0..1`; its authors have 0.95.
    pub momentum: f64,
    /// Look ahead by one step; its authors do.
    pub nesterov: bool,
    /// Newton-Schulz iterations, at least one; its authors have 5.
    pub iterations: usize,
    /// AdamW's decay of the first and second moment, in `0..1`.
    pub betas: [f64; 2],
    /// Added to AdamW's denominator.
    pub epsilon: f64,
    /// The share of the weights that decays a step, times the learning rate.
    pub weight_decay: f64,
}

impl Muon {
    fn adam(&self) -> Adam {
        let Self { betas, epsilon, weight_decay, .. } = *self;
        Adam { betas, epsilon, weight_decay, decoupled: true }
    }
}

impl Optimizer for Muon {
    fn check(&self) -> Result<(), TrainError> {
        self.adam().check()?;
        in_range(&[("momentum", self.momentum, ranges::MOMENTUM)])?;
        let iterations = i64::try_from(self.iterations).unwrap_or(i64::MAX);
        if ranges::NEWTON_SCHULZ.contains(iterations) {
            return Ok(());
        }
        let range = ranges::NEWTON_SCHULZ.to_string();
        Err(TrainError::Number { what: "number of Newton-Schulz iterations", value: self.iterations as f64, range })
    }

    /// Of hidden layers' weights the first is the velocity, and there is no second.
    fn states(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        if !step.is_hidden_weight {
            return self.adam().rule(step);
        }
        let rule = kernels::MuonRule {
            learning_rate: step.single("learning rate", step.learning_rate)?,
            momentum: self.momentum as f32,
            nesterov: self.nesterov,
            iterations: self.iterations,
            decay_factor: (1.0 - step.learning_rate * step.weight_decay(self.weight_decay)) as f32,
        };
        Ok(rule.into())
    }
}
