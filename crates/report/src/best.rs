//! The order of runs: the better by the metric that they choose their best epoch by first, of equal ones the lower validation loss.

use std::cmp::Ordering;

use strata_spec::{Criterion, Direction};

use crate::record::Record;

/// Orders two runs, the better first by `criterion`: its value of the weights that were saved, then the lower validation loss. What is
/// missing or NaN comes last.
///
/// ```
/// use strata_report::{Record, better_first};
/// use strata_spec::Criterion;
///
/// let run = |name: &str, acc, loss| {
///     let mut run = Record::new(name, vec![]);
///     (run.metrics.val_acc, run.metrics.val_loss) = (acc, loss);
///     run
/// };
/// let mut runs =
///     [run("none", None, None), run("a", Some(0.55), Some(1.3)), run("b", Some(0.57), Some(1.3)), run("c", Some(0.57), Some(1.2))];
/// runs.sort_by(|a, b| better_first(&Criterion::val_acc(), a, b));
/// assert_eq!(runs.map(|run| run.name), ["c", "b", "a", "none"]);
/// ```
pub fn better_first(criterion: &Criterion, a: &Record, b: &Record) -> Ordering {
    let merit = |run: &Record| run.reached(&criterion.key).map(|value| criterion.direction.merit(value));
    higher_first(merit(a), merit(b)).then_with(|| {
        let merit = |run: &Record| run.metrics.val_loss.map(|loss| Direction::Lower.merit(loss));
        higher_first(merit(a), merit(b))
    })
}

/// What runs are ordered by: the metric that all choose their best epoch by; where they differ in it the validation accuracy, and a sentence that
/// says so.
pub(crate) fn ranking(runs: &[Record]) -> (Criterion, Option<String>) {
    let mut rules: Vec<Criterion> = Vec::new();
    for run in runs {
        let rule = run.judged_by();
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    match rules.as_slice() {
        [] => (Criterion::val_acc(), None),
        [one] => (one.clone(), None),
        several => {
            let keys: Vec<&str> = several.iter().map(|rule| rule.key.as_str()).collect();
            let note = format!("the runs choose their best epoch by {}: ordered by val_acc", keys.join(", "));
            (Criterion::val_acc(), Some(note))
        }
    }
}

fn higher_first(a: Option<f64>, b: Option<f64>) -> Ordering {
    let known = |value: Option<f64>| value.filter(|v| !v.is_nan());
    match (known(a), known(b)) {
        // NaN is gone; adding zero makes -0 and 0 the same.
        (Some(a), Some(b)) => (b + 0.0).total_cmp(&(a + 0.0)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Best;

    fn run(val_acc: Option<f64>, val_loss: Option<f64>) -> Record {
        let mut run = Record::new("a", vec![]);
        (run.metrics.val_acc, run.metrics.val_loss) = (val_acc, val_loss);
        run
    }

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
            let (a, b) = (run(a.0, a.1), run(b.0, b.1));
            assert_eq!(better_first(&Criterion::val_acc(), &a, &b), want, "{why}");
            assert_eq!(better_first(&Criterion::val_acc(), &b, &a), want.reverse(), "{why}, reversed");
        }
    }

    #[test]
    fn runs_are_ordered_by_the_rule_that_all_follow_or_by_accuracy_with_the_reason() {
        let by = |criterion: Criterion, acc: f64, error: f64| {
            let mut run = run(Some(acc), None);
            run.best = Some(Best::of(&criterion));
            run.metrics.values.insert("val_calibration_error".into(), error);
            run
        };
        let error = Criterion::lower("val_calibration_error");
        let mut runs = [by(error.clone(), 0.6, 0.2), by(error.clone(), 0.5, 0.1)];
        let (criterion, note) = ranking(&runs);
        assert_eq!((&criterion, note), (&error, None));
        assert_eq!(better_first(&criterion, &runs[0], &runs[1]), Ordering::Greater);
        // Old records do not say: the validation accuracy.
        runs[0].best = None;
        let (criterion, note) = ranking(&runs);
        assert_eq!(criterion, Criterion::val_acc());
        let note = note.unwrap();
        assert_eq!(note, "the runs choose their best epoch by val_acc, val_calibration_error: ordered by val_acc");
    }
}
