//! The mean F1 of the classes.

use crate::{Confusion, Direction, Metric, Outputs};

/// The mean of the classes' F1 scores, each class counting alike: `2 TP / (2 TP + FP + FN)` of a class, over the classes that were a label or a
/// prediction (scikit-learn's `f1_score(average="macro")`).
#[derive(Clone, Copy, Debug)]
pub struct MacroF1;

impl Metric for MacroF1 {
    fn name(&self) -> &str {
        "macro_f1"
    }

    fn unit(&self) -> &str {
        "F1"
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn sentence(&self) -> &str {
        "the mean F1 score of the classes that were a label or a prediction, each class counting alike"
    }

    /// A confusion matrix.
    fn sums(&self, classes: usize) -> usize {
        classes * classes
    }

    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]) {
        for sample in outputs.samples() {
            sums[sample.label * outputs.classes + sample.predicted()] += 1.0;
        }
    }

    fn value(&self, sums: &[f64], _: u64) -> f64 {
        let counts = sums.iter().map(|count| *count as u64).collect();
        Confusion::from_counts(sums.len().isqrt(), counts).map_or(f64::NAN, |confusion| confusion.macro_f1())
    }
}
