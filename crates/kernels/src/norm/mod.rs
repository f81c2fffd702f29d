//! Normalisation of activations `[batch, features]`, forward and backward, with the definitions of PyTorch's `BatchNorm1d`,
//! `LayerNorm` and `RMSNorm`.
//!
//! Sums are in double precision and in an order that the sizes alone decide, so the bits are the same for any number of threads.

mod batch;
mod columns;
mod rows;

pub use batch::{batch_norm, batch_norm_evaluation, batch_norm_gradient};
pub use rows::{layer_norm, layer_norm_gradient, rms_norm, rms_norm_gradient};

/// What activations were normalised by: one entry for each feature (batch normalisation) or sample (layer normalisation).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The mean.
    pub mean: Vec<f32>,
    /// The biased variance: the mean of the squared differences from the mean.
    pub variance: Vec<f32>,
    /// `1 / √(variance + eps)`.
    pub inverse_deviation: Vec<f32>,
}

impl Statistics {
    pub(crate) fn zeros(features: usize) -> Self {
        let new = || vec![0.0; features];
        Self { mean: new(), variance: new(), inverse_deviation: new() }
    }

    /// Those of `width` features each, to be written.
    pub(crate) fn parts(&mut self, width: usize) -> impl Iterator<Item = StatisticsPart<'_>> {
        let moments = self.mean.chunks_mut(width).zip(self.variance.chunks_mut(width));
        let parts = moments.zip(self.inverse_deviation.chunks_mut(width));
        parts.map(|((mean, variance), inverse_deviation)| StatisticsPart { mean, variance, inverse_deviation })
    }

    /// Moves running statistics towards these of a batch, as `BatchNorm1d` does:
    /// `running = (1 - momentum) · running + momentum · new`, the variance unbiased, `batch / (batch - 1)` times as large.
    ///
    /// # Panics
    /// Where `batch` is below 2, `momentum` not in `0..=1`, or a slice not one entry for each feature.
    pub fn update_running(&self, batch: usize, momentum: f32, running_mean: &mut [f32], running_variance: &mut [f32]) {
        assert!(batch > 1, "the variance of {batch} samples");
        assert!((0.0..=1.0).contains(&momentum), "a momentum of {momentum}");
        let features = self.mean.len();
        expect("running mean", running_mean, features);
        expect("running variance", running_variance, features);
        let unbiased = batch as f64 / (batch - 1) as f64;
        let towards = |running: &mut f32, new: f64| {
            let momentum = f64::from(momentum);
            *running = (1.0 - momentum).mul_add(f64::from(*running), momentum * new) as f32;
        };
        running_mean.iter_mut().zip(&self.mean).for_each(|(running, new)| towards(running, f64::from(*new)));
        let variances = running_variance.iter_mut().zip(&self.variance);
        variances.for_each(|(running, new)| towards(running, f64::from(*new) * unbiased));
    }
}

/// The statistics of some neighbouring features, to be written.
pub(crate) struct StatisticsPart<'a> {
    pub(crate) mean: &'a mut [f32],
    variance: &'a mut [f32],
    inverse_deviation: &'a mut [f32],
}

impl StatisticsPart<'_> {
    /// From each feature's mean, and the sum of the squared differences from it, over `batch` samples.
    #[inline(always)]
    pub(crate) fn write(self, means: &[f64], squares: &[f64], batch: f64, eps: f32) {
        for j in 0..self.mean.len() {
            let biased = squares[j] / batch;
            self.mean[j] = means[j] as f32;
            self.variance[j] = biased as f32;
            self.inverse_deviation[j] = inverse_deviation(biased, eps);
        }
    }
}

/// `1 / √(variance + eps)`.
fn inverse_deviation(variance: f64, eps: f32) -> f32 {
    (1.0 / (variance + f64::from(eps)).sqrt()) as f32
}

/// Panics where a slice is not so long: a wrong result would be worse.
pub(crate) fn expect(what: &str, slice: &[f32], length: usize) {
    assert_eq!(slice.len(), length, "the length of {what}");
}

/// How many rows of `features` values `x` has.
fn rows_of(x: &[f32], features: usize, eps: f32) -> usize {
    assert!(features > 0, "a gain of no features");
    assert!(x.len().is_multiple_of(features), "x is [batch, {features}], not {} values", x.len());
    assert!(eps >= 0.0, "an eps of {eps}");
    x.len() / features
}
