//! Losses of a classifier's logits `[batch, classes]`, as PyTorch defines them: their values and their gradients.

mod cross_entropy;
mod mean_squared_error;
mod targets;
mod weighted;

pub use cross_entropy::{CrossEntropy, cross_entropy, cross_entropy_gradient};
pub use mean_squared_error::MeanSquaredError;
pub use targets::{Mix, TargetError, Targets};
pub use weighted::WeightedCrossEntropy;

use std::fmt::Debug;

/// What a batch of logits says about its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// The loss summed over the samples.
    pub loss: f64,
    /// Samples whose largest logit is their label's; of equal ones the first counts.
    pub correct: usize,
}

/// A loss of a user's own, or one of this crate: what a network is trained to make small.
///
/// ```
/// use strata_kernels::{Loss, LossSum, Targets, largest};
///
/// /// `Σ max(0, 1 + logit - logit of the label)` over the other classes (Weston and Watkins 1999).
/// #[derive(Debug)]
/// struct Hinge;
///
/// impl Loss for Hinge {
///     fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum {
///         let mut total = LossSum::default();
///         for (row, label) in logits.chunks_exact(classes).zip(targets.labels) {
///             let label = usize::from(*label);
///             let margins = row.iter().map(|logit| f64::from((1.0 + logit - row[label]).max(0.0)));
///             total.loss += margins.sum::<f64>() - 1.0;
///             total.correct += usize::from(largest(row).0 == label);
///         }
///         total
///     }
///
///     fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]) {
///         let share = 1.0 / targets.labels.len() as f32;
///         let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
///         for ((row, gradient), label) in rows.zip(targets.labels) {
///             let label = usize::from(*label);
///             let violated = |logit: &f32| if 1.0 + logit > row[label] { share } else { 0.0 };
///             gradient.iter_mut().zip(row).for_each(|(gradient, logit)| *gradient = violated(logit));
///             gradient[label] -= gradient.iter().sum::<f32>();
///         }
///     }
/// }
///
/// assert_eq!(Hinge.loss(&[2.0, 0.0, 1.5], Targets::from(&[0][..]), 3).loss, 0.5);
/// ```
pub trait Loss: Send + Sync + Debug {
    /// The loss of each sample of `logits` (`[batch, classes]`), summed, and how many are right.
    ///
    /// # Panics
    /// Where the targets are not those of so many samples and classes ([`Targets::check`]), or its own numbers do not suit them ([`Loss::check`]).
    fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum;

    /// The gradient of the mean over the samples of the loss, written into `gradient` (`[batch, classes]`).
    ///
    /// # Panics
    /// As [`Loss::loss`].
    fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]);

    /// Whether its own numbers suit so many classes: asked before training, where [`Loss::loss`] would panic.
    ///
    /// # Errors
    /// What does not, in words.
    fn check(&self, classes: usize) -> Result<(), String> {
        let _ = classes;
        Ok(())
    }

    /// What the samples count together in the mean of several batches: their number, unless classes have weights.
    fn weight(&self, targets: Targets<'_>) -> f64 {
        targets.labels.len() as f64
    }

    /// The label smoothing of a [`CrossEntropy`], which a card has kernels for; none of any other loss, which is refused there.
    fn cross_entropy_smoothing(&self) -> Option<f32> {
        None
    }
}

/// The place of the largest of a sample's logits, the first of equal ones, and its value; a NaN counts as the largest, so that it
/// is not lost.
///
/// # Panics
/// Where there are no logits.
pub fn largest(row: &[f32]) -> (usize, f32) {
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

/// Panics where `targets` are not those of `logits`: the loss would be of something else.
fn check(logits: &[f32], targets: Targets<'_>, classes: usize) {
    assert!(classes > 0 && logits.len().is_multiple_of(classes), "logits are [batch, {classes}]");
    if let Err(error) = targets.check(logits.len() / classes, classes) {
        panic!("{error}");
    }
}
