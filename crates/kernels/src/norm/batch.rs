//! Batch normalisation (Ioffe and Szegedy 2015), as `torch.nn.BatchNorm1d` computes it.

use rayon::prelude::*;

use super::columns::{GROUP, Scales, add, gain_and_bias_sums};
use super::{Statistics, StatisticsPart, expect, inverse_deviation, rows_of};
use crate::dispatch::{Kernel, dispatch};
use crate::parallel::each_pair;

/// `y = (x - mean) / √(variance + eps) · gain + bias`, mean and biased variance those of each feature over the batch: the
/// forward pass of training.
///
/// `x` and `y` are `[batch, features]`, `gain` and `bias` `[features]`; PyTorch's `eps` is 1e-5. Returns the statistics, one entry for each
/// feature, for [`batch_norm_gradient`] and for [`Statistics::update_running`], whose momentum is 0.1 in PyTorch.
///
/// # Panics
/// Where the batch is below 2 (a single sample is its own mean, and nothing is left of it), `gain` is empty, lengths do not agree, or
/// `eps` is negative or NaN.
pub fn batch_norm(x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) -> Statistics {
    let features = gain.len();
    let batch = rows_of(x, features, eps);
    assert!(batch > 1, "batch normalisation of {batch} samples in training");
    let mut statistics = Statistics::zeros(features);
    let groups: Vec<_> = statistics.parts(GROUP).collect();
    groups.into_par_iter().enumerate().for_each(|(group, statistics)| {
        dispatch(Moments { x, features, first: group * GROUP, eps, statistics });
    });
    normalise(x, &statistics.mean, &statistics.inverse_deviation, gain, bias, y);
    statistics
}

/// The same with statistics from training: the forward pass of evaluation. A batch of any size.
///
/// # Panics
/// Where `gain` is empty, lengths do not agree, or `eps` is negative or NaN.
pub fn batch_norm_evaluation(
    x: &[f32],
    running_mean: &[f32],
    running_variance: &[f32],
    gain: &[f32],
    bias: &[f32],
    eps: f32,
    y: &mut [f32],
) {
    rows_of(x, gain.len(), eps);
    expect("running mean", running_mean, gain.len());
    expect("running variance", running_variance, gain.len());
    let inverse: Vec<f32> = running_variance.iter().map(|v| inverse_deviation(f64::from(*v), eps)).collect();
    normalise(x, running_mean, &inverse, gain, bias, y);
}

/// The backward pass of [`batch_norm`], from the gradient `dy` of its result: `dx` (`[batch, features]`) is written, the gradients
/// of gain and bias are added to `gain_gradient` and `bias_gradient`.
///
/// # Panics
/// Where `gain` is empty or lengths do not agree.
pub fn batch_norm_gradient(
    x: &[f32],
    statistics: &Statistics,
    gain: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    gain_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let features = gain.len();
    let batch = rows_of(x, features, 0.0);
    let (mean, inverse) = (&statistics.mean[..], &statistics.inverse_deviation[..]);
    expect("dy", dy, x.len());
    expect("dx", dx, x.len());
    for (what, slice) in [("the means", mean), ("the inverse deviations", inverse)] {
        expect(what, slice, features);
    }
    expect("the gain's gradient", gain_gradient, features);
    expect("the bias' gradient", bias_gradient, features);
    let (gain_sums, bias_sums) = gain_and_bias_sums(x, dy, features, Scales::Columns(mean, inverse));
    add(gain_gradient, &gain_sums);
    add(bias_gradient, &bias_sums);
    let mean_of = |sums: Vec<f64>| -> Vec<f32> { sums.into_iter().map(|sum| (sum / batch as f64) as f32).collect() };
    let (of_product, of_dy) = (mean_of(gain_sums), mean_of(bias_sums));
    let rows = x.par_chunks(features).zip(dy.par_chunks(features)).zip(dx.par_chunks_mut(features));
    rows.with_min_len(8).for_each(|((x, dy), dx)| {
        dispatch(Backward { x, dy, dx, gain, mean, inverse, of_product: &of_product, of_dy: &of_dy });
    });
}

struct Moments<'a> {
    x: &'a [f32],
    features: usize,
    first: usize,
    eps: f32,
    statistics: StatisticsPart<'a>,
}

impl Kernel for Moments<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, features, first, eps, statistics } = self;
        let (width, batch) = (statistics.mean.len(), (x.len() / features) as f64);
        let (mut means, mut squares) = ([0.0; GROUP], [0.0; GROUP]);
        let (means, squares) = (&mut means[..width], &mut squares[..width]);
        for x in x.chunks_exact(features) {
            for (sum, x) in means.iter_mut().zip(&x[first..][..width]) {
                *sum += f64::from(*x);
            }
        }
        means.iter_mut().for_each(|sum| *sum /= batch);
        for x in x.chunks_exact(features) {
            for ((sum, x), mean) in squares.iter_mut().zip(&x[first..][..width]).zip(&*means) {
                let difference = f64::from(*x) - mean;
                *sum += difference * difference;
            }
        }
        statistics.write(means, squares, batch, eps);
    }
}

fn normalise(x: &[f32], mean: &[f32], inverse: &[f32], gain: &[f32], bias: &[f32], y: &mut [f32]) {
    let features = gain.len();
    expect("bias", bias, features);
    expect("y", y, x.len());
    let row = |x: &[f32], y: &mut [f32]| dispatch(Forward { x, y, mean, inverse, gain, bias });
    each_pair((x, features), (y, features), 8, &row);
}

/// One row.
struct Forward<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    mean: &'a [f32],
    inverse: &'a [f32],
    gain: &'a [f32],
    bias: &'a [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, y, mean, inverse, gain, bias } = self;
        let n = y.len();
        let (x, mean, inverse, gain, bias) = (&x[..n], &mean[..n], &inverse[..n], &gain[..n], &bias[..n]);
        for j in 0..n {
            y[j] = ((x[j] - mean[j]) * inverse[j]).mul_add(gain[j], bias[j]);
        }
    }
}

/// One row.
struct Backward<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    gain: &'a [f32],
    mean: &'a [f32],
    inverse: &'a [f32],
    /// The mean over the batch of `dy · x̂`.
    of_product: &'a [f32],
    /// The mean over the batch of `dy`.
    of_dy: &'a [f32],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run(self) {
        let n = self.dx.len();
        let (x, dy, gain, mean) = (&self.x[..n], &self.dy[..n], &self.gain[..n], &self.mean[..n]);
        let (inverse, of_product, of_dy) = (&self.inverse[..n], &self.of_product[..n], &self.of_dy[..n]);
        for j in 0..n {
            let normalised = (x[j] - mean[j]) * inverse[j];
            self.dx[j] = gain[j] * inverse[j] * (-normalised).mul_add(of_product[j], dy[j] - of_dy[j]);
        }
    }
}
