//! Down in equal steps.

use super::{Schedule, ScheduledStep};

/// From the peak in the first step towards 0, which the step after the last would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear;

impl Schedule for Linear {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        at.peak * (1.0 - at.step as f64 / at.steps as f64)
    }
}
