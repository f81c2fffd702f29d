//! Down where a metric no longer improves.

use strata_spec::Criterion;

use super::{Schedule, ScheduledStep};
use crate::HistoryRow;

/// Multiplies the rate by `factor` after more than `patience` epochs in a row without an improvement of more than `min_delta`
/// (`torch.optim.lr_scheduler.ReduceLROnPlateau` with an absolute threshold and no cooldown). It remembers the factor so far, the best value and the
/// epochs since.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceOnPlateau {
    /// What is watched.
    pub metric: Criterion,
    /// By what the rate is multiplied, in `0..1`.
    pub factor: f64,
    /// Epochs.
    pub patience: usize,
    /// How much better than the best so far counts, at least 0.
    pub min_delta: f64,
}

impl Schedule for ReduceOnPlateau {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        at.peak * at.state.first().copied().unwrap_or(1.0)
    }

    fn epoch_ended(&self, line: &HistoryRow, state: &mut Vec<f64>) {
        let value = self.metric.merit(line).unwrap_or(f64::NAN);
        match state.as_mut_slice() {
            [factor, best, stale] => {
                if value > *best + self.min_delta {
                    (*best, *stale) = (value, 0.0);
                } else {
                    *stale += 1.0;
                }
                if *stale > self.patience as f64 {
                    (*factor, *stale) = (*factor * self.factor, 0.0);
                }
            }
            _ => *state = vec![1.0, value, 0.0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_after_more_than_patience_epochs_without_an_improvement() {
        let schedule = ReduceOnPlateau { metric: Criterion::val_loss(), factor: 0.5, patience: 1, min_delta: 0.0 };
        let mut state = Vec::new();
        let mut rates = Vec::new();
        for loss in [3.0, 2.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.5] {
            rates.push(schedule.rate(&ScheduledStep {
                peak: 0.4,
                step: 0,
                steps: 1,
                steps_per_epoch: 1,
                state: &state,
            }));
            schedule.epoch_ended(&HistoryRow::initial(loss, 0.0), &mut state);
        }
        // Stale after the third and the fourth epoch: halved; one stale epoch, an improvement; two stale ones.
        assert_eq!(rates, [0.4, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2]);
        assert_eq!(state, [0.25, -1.0, 0.0]);
    }
}
