//! A linear rise before any schedule.

use strata_spec::Phase;

use super::{Schedule, ScheduledStep};
use crate::HistoryRow;

/// A phase's own schedule after its warm-up: in the first `n` of the steps, the share [`Phase::warmup`] of all, the rate rises by equal amounts, from
/// `peak / (n + 1)` on, and the schedule begins with the peak after them (`torch.optim.lr_scheduler.LinearLR` with a start factor of `1 / (n + 1)` and `n`
/// iterations, then the schedule, by `SequentialLR`). What the schedule counts, it counts from there.
impl Schedule for Phase {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        // The last step, at least, is the schedule's.
        let rising = ((self.warmup * at.steps as f64).round() as usize).min(at.steps.saturating_sub(1));
        match at.step.checked_sub(rising) {
            Some(step) => self.schedule.rate(&ScheduledStep { step, steps: at.steps - rising, ..*at }),
            None => at.peak * (at.step + 1) as f64 / (rising + 1) as f64,
        }
    }

    fn epoch_ended(&self, line: &HistoryRow, state: &mut Vec<f64>) {
        self.schedule.epoch_ended(line, state);
    }
}
