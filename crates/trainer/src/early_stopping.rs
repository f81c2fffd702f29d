//! When a run that no longer improves ends.

use strata_spec::{EarlyStopping, Metric};

use crate::Evaluation;

/// How many epochs at the end of `history` brought no improvement.
fn stale_epochs(stopping: &EarlyStopping, history: &[Evaluation]) -> usize {
    let mut best = f64::NEG_INFINITY;
    let mut stale = 0;
    for line in history.iter().filter(|line| line.epoch.is_some()) {
        let value = match stopping.metric {
            Metric::ValLoss => -line.val_loss,
            Metric::ValAcc => line.val_acc,
        };
        if value > best + stopping.min_delta || (best == f64::NEG_INFINITY && value > best) {
            best = value;
            stale = 0;
        } else {
            stale += 1;
        }
    }
    stale
}

/// Whether the run ends here. A function of the history alone, so that a resumed run decides as the first would have.
pub fn is_over(stopping: &EarlyStopping, history: &[Evaluation]) -> bool {
    stale_epochs(stopping, history) >= stopping.patience
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_over_after_patience_epochs_without_an_improvement_of_more_than_min_delta() {
        // (values a epoch, patience, min_delta, whether it is over, why)
        let cases: [(&[f64], usize, f64, bool, &str); 8] = [
            (&[], 1, 0.0, false, "nothing happened yet"),
            (&[0.1], 1, 0.0, false, "the first epoch always improves"),
            (&[0.1, 0.2, 0.3], 1, 0.0, false, "each improves"),
            (&[0.1, 0.1], 1, 0.0, true, "equal is no improvement"),
            (&[0.3, 0.2, 0.1], 3, 0.0, false, "two stale epochs of three"),
            (&[0.3, 0.2, 0.1, 0.2], 3, 0.0, true, "better than the last is not better than the best"),
            (&[0.1, 0.15], 1, 0.1, true, "better by less than min_delta"),
            (&[0.1, f64::NAN], 1, 0.0, true, "a NaN is no improvement"),
        ];
        for (values, patience, min_delta, over, why) in cases {
            let history: Vec<Evaluation> = values
                .iter()
                .enumerate()
                .map(|(epoch, value)| Evaluation {
                    phase: Some(0),
                    epoch: Some(epoch),
                    learning_rate: None,
                    train_loss: None,
                    val_loss: -value,
                    val_acc: *value,
                })
                .collect();
            for metric in [Metric::ValLoss, Metric::ValAcc] {
                let stopping = EarlyStopping { metric, patience, min_delta };
                assert_eq!(is_over(&stopping, &history), over, "{metric:?}: {why}");
            }
        }
    }
}
