//! Down along half a cosine.

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
