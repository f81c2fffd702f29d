//! A linear rise before any schedule.

use strata_spec::Phase;

use super::{Schedule, ScheduledStep};
use crate::HistoryRow;

/// A phase's own schedule after its warm-up: in the first `n` of the steps, the share [`Phase::warmup`] of all, the rate rises by equal amounts, from
/// `peak / (n + 1)` on, and the schedule begins with the peak after them (`torch.optim.lr_scheduler.LinearLR` with a start factor of `1 / (n + 1)` and `n`
/// iterations, then the schedule, by `SequentialLR`). What the schedule counts, it counts from there.
impl Schedule for Phase {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        let rising = self.warmup_steps(at.steps);
        match at.step.checked_sub(rising) {
            Some(step) => self.schedule.rate(&ScheduledStep { step, steps: at.steps - rising, ..*at }),
            None => at.peak * (at.step + 1) as f64 / (rising + 1) as f64,
        }
    }

    fn epoch_ended(&self, line: &HistoryRow, state: &mut Vec<f64>) {
        // An epoch that ends within the rise says nothing of the peak; the last rate of every later one, before the schedule has counted any, is the peak.
        let last = line.get("lr_last").or(line.learning_rate);
        if !state.is_empty() || last.is_none_or(|rate| rate >= self.learning_rate) {
            self.schedule.epoch_ended(line, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use strata_spec::{Criterion, ScheduleSpec};

    use super::*;

    /// Of eight epochs of four steps four are the rise, in which nothing gets better.
    #[test]
    fn a_plateau_counts_from_the_end_of_the_warmup_on() {
        let schedule =
            ScheduleSpec::Plateau { metric: Criterion::val_loss(), factor: 0.1, patience: 0, min_delta: 0.0 };
        let phase = Phase { warmup: 0.5, ..Phase::new(8, 1.0, schedule) };
        let mut state = Vec::new();
        let mut last_rates = Vec::new();
        for epoch in 0..8 {
            let rate = |step: usize, state: &[f64]| {
                phase.rate(&ScheduledStep { peak: 1.0, step: 4 * epoch + step, steps: 32, steps_per_epoch: 4, state })
            };
            let (first, last) = (rate(0, &state), rate(3, &state));
            let mut line = HistoryRow { learning_rate: Some(first), ..HistoryRow::initial(2.0, 0.1) };
            if last != first {
                line.values.insert("lr_last".into(), last);
            }
            phase.epoch_ended(&line, &mut state);
            last_rates.push((last * 100.0).round() / 100.0);
        }
        // The first at the peak is the best, the second is one too many.
        assert_eq!(last_rates, [0.24, 0.47, 0.71, 0.94, 1.0, 1.0, 0.1, 0.01]);
    }
}
