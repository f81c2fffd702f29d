//! Sums down the columns of `[batch, features]`, a group of neighbouring columns at a time.

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};

/// Columns of a task: four cache lines of each row.
pub(super) const GROUP: usize = 64;

/// The factors by which rows or columns were normalised.
#[derive(Clone, Copy)]
pub(super) enum Scales<'a> {
    /// Mean and inverse deviation of each column.
    Columns(&'a [f32], &'a [f32]),
    /// Mean (or none, for zero) and inverse deviation of each row.
    Rows(&'a [f32], &'a [f32]),
}

/// `gain[j] = Σ_b dy[b, j] · x̂[b, j]` and `bias[j] = Σ_b dy[b, j]`, each in the order of the rows, where x̂ is
/// `(x - mean) · inverse deviation`.
pub(super) fn gain_and_bias_sums(x: &[f32], dy: &[f32], features: usize, scales: Scales<'_>) -> (Vec<f64>, Vec<f64>) {
    let (mut gain, mut bias) = (vec![0.0; features], vec![0.0; features]);
    let groups = gain.par_chunks_mut(GROUP).zip(bias.par_chunks_mut(GROUP)).enumerate();
    groups.for_each(|(group, (gain, bias))| {
        dispatch(Sums { x, dy, features, first: group * GROUP, scales, gain, bias });
    });
    (gain, bias)
}

struct Sums<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    features: usize,
    first: usize,
    scales: Scales<'a>,
    gain: &'a mut [f64],
    bias: &'a mut [f64],
}

impl Kernel for Sums<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, dy, features, first, scales, gain, bias } = self;
        let width = gain.len();
        let bias = &mut bias[..width];
        for (b, (x, dy)) in x.chunks_exact(features).zip(dy.chunks_exact(features)).enumerate() {
            let (x, dy) = (&x[first..][..width], &dy[first..][..width]);
            match scales {
                Scales::Columns(mean, inverse) => {
                    let (mean, inverse) = (&mean[first..][..width], &inverse[first..][..width]);
                    for j in 0..width {
                        gain[j] += f64::from(dy[j]) * f64::from((x[j] - mean[j]) * inverse[j]);
                        bias[j] += f64::from(dy[j]);
                    }
                }
                Scales::Rows(mean, inverse) => {
                    let (mean, inverse) = (mean.get(b).copied().unwrap_or(0.0), inverse[b]);
                    for j in 0..width {
                        gain[j] += f64::from(dy[j]) * f64::from((x[j] - mean) * inverse);
                        bias[j] += f64::from(dy[j]);
                    }
                }
            }
        }
    }
}

/// Adds sums to a gradient.
pub(super) fn add(gradient: &mut [f32], sums: &[f64]) {
    gradient.iter_mut().zip(sums).for_each(|(gradient, sum)| *gradient += *sum as f32);
}
