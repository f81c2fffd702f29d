//! Layer normalisation (Ba et al. 2016) and root mean square normalisation (Zhang and Sennrich 2019), as `torch.nn.LayerNorm`
//! and `torch.nn.RMSNorm` compute them.

use rayon::prelude::*;

use super::columns::{Scales, add, gain_and_bias_sums};
use super::{Statistics, expect, inverse_deviation, rows_of};
use crate::dispatch::{Kernel, dispatch};
use crate::lanes::LANES;

/// `y = (x - mean) / √(variance + eps) · gain + bias`, mean and biased variance those of each sample over its features.
///
/// `x` and `y` are `[batch, features]`, `gain` and `bias` `[features]`; PyTorch's `eps` is 1e-5. Returns the statistics, one entry for
/// each sample, for [`layer_norm_gradient`].
///
/// # Panics
/// Where `gain` is empty, lengths do not agree, or `eps` is negative or NaN.
pub fn layer_norm(x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) -> Statistics {
    let features = gain.len();
    let batch = rows_of(x, features, eps);
    expect("bias", bias, features);
    expect("y", y, x.len());
    let mut statistics =
        Statistics { mean: vec![0.0; batch], variance: vec![0.0; batch], inverse_deviation: vec![0.0; batch] };
    let moments = statistics.mean.par_iter_mut().zip(&mut statistics.variance);
    let moments = moments.zip(&mut statistics.inverse_deviation);
    let rows = x.par_chunks(features).zip(y.par_chunks_mut(features)).zip(moments);
    rows.with_min_len(8).for_each(|((x, y), ((mean, variance), inverse))| {
        let count = features as f64;
        let exact = sum(x, x, |x, _| x) / count;
        let biased = sum(x, x, |x, _| (x - exact) * (x - exact)) / count;
        (*mean, *variance, *inverse) = (exact as f32, biased as f32, inverse_deviation(biased, eps));
        dispatch(Forward { x, y, mean: *mean, inverse: *inverse, gain, bias });
    });
    statistics
}

/// The backward pass of [`layer_norm`], from the gradient `dy` of its result: `dx` (`[batch, features]`) is written, the gradients
/// of gain and bias are added to `gain_gradient` and `bias_gradient`.
///
/// # Panics
/// Where `gain` is empty or lengths do not agree.
pub fn layer_norm_gradient(
    x: &[f32],
    statistics: &Statistics,
    gain: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    gain_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let (mean, inverse) = (&statistics.mean[..], &statistics.inverse_deviation[..]);
    expect("the means", mean, inverse.len());
    expect("the bias' gradient", bias_gradient, gain.len());
    let bias_sums = backward(x, mean, inverse, gain, dy, dx, gain_gradient);
    add(bias_gradient, &bias_sums);
}

/// `y = x / √(mean of x² + eps) · gain`, the mean that of each sample over its features.
///
/// `x` and `y` are `[batch, features]`, `gain` is `[features]`; PyTorch's `eps` is [`f32::EPSILON`]. Returns the inverse root mean
/// square, one for each sample, for [`rms_norm_gradient`].
///
/// # Panics
/// Where `gain` is empty, lengths do not agree, or `eps` is negative or NaN.
pub fn rms_norm(x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) -> Vec<f32> {
    let features = gain.len();
    let batch = rows_of(x, features, eps);
    expect("y", y, x.len());
    let mut inverses = vec![0.0; batch];
    let rows = x.par_chunks(features).zip(y.par_chunks_mut(features)).zip(&mut inverses);
    rows.with_min_len(8).for_each(|((x, y), inverse)| {
        *inverse = inverse_deviation(sum(x, x, |x, _| x * x) / features as f64, eps);
        dispatch(Forward { x, y, mean: 0.0, inverse: *inverse, gain, bias: &[] });
    });
    inverses
}

