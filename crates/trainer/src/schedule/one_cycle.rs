//! Up, then down.

use super::{Schedule, ScheduledStep, anneal};

/// From 1/25 of the peak up to it, then down to 1/250,000 of it, both along half a cosine (Smith and Topin 2018;
/// `torch.optim.lr_scheduler.OneCycleLR` with its own defaults, the momentum left as it is).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// The share of the steps in which the rate rises, in `0..1`.
    pub warmup: f64,
}

impl Schedule for OneCycle {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        let (start, end) = (at.peak / 25.0, at.peak / 25.0 / 1e4);
        let (step, last) = (at.step as f64, at.steps as f64 - 1.0);
        let top = self.warmup * at.steps as f64 - 1.0;
        if step <= top {
            // The only step of a rise is the top itself.
            anneal(start, at.peak, if top > 0.0 { step / top } else { 1.0 })
        } else {
            anneal(at.peak, end, (step - top) / (last - top))
        }
    }
}
