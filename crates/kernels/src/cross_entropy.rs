//! The softmax cross entropy of logits, as `torch.nn.functional.cross_entropy` defines it.

use crate::elementary::exp;

/// What a batch of logits says about its labels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// The sum over the samples of `-log softmax(logits)[label]`.
    pub loss: f64,
    /// Samples whose largest logit is their label's; of equal ones the first counts.
    pub correct: usize,
}

/// The loss summed over the samples of `logits` (`[batch, classes]`), and how many are right.
///
/// # Panics
/// Where a label is not below `classes`, or `logits` is not `[labels.len(), classes]`.
pub fn cross_entropy(logits: &[f32], labels: &[u8], classes: usize) -> LossSum {
    assert_eq!(logits.len(), labels.len() * classes, "logits are [{}, {classes}]", labels.len());
    let mut total = LossSum::default();
    for (row, label) in logits.chunks_exact(classes).zip(labels) {
        let label = usize::from(*label);
        let (best, largest) = largest(row);
        let sum: f32 = row.iter().map(|x| exp(x - largest)).sum();
        // The logarithm in double precision: correctly rounded or not, its error is far below the sum's own.
        total.loss += f64::from(sum).ln() - f64::from(row[label] - largest);
        total.correct += usize::from(best == label);
    }
    total
}

/// `(softmax(logits) - onehot(label)) / batch`: the gradient of the mean loss, `[batch, classes]`.
///
/// # Panics
/// As [`cross_entropy`].
pub fn cross_entropy_gradient(logits: &[f32], labels: &[u8], classes: usize, gradient: &mut [f32]) {
    assert_eq!(logits.len(), labels.len() * classes, "logits are [{}, {classes}]", labels.len());
    assert_eq!(logits.len(), gradient.len(), "a gradient for each logit");
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
        gradient.iter_mut().for_each(|gradient| *gradient *= scale);
        gradient[usize::from(*label)] -= 1.0 / batch;
    }
}

/// The first largest value and its place; a NaN counts as the largest, so that it is not lost.
fn largest(row: &[f32]) -> (usize, f32) {
    let mut best = (0, row[0]);
    for (i, x) in row.iter().enumerate().skip(1) {
        if best.1.is_nan() {
            break;
        }
        if *x > best.1 || x.is_nan() {
            best = (i, *x);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes with logits 0 and ln 3: probabilities 1/4 and 3/4, so the loss of label 1 is ln(4/3).
    #[test]
    fn a_quarter_and_three_quarters() {
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
    fn of_equal_logits_the_first_counts() {
        assert_eq!(cross_entropy(&[1.0, 1.0], &[0], 2).correct, 1);
        assert_eq!(cross_entropy(&[1.0, 1.0], &[1], 2).correct, 0);
    }
}
