//! Down by factors or by powers.

use super::{Schedule, ScheduledStep};

/// From the peak, times `factor` after each `every` epochs (`torch.optim.lr_scheduler.StepLR`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepDecay {
    /// Epochs between two falls, at least one.
    pub every: usize,
    /// What the rate is multiplied with, above 0 and below 1.
    pub factor: f64,
}

impl Schedule for StepDecay {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        let falls = at.step / self.every.max(1).saturating_mul(at.steps_per_epoch.max(1));
        at.peak * libm::pow(self.factor, falls as f64)
    }
}

/// From the peak, times `factor` over each epoch by equal factors a step (`torch.optim.lr_scheduler.ExponentialLR` with the root of `factor`, a
/// step each).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// What the rate is multiplied with over an epoch, above 0 and below 1.
    pub factor: f64,
}

impl Schedule for Exponential {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        at.peak * libm::pow(self.factor, at.step as f64 / at.steps_per_epoch.max(1) as f64)
    }
}

/// From the peak in the first step towards 0, which the step after the last would have, as the share of the steps that are left to the power `power`
/// (`torch.optim.lr_scheduler.PolynomialLR`, a step each).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polynomial {
    /// Above 0; 1 is [`Linear`](super::Linear).
    pub power: f64,
}

impl Schedule for Polynomial {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        at.peak * libm::pow(1.0 - at.step as f64 / at.steps as f64, self.power)
    }
}
