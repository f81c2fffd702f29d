//! When a run that no longer improves ends.

use serde::{Deserialize, Serialize};
use strata_spec::{Criterion, EarlyStopping};

use crate::HistoryRow;

/// What early stopping remembers of the epochs so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoppingState {
    /// The best value of the metric that counted as an improvement, the higher the better (a loss is negated); none so far.
    best: Option<f64>,
    /// Epochs in a row without an improvement.
    stale: usize,
}

impl StoppingState {
    /// Adds an epoch to what is remembered.
    pub(crate) fn observe(&mut self, rule: &EarlyStopping, line: &HistoryRow) {
        let value = rule.metric.merit(line).unwrap_or(f64::NAN);
        let improved = match self.best {
            Some(best) => value > best + rule.min_delta,
            None => value > f64::NEG_INFINITY,
        };
        if improved {
            *self = Self { best: Some(value), stale: 0 };
        } else {
            self.stale += 1;
        }
    }
}

/// Whether `line` is better than `best`; a value that is missing or no number is better than none.
pub(crate) fn is_better(criterion: &Criterion, line: &HistoryRow, best: &HistoryRow) -> bool {
    let merit = |row| criterion.merit(row).filter(|merit| !merit.is_nan());
    match (merit(line), merit(best)) {
        (Some(merit), Some(best)) => merit > best,
        (merit, _) => merit.is_some(),
    }
}

/// Whether a run of which `state` is remembered ends here.
pub(crate) fn is_over(rule: &EarlyStopping, state: &StoppingState) -> bool {
    state.stale >= rule.patience
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
            let history: Vec<HistoryRow> = values
                .iter()
                .enumerate()
                .map(|(epoch, value)| HistoryRow {
                    phase: Some(0),
                    epoch: Some(epoch),
                    learning_rate: None,
                    train_loss: None,
                    val_loss: -value,
                    val_acc: *value,
                    values: [("val_top".to_owned(), -value)].into(),
                })
                .collect();
            for metric in [Criterion::val_loss(), Criterion::val_acc(), Criterion::lower("val_top")] {
                let stopping = EarlyStopping { metric, patience, min_delta };
                let mut state = StoppingState::default();
                history.iter().for_each(|line| state.observe(&stopping, line));
                assert_eq!(is_over(&stopping, &state), over, "{:?}: {why}", stopping.metric);
            }
        }
    }
}