/// The backward pass of [`rms_norm`], from the gradient `dy` of its result: `dx` (`[batch, features]`) is written, the gradient
/// of the gain is added to `gain_gradient`.
///
/// # Panics
/// Where `gain` is empty or lengths do not agree.
pub fn rms_norm_gradient(
    x: &[f32],
    inverse_rms: &[f32],
    gain: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    gain_gradient: &mut [f32],
) {
    backward(x, &[], inverse_rms, gain, dy, dx, gain_gradient);
}

/// The backward pass with means, or without any; gives the sums of `dy` over the batch.
fn backward(
    x: &[f32],
    means: &[f32],
    inverses: &[f32],
    gain: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    gain_gradient: &mut [f32],
) -> Vec<f64> {
    let features = gain.len();
    let batch = rows_of(x, features, 0.0);
    expect("dy", dy, x.len());
    expect("dx", dx, x.len());
    expect("the inverse deviations", inverses, batch);
    expect("the gain's gradient", gain_gradient, features);
    let rows = x.par_chunks(features).zip(dy.par_chunks(features)).zip(dx.par_chunks_mut(features)).enumerate();
    rows.with_min_len(8).for_each(|(b, ((x, dy), dx))| {
        let (mean, inverse) = (means.get(b).copied(), inverses[b]);
        dispatch(Backward { x, dy, dx, gain, mean, inverse });
    });
    let (gain_sums, bias_sums) = gain_and_bias_sums(x, dy, features, Scales::Rows(means, inverses));
    add(gain_gradient, &gain_sums);
    bias_sums
}

/// `Σ term(a, b)` over slices of one length, in sixteen interleaved chains of double precision, which are added in order.
#[inline(always)]
fn sum_lanes(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for c in 0..LANES {
            sums[c] += term(f64::from(a[c]), f64::from(b[c]));
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += term(f64::from(*a), f64::from(*b));
    }
    sums.iter().sum()
}

fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    struct Sum<'a, F> {
        a: &'a [f32],
        b: &'a [f32],
        term: F,
        total: &'a mut f64,
    }

    impl<F: Fn(f64, f64) -> f64> Kernel for Sum<'_, F> {
        #[inline(always)]
        fn run(self) {
            *self.total = sum_lanes(self.a, self.b, self.term);
        }
    }

    let mut total = 0.0;
    dispatch(Sum { a, b, term, total: &mut total });
    total
}

/// One row; no bias is an empty one.
struct Forward<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    mean: f32,
    inverse: f32,
    gain: &'a [f32],
    bias: &'a [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, y, mean, inverse, gain, bias } = self;
        let values = y.iter_mut().zip(x).zip(gain);
        if bias.is_empty() {
            values.for_each(|((y, x), gain)| *y = x * inverse * gain);
        } else {
            let values = values.zip(bias);
            values.for_each(|(((y, x), gain), bias)| *y = ((x - mean) * inverse).mul_add(*gain, *bias));
        }
    }
}

/// One row. Without a mean, its gradient is none either.
struct Backward<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    gain: &'a [f32],
    mean: Option<f32>,
    inverse: f32,
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, dy, dx, gain, mean, inverse } = self;
        let count = dx.len() as f64;
        // dx holds dy · gain until it is what it is called.
        dx.iter_mut().zip(dy.iter().zip(gain)).for_each(|(dx, (dy, gain))| *dx = dy * gain);
        let of_dy = if mean.is_some() { (sum_lanes(dx, dx, |g, _| g) / count) as f32 } else { 0.0 };
        let mean = mean.unwrap_or(0.0);
        let difference = f64::from(mean);
        let of_product = sum_lanes(dx, x, |g, x| g * (x - difference)) * f64::from(inverse) / count;
        let of_product = of_product as f32;
        for (dx, x) in dx.iter_mut().zip(x) {
            let normalised = (x - mean) * inverse;
            *dx = inverse * (-normalised).mul_add(of_product, *dx - of_dy);
        }
    }
}
