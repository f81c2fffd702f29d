//! The order of runs: the higher validation accuracy first, of equal ones the lower validation loss.

use std::cmp::Ordering;

/// Orders two results, each a validation accuracy and a validation loss, the better first.
///
/// Higher accuracy is better; of equal accuracies the lower loss is. What is missing or NaN comes last.
///
/// ```
/// use strata_report::better_first;
///
/// let mut results = [(None, None), (Some(0.55), Some(1.3)), (Some(0.57), Some(1.3)), (Some(0.57), Some(1.2))];
/// results.sort_by(|a, b| better_first(*a, *b));
/// assert_eq!(results[0], (Some(0.57), Some(1.2)));
/// assert_eq!(results[3], (None, None));
/// ```
pub fn better_first(a: (Option<f64>, Option<f64>), b: (Option<f64>, Option<f64>)) -> Ordering {
    lower_first(a.0.map(|acc| -acc), b.0.map(|acc| -acc)).then_with(|| lower_first(a.1, b.1))
}

fn lower_first(a: Option<f64>, b: Option<f64>) -> Ordering {
    let known = |value: Option<f64>| value.filter(|v| !v.is_nan());
    match (known(a), known(b)) {
        // NaN is gone; adding zero makes -0 and 0 the same.
        (Some(a), Some(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_is_compared_before_loss_and_nan_ranks_last() {
        let rows = [
            ((Some(0.6), Some(9.0)), (Some(0.5), Some(0.1)), Ordering::Less, "accuracy before loss"),
            ((Some(0.5), Some(2.0)), (Some(0.5), Some(1.0)), Ordering::Greater, "ties by lower loss"),
            ((Some(0.5), Some(f64::NAN)), (Some(0.5), Some(1e9)), Ordering::Greater, "a loss that is NaN is worst"),
            ((Some(f64::NAN), Some(0.0)), (Some(0.0), None), Ordering::Greater, "an accuracy that is NaN is worst"),
            ((Some(f64::NAN), None), (None, Some(f64::NAN)), Ordering::Equal, "NaN is as good as missing"),
            ((Some(-0.0), None), (Some(0.0), None), Ordering::Equal, "there is one zero"),
        ];
        for (a, b, want, why) in rows {
            assert_eq!(better_first(a, b), want, "{why}");
            assert_eq!(better_first(b, a), want.reverse(), "{why}, reversed");
        }
    }
}
