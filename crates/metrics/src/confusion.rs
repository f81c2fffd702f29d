//! Which classes are taken for which.

use crate::Outputs;

/// How often a sample of each class was predicted as each class.
///
/// ```
/// use strata_metrics::{Confusion, Outputs};
///
/// let mut confusion = Confusion::new(2);
/// confusion.add(&Outputs { logits: &[2.0, 1.0, 0.0, 3.0, 0.0, 1.0], labels: &[0, 0, 1], classes: 2 });
/// assert_eq!((confusion.count(0, 0), confusion.count(0, 1), confusion.count(1, 1)), (1, 1, 1));
/// let scores = confusion.class(0);
/// assert_eq!((scores.precision, scores.recall, scores.support), (Some(1.0), Some(0.5), 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// `[label, prediction]`, row-major.
    counts: Vec<u64>,
}

/// How well one class is told from the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// The share of its predictions that were right; none where it was never predicted.
    pub precision: Option<f64>,
    /// The share of its samples that were predicted; none where it has none.
    pub recall: Option<f64>,
    /// `2 TP / (2 TP + FP + FN)`, the harmonic mean of the two; none where it was neither a label nor a prediction.
    pub f1: Option<f64>,
    /// Its samples.
    pub support: u64,
}

impl Confusion {
    /// Of no samples.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Of counts `[label, prediction]`, row-major; none where they are not `classes × classes`.
    pub fn from_counts(classes: usize, counts: Vec<u64>) -> Option<Self> {
        (counts.len() == classes * classes).then_some(Self { classes, counts })
    }

    /// Adds a batch of as many classes.
    pub fn add(&mut self, outputs: &Outputs<'_>) {
        for sample in outputs.samples() {
            self.counts[sample.label * self.classes + sample.predicted()] += 1;
        }
    }

    /// How many classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples of class `label` that were predicted as `prediction`.
    pub fn count(&self, label: usize, prediction: usize) -> u64 {
        self.counts[label * self.classes + prediction]
    }

    /// The row of a label: its samples by their prediction.
    pub fn row(&self, label: usize) -> &[u64] {
        &self.counts[label * self.classes..][..self.classes]
    }

    /// Precision, recall and F1 of a class.
    pub fn class(&self, class: usize) -> ClassScores {
        let hits = self.count(class, class);
        let support: u64 = self.row(class).iter().sum();
        let predicted: u64 = (0..self.classes).map(|label| self.count(label, class)).sum();
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        ClassScores {
            precision: share(hits, predicted),
            recall: share(hits, support),
            f1: share(2 * hits, support + predicted),
            support,
        }
    }

    /// The mean F1 of the classes that were a label or a prediction; NaN of no samples.
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = (0..self.classes).filter_map(|class| self.class(class).f1).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    }
}
