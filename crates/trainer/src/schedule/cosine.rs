//! Down along half a cosine, once or again and again.

use super::{Schedule, ScheduledStep, anneal};

/// From the peak in the first step along half a cosine towards 0, which the step after the last would have (Loshchilov and Hutter 2017;
/// `torch.optim.lr_scheduler.CosineAnnealingLR`, a step each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosine;

impl Schedule for Cosine {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        anneal(at.peak, 0.0, at.step as f64 / at.steps as f64)
    }
}

/// From the peak along half a cosine towards 0 over a period, then from the peak again, each period `period_factor` times as long as the one before
/// (Loshchilov and Hutter 2017; `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`, a step each). The last period may be cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CosineRestarts {
    /// Epochs of the first period, at least one.
    pub period: usize,
    /// At least 1.
    pub period_factor: usize,
}

impl Schedule for CosineRestarts {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        let (mut step, mut period) = (at.step, self.period.max(1).saturating_mul(at.steps_per_epoch.max(1)));
        if self.period_factor <= 1 {
            step %= period;
        }
        while step >= period {
            step -= period;
            period = period.saturating_mul(self.period_factor);
        }
        anneal(at.peak, 0.0, step as f64 / period as f64)
    }
}
