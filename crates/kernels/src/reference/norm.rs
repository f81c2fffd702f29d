//! Normalisation, forward and backward.

use crate::Statistics;

/// The statistics of each feature over the batch, and `(x - mean) · inverse deviation · gain + bias`.
pub fn batch_norm(x: &[f32], gain: &[f32], bias: &[f32], eps: f32) -> (Statistics, Vec<f32>) {
    let features = gain.len();
    let batch = (x.len() / features) as f64;
    let mut statistics = Statistics::default();
    for j in 0..features {
        let column = || x.iter().skip(j).step_by(features).map(|x| f64::from(*x));
        push_moments(&mut statistics, in_order(column()) / batch, eps, |mean| {
            in_order(column().map(|x| (x - mean) * (x - mean))) / batch
        });
    }
    let y = (0..x.len()).map(|at| {
        let j = at % features;
        normalised(x[at], &statistics, j).mul_add(gain[j], bias[j])
    });
    let y = y.collect();
    (statistics, y)
}

/// `dx = gain · inverse deviation · (dy - mean of dy - x̂ · mean of dy·x̂)`, the means over the batch; `Σ dy · x̂` and `Σ dy`.
pub fn batch_norm_gradient(x: &[f32], statistics: &Statistics, gain: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    let features = gain.len();
    let batch = (x.len() / features) as f64;
    let (of_gain, of_bias) = sums_of_columns(features, dy, |at| normalised(x[at], statistics, at % features));
    let dx = (0..x.len()).map(|at| {
        let j = at % features;
        let x = normalised(x[at], statistics, j);
        let (of_product, of_dy) = ((of_gain[j] / batch) as f32, (of_bias[j] / batch) as f32);
        gain[j] * statistics.inverse_deviation[j] * (-x).mul_add(of_product, dy[at] - of_dy)
    });
    [dx.collect(), single(&of_gain), single(&of_bias)]
}

/// The statistics of each sample over its features, and `(x - mean) · inverse deviation · gain + bias`.
pub fn layer_norm(x: &[f32], gain: &[f32], bias: &[f32], eps: f32) -> (Statistics, Vec<f32>) {
    let features = gain.len();
    let mut statistics = Statistics::default();
    for row in x.chunks(features) {
        let row = || row.iter().map(|x| f64::from(*x));
        push_moments(&mut statistics, interleaved(row()) / features as f64, eps, |mean| {
            interleaved(row().map(|x| (x - mean) * (x - mean))) / features as f64
        });
    }
    let y = (0..x.len()).map(|at| {
        let j = at % features;
        normalised(x[at], &statistics, at / features).mul_add(gain[j], bias[j])
    });
    let y = y.collect();
    (statistics, y)
}

/// `dx = inverse deviation · (g - mean of g - x̂ · mean of g·x̂)`, where `g = dy · gain` and the means are over the sample's features;
/// `Σ dy · x̂` and `Σ dy` over the batch.
pub fn layer_norm_gradient(x: &[f32], statistics: &Statistics, gain: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    let features = gain.len();
    let mut dx = Vec::new();
    for (b, (x, dy)) in x.chunks(features).zip(dy.chunks(features)).enumerate() {
        let (mean, inverse) = (statistics.mean[b], statistics.inverse_deviation[b]);
        let g: Vec<f32> = dy.iter().zip(gain).map(|(dy, gain)| dy * gain).collect();
        let of_g = (interleaved(g.iter().map(|g| f64::from(*g))) / features as f64) as f32;
        let of_product = mean_of_product(x, &g, mean, inverse);
        dx.extend(x.iter().zip(&g).map(|(x, g)| inverse * (-((x - mean) * inverse)).mul_add(of_product, g - of_g)));
    }
    let (of_gain, of_bias) = sums_of_columns(features, dy, |at| normalised(x[at], statistics, at / features));
    [dx, single(&of_gain), single(&of_bias)]
}

/// The inverse root mean square of each sample, and `x · inverse · gain`.
pub fn rms_norm(x: &[f32], gain: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>) {
    let features = gain.len();
    let inverse = x.chunks(features).map(|row| {
        let mean = interleaved(row.iter().map(|x| f64::from(*x) * f64::from(*x))) / features as f64;
        (1.0 / (mean + f64::from(eps)).sqrt()) as f32
    });
    let inverse: Vec<f32> = inverse.collect();
    let y = (0..x.len()).map(|at| x[at] * inverse[at / features] * gain[at % features]).collect();
    (inverse, y)
}

/// `dx = inverse · (g - x̂ · mean of g·x̂)`, where `g = dy · gain` and the mean is over the sample's features; `Σ dy · x̂` over the batch.
pub fn rms_norm_gradient(x: &[f32], inverse_rms: &[f32], gain: &[f32], dy: &[f32]) -> [Vec<f32>; 2] {
    let features = gain.len();
    let mut dx = Vec::new();
    for ((x, dy), inverse) in x.chunks(features).zip(dy.chunks(features)).zip(inverse_rms) {
        let g: Vec<f32> = dy.iter().zip(gain).map(|(dy, gain)| dy * gain).collect();
        let of_product = mean_of_product(x, &g, 0.0, *inverse);
        dx.extend(x.iter().zip(&g).map(|(x, g)| inverse * (-(x * inverse)).mul_add(of_product, *g)));
    }
    let (of_gain, _) = sums_of_columns(features, dy, |at| x[at] * inverse_rms[at / features]);
    [dx, single(&of_gain)]
}

fn push_moments(statistics: &mut Statistics, mean: f64, eps: f32, variance: impl Fn(f64) -> f64) {
    let variance = variance(mean);
    statistics.mean.push(mean as f32);
    statistics.variance.push(variance as f32);
    statistics.inverse_deviation.push((1.0 / (variance + f64::from(eps)).sqrt()) as f32);
}

fn normalised(x: f32, statistics: &Statistics, at: usize) -> f32 {
    (x - statistics.mean[at]) * statistics.inverse_deviation[at]
}

fn mean_of_product(x: &[f32], g: &[f32], mean: f32, inverse: f32) -> f32 {
    let terms = g.iter().zip(x).map(|(g, x)| f64::from(*g) * (f64::from(*x) - f64::from(mean)));
    (interleaved(terms) * f64::from(inverse) / x.len() as f64) as f32
}

/// `Σ_b dy[b, j] · x̂[b, j]` and `Σ_b dy[b, j]`, in the order of the rows.
fn sums_of_columns(features: usize, dy: &[f32], normalised: impl Fn(usize) -> f32) -> (Vec<f64>, Vec<f64>) {
    let (mut of_gain, mut of_bias) = (vec![0.0; features], vec![0.0; features]);
    for (at, dy) in dy.iter().enumerate() {
        of_gain[at % features] += f64::from(*dy) * f64::from(normalised(at));
        of_bias[at % features] += f64::from(*dy);
    }
    (of_gain, of_bias)
}

/// The sum in order.
fn in_order(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, |sum, term| sum + term)
}

/// The sum along a row: sixteen interleaved sums, each in order, which are added in order.
fn interleaved(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 16];
    for (at, term) in terms.enumerate() {
        sums[at % 16] += term;
    }
    in_order(sums.into_iter())
}

fn single(sums: &[f64]) -> Vec<f32> {
    sums.iter().map(|sum| *sum as f32).collect()
}
