//! The softmax cross entropy of logits, as `torch.nn.functional.cross_entropy` defines it.

use super::{Loss, LossSum, Targets, check, largest};
use crate::dispatch::{Kernel, dispatch};
use crate::elementary::exp;

/// The sum over the samples of `-log softmax(logits)[label]` (`logits` is `[batch, classes]`), and how many are right.
///
/// # Panics
/// Where `classes` is 0, a label not below it, or `logits` not `[labels.len(), classes]`.
pub fn cross_entropy(logits: &[f32], labels: &[u8], classes: usize) -> LossSum {
    check(logits, labels.into(), classes);
    let mut total = LossSum::default();
    dispatch(Plain { logits, labels, classes, total: &mut total });
    total
}

/// See [`cross_entropy`].
struct Plain<'a> {
    logits: &'a [f32],
    labels: &'a [u8],
    classes: usize,
    total: &'a mut LossSum,
}

impl Kernel for Plain<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { logits, labels, classes, total } = self;
        for (row, label) in logits.chunks_exact(classes).zip(labels) {
            let label = usize::from(*label);
            let (best, largest) = largest(row);
            let sum = sum_of_exponentials(row, largest);
            // The logarithm in double precision: correctly rounded or not, its error is far below the sum's own.
            total.loss += f64::from(sum).ln() - f64::from(row[label] - largest);
            total.correct += usize::from(best == label);
        }
    }
}

/// `(softmax(logits) - onehot(label)) / batch`: the gradient of the mean loss, `[batch, classes]`.
///
/// # Panics
/// As [`cross_entropy`].
pub fn cross_entropy_gradient(logits: &[f32], labels: &[u8], classes: usize, gradient: &mut [f32]) {
    check(logits, labels.into(), classes);
    assert_eq!(logits.len(), gradient.len(), "a gradient for each logit");
    dispatch(PlainGradient { logits, labels, classes, gradient });
}

/// See [`cross_entropy_gradient`].
struct PlainGradient<'a> {
    logits: &'a [f32],
    labels: &'a [u8],
    classes: usize,
    gradient: &'a mut [f32],
}

impl Kernel for PlainGradient<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { logits, labels, classes, gradient } = self;
        let batch = labels.len() as f32;
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((row, gradient), label) in rows.zip(labels) {
            let (_, largest) = largest(row);
            let mut sum = 0.0;
            for (gradient, x) in gradient.iter_mut().zip(row) {
                *gradient = exp(x - largest);
                sum += *gradient;
            }
            let scale = 1.0 / (sum * batch);
            for gradient in &mut *gradient {
                *gradient *= scale;
            }
            gradient[usize::from(*label)] -= 1.0 / batch;
        }
    }
}

/// The softmax cross entropy, as `torch.nn.CrossEntropyLoss` computes it.
///
/// `Σ_c t_c · -log softmax(logits)_c` with `t = (1 - label_smoothing) · target + label_smoothing / classes` (Szegedy et al. 2016).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// The share of the target that is spread over all classes, in `0..=1`.
    pub label_smoothing: f32,
}

impl CrossEntropy {
    fn is_plain(&self, targets: Targets<'_>) -> bool {
        assert!((0.0..=1.0).contains(&self.label_smoothing), "a label smoothing of {}", self.label_smoothing);
        self.label_smoothing == 0.0 && targets.mix.is_none()
    }
}

/// A share of the target that is spread over all classes.
pub(super) fn check_smoothing(smoothing: f32) -> Result<(), String> {
    match (0.0..=1.0).contains(&smoothing) {
        true => Ok(()),
        false => Err(format!("a label smoothing of {smoothing}, which is not from 0 to 1")),
    }
}

impl Loss for CrossEntropy {
    fn check(&self, _: usize) -> Result<(), String> {
        check_smoothing(self.label_smoothing)
    }

    fn cross_entropy_smoothing(&self) -> Option<f32> {
        Some(self.label_smoothing)
    }

    fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum {
        if self.is_plain(targets) {
            return cross_entropy(logits, targets.labels, classes);
        }
        check(logits, targets, classes);
        let mut total = LossSum::default();
        let smoothing = self.label_smoothing;
        dispatch(Smoothed { logits, targets, classes, smoothing, total: &mut total });
        total
    }

    fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]) {
        if self.is_plain(targets) {
            return cross_entropy_gradient(logits, targets.labels, classes, gradient);
        }
        check(logits, targets, classes);
        assert_eq!(logits.len(), gradient.len(), "a gradient for each logit");
        dispatch(SmoothedGradient { logits, targets, classes, smoothing: self.label_smoothing, gradient });
    }
}

/// The loss of targets that are spread or mixed.
struct Smoothed<'a> {
    logits: &'a [f32],
    targets: Targets<'a>,
    classes: usize,
    smoothing: f32,
    total: &'a mut LossSum,
}

impl Kernel for Smoothed<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { logits, targets, classes, smoothing, total } = self;
        let smoothing = f64::from(smoothing);
        for (row, shares) in logits.chunks_exact(classes).zip(targets.shares()) {
            let (best, largest) = largest(row);
            let sum = sum_of_exponentials(row, largest);
            let mut mean_logit = 0.0;
            // What has no share counts as nothing, whatever its logit: 0 · -∞ is no loss.
            let mut add = |class: usize, share: f64| {
                if share != 0.0 {
                    mean_logit += share * f64::from(row[class] - largest);
                }
            };
            shares.into_iter().for_each(|(class, share)| add(class, (1.0 - smoothing) * f64::from(share)));
            (0..classes).for_each(|class| add(class, smoothing / classes as f64));
            total.loss += f64::from(sum).ln() - mean_logit;
            total.correct += usize::from(best == shares[0].0);
        }
    }
}

/// Its gradient.
struct SmoothedGradient<'a> {
    logits: &'a [f32],
    targets: Targets<'a>,
    classes: usize,
    smoothing: f32,
    gradient: &'a mut [f32],
}

impl Kernel for SmoothedGradient<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { logits, targets, classes, smoothing, gradient } = self;
        let batch = targets.labels.len() as f32;
        let everywhere = smoothing / (classes as f32 * batch);
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((row, gradient), shares) in rows.zip(targets.shares()) {
            let (_, largest) = largest(row);
            let mut sum = 0.0;
            for (gradient, x) in gradient.iter_mut().zip(row) {
                *gradient = exp(x - largest);
                sum += *gradient;
            }
            let scale = 1.0 / (sum * batch);
            for gradient in &mut *gradient {
                *gradient = gradient.mul_add(scale, -everywhere);
            }
            for (class, share) in shares {
                gradient[class] -= (1.0 - smoothing) * share / batch;
            }
        }
    }
}

/// `Σ exp(x - largest)`.
#[inline(always)]
fn sum_of_exponentials(row: &[f32], largest: f32) -> f32 {
    // Begun as `Iterator::sum` begins, whose closure would be compiled for the baseline processor.
    let mut sum = -0.0;
    for x in row {
        sum += exp(x - largest);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes with logits 0 and ln 3: probabilities 1/4 and 3/4, so the loss of label 1 is ln(4/3).
    #[test]
    fn cross_entropy_of_two_classes_by_hand() {
        let logits = [0.0, 3f32.ln()];
        let got = cross_entropy(&logits, &[1], 2);
        assert!((got.loss - (4.0f64 / 3.0).ln()).abs() < 1e-6 && got.correct == 1, "{got:?}");
        let mut gradient = [0.0; 2];
        cross_entropy_gradient(&logits, &[1], 2, &mut gradient);
        assert!((gradient[0] - 0.25).abs() < 1e-6 && (gradient[1] + 0.25).abs() < 1e-6, "{gradient:?}");
    }

    #[test]
    fn large_logits_do_not_overflow_and_nan_is_not_lost() {
        assert!(cross_entropy(&[1e4, 0.0], &[1], 2).loss > 9e3);
        assert!(cross_entropy(&[0.0, f32::NAN, 1.0], &[0], 3).loss.is_nan());
    }

    #[test]
    fn ties_between_logits_go_to_the_first_class() {
        assert_eq!(cross_entropy(&[1.0, 1.0], &[0], 2).correct, 1);
        assert_eq!(cross_entropy(&[1.0, 1.0], &[1], 2).correct, 0);
    }
}
