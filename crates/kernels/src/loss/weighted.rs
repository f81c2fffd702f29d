//! The softmax cross entropy with a weight for each class, as `torch.nn.CrossEntropyLoss(weight=…)` defines it.

use std::sync::Arc;

use super::cross_entropy::check_smoothing;
use super::{Loss, LossSum, Targets, check, largest};
use crate::elementary::exp;

/// The softmax cross entropy with class weights, smoothed or not.
///
/// A sample's loss is `Σ_c w_c t_c · -log softmax(logits)_c`, `t` as in [`CrossEntropy`](crate::CrossEntropy). The mean of a batch is, as PyTorch's, the sum divided by
/// the weights of the samples' classes; where samples are mixed, by their number. [`Loss::loss`] gives that mean times the samples.
///
/// ```
/// use strata_kernels::{Loss, WeightedCrossEntropy};
///
/// // of the class that is three times as rare each image counts three times
/// let loss = WeightedCrossEntropy { label_smoothing: 0.0, weights: [1.0, 3.0].into() };
/// let two = loss.loss(&[0.0, 0.0, 0.0, 3f32.ln()], [0, 1][..].into(), 2).loss / 2.0;
/// assert!((two - (2f64.ln() + 3.0 * (4f64 / 3.0).ln()) / 4.0).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedCrossEntropy {
    /// The share of the target that is spread over all classes, in `0..=1`.
    pub label_smoothing: f32,
    /// One for each class, each above 0.
    pub weights: Arc<[f32]>,
}

impl WeightedCrossEntropy {
    /// What a class's logarithm of its probability counts, beside what the sample's own classes count more.
    fn everywhere(&self, class: usize) -> f64 {
        f64::from(self.weights[class]) * f64::from(self.label_smoothing) / self.weights.len() as f64
    }

    fn own(&self, class: usize, share: f32) -> f64 {
        f64::from(self.weights[class]) * (1.0 - f64::from(self.label_smoothing)) * f64::from(share)
    }

    fn check_all(&self, logits: &[f32], targets: Targets<'_>, classes: usize) {
        check(logits, targets, classes);
        let own = Loss::check(self, classes);
        assert!(own.is_ok(), "{own:?}");
    }
}

impl Loss for WeightedCrossEntropy {
    fn check(&self, classes: usize) -> Result<(), String> {
        if self.weights.len() != classes {
            return Err(format!("{} weights for {classes} classes", self.weights.len()));
        }
        if let Some(weight) = self.weights.iter().find(|weight| !(**weight > 0.0 && weight.is_finite())) {
            return Err(format!("a class's weight of {weight}, which is no number above 0"));
        }
        check_smoothing(self.label_smoothing)
    }

    fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum {
        self.check_all(logits, targets, classes);
        let mut total = LossSum::default();
        for (row, shares) in logits.chunks_exact(classes).zip(targets.shares()) {
            let (best, largest) = largest(row);
            let sum: f32 = row.iter().map(|x| exp(x - largest)).sum();
            let log_sum = f64::from(sum).ln();
            // What has no share counts as nothing, whatever its logit: 0 · -∞ is no loss.
            let mut add = |class: usize, share: f64| {
                if share != 0.0 {
                    total.loss += share * (log_sum - f64::from(row[class] - largest));
                }
            };
            shares.into_iter().for_each(|(class, share)| add(class, self.own(class, share)));
            (0..classes).for_each(|class| add(class, self.everywhere(class)));
            total.correct += usize::from(best == shares[0].0);
        }
        if !targets.labels.is_empty() {
            total.loss *= targets.labels.len() as f64 / self.weight(targets);
        }
        total
    }

    fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]) {
        self.check_all(logits, targets, classes);
        assert_eq!(logits.len(), gradient.len(), "a gradient for each logit");
        let all = self.weight(targets);
        let everywhere: Vec<f64> = (0..classes).map(|class| self.everywhere(class)).collect();
        let of_all: f64 = everywhere.iter().sum();
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((row, gradient), shares) in rows.zip(targets.shares()) {
            let (_, largest) = largest(row);
            let mut sum = 0.0;
            for (gradient, x) in gradient.iter_mut().zip(row) {
                *gradient = exp(x - largest);
                sum += *gradient;
            }
            let own = shares.map(|(class, share)| self.own(class, share));
            let scale = ((of_all + own[0] + own[1]) / (all * f64::from(sum))) as f32;
            for (gradient, everywhere) in gradient.iter_mut().zip(&everywhere) {
                *gradient = gradient.mul_add(scale, -(everywhere / all) as f32);
            }
            for ((class, _), own) in shares.into_iter().zip(own) {
                gradient[class] -= (own / all) as f32;
            }
        }
    }

    fn weight(&self, targets: Targets<'_>) -> f64 {
        match targets.mix {
            Some(_) => targets.labels.len() as f64,
            None => targets.labels.iter().map(|label| f64::from(self.weights[usize::from(*label)])).sum(),
        }
    }
}
