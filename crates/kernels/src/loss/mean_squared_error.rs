//! The mean squared error against one-hot targets.

use super::{Loss, LossSum, Targets, check, largest};

/// The mean over the classes of `(logit - target)²`, the target one-hot or mixed: `torch.nn.MSELoss` against
/// `torch.nn.functional.one_hot`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSquaredError;

impl Loss for MeanSquaredError {
    fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum {
        check(logits, targets, classes);
        let mut total = LossSum::default();
        for (row, shares) in logits.chunks_exact(classes).zip(targets.shares()) {
            let square = |(class, x): (usize, &f32)| f64::from(x - target(class, shares)).powi(2);
            total.loss += row.iter().enumerate().map(square).sum::<f64>() / classes as f64;
            total.correct += usize::from(largest(row).0 == shares[0].0);
        }
        total
    }

    fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]) {
        check(logits, targets, classes);
        assert_eq!(logits.len(), gradient.len(), "a gradient for each logit");
        let scale = 2.0 / logits.len() as f32;
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((row, gradient), shares) in rows.zip(targets.shares()) {
            for (class, (gradient, x)) in gradient.iter_mut().zip(row).enumerate() {
                *gradient = scale * (x - target(class, shares));
            }
        }
    }
}

fn target(class: usize, shares: [(usize, f32); 2]) -> f32 {
    shares.iter().filter(|(of, _)| *of == class).map(|(_, share)| share).sum()
}
