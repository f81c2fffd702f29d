//! Muon, a rule for whole matrices.

use rayon::prelude::*;

use super::{Gradient, Parameter, UpdateRule};
use crate::norm_of_product::squared_norm;
use crate::{GemmShape, affine, input_gradient};

/// Muon (Jordan et al. 2024): the momentum's matrix, made orthogonal, is the direction.
///
/// `v = momentum · v + (1 - momentum) · g`, the direction `u = v`, or with Nesterov's look-ahead `u = momentum · v + (1 - momentum) · g`; then
/// `p = decay_factor · p - learning_rate · 0.2 · √max(rows, columns) · newton_schulz(u)`, as `torch.optim.Muon` with `match_rms_adamw`
/// (Liu et al. 2025): the step's root mean square is about that of AdamW at the same rate. The state is `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonRule {
    /// Step size, before it is fitted to the matrix' shape.
    pub learning_rate: f32,
    /// Share of the velocity that is kept.
    pub momentum: f32,
    /// Look ahead by one step.
    pub nesterov: bool,
    /// Iterations of [`newton_schulz`].
    pub iterations: usize,
    /// What the parameter is multiplied with before the step: `1 - learning_rate · weight_decay`.
    pub decay_factor: f32,
}

impl UpdateRule for MuonRule {
    fn states(&self) -> usize {
        1
    }

    fn update(&self, parameter: Parameter<'_>, gradient: Gradient<'_>) {
        parameter.check(self, &gradient);
        let gradient = gradient.into_whole();
        let Parameter { values, shape, states } = parameter;
        // What has further sizes counts as `[first, the rest]`.
        let rows = shape.first().copied().unwrap_or(1).max(1);
        let columns = values.len() / rows;
        if values.is_empty() {
            return;
        }
        let momentum = self.momentum;
        let mut direction = vec![0.0; values.len()];
        let elements = states[0].par_iter_mut().zip(gradient.par_iter()).zip(&mut direction);
        elements.with_min_len(1 << 14).for_each(|((velocity, g), direction)| {
            *velocity = (1.0 - momentum).mul_add(g - *velocity, *velocity);
            *direction = if self.nesterov { momentum.mul_add(*velocity - g, *g) } else { *velocity };
        });
        let direction = newton_schulz(direction, rows, columns, self.iterations);
        let step = self.learning_rate * 0.2 * (rows.max(columns) as f32).sqrt();
        let elements = values.par_iter_mut().zip(&direction).with_min_len(1 << 14);
        elements.for_each(|(p, u)| *p = (-step).mul_add(*u, *p * self.decay_factor));
    }
}

impl From<MuonRule> for Box<dyn UpdateRule> {
    fn from(rule: MuonRule) -> Self {
        Box::new(rule)
    }
}

/// `matrix` (`[rows, columns]`, row-major) with each of its singular values brought near 1, between about 0.7 and 1.2 after 5 `iterations`:
/// `X ← a X + (b XXᵀ + c (XXᵀ)²) X` from `X = matrix / |matrix|` on, with `(a, b, c) = (3.4445, -4.7750, 2.0315)` (Jordan et al. 2024). The shorter of the two
/// sizes is that of `XXᵀ`. A matrix of zeros stays one.
///
/// # Panics
/// Where `matrix` is not `[rows, columns]`, or has no values.
pub fn newton_schulz(matrix: Vec<f32>, rows: usize, columns: usize, iterations: usize) -> Vec<f32> {
    const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
    /// The smallest norm that is divided by.
    const SMALLEST: f64 = 1e-7;
    assert_eq!(Some(matrix.len()), rows.checked_mul(columns), "the matrix is [{rows}, {columns}]");
    let is_tall = rows > columns;
    let (short, long) = (rows.min(columns), rows.max(columns));
    let mut x = if is_tall { transposed(&matrix, rows, columns) } else { matrix };
    let scale = (1.0 / squared_norm(&x).sqrt().max(SMALLEST)) as f32;
    x.iter_mut().for_each(|value| *value *= scale);
    let [a, b, c] = COEFFICIENTS;
    let (square, wide) = (
        GemmShape { batch: short, inputs: short, outputs: short },
        GemmShape { batch: short, inputs: long, outputs: short },
    );
    let no_bias = vec![0.0; short];
    let (mut gram, mut polynomial, mut product) =
        (vec![0.0; short * short], vec![0.0; short * short], vec![0.0; x.len()]);
    for _ in 0..iterations {
        affine(wide, &x, &x, &no_bias, &mut gram);
        // The gram matrix is its own transpose.
        affine(square, &gram, &gram, &no_bias, &mut polynomial);
        polynomial.iter_mut().zip(&gram).for_each(|(squared, gram)| *squared = c.mul_add(*squared, b * gram));
        input_gradient(wide, &polynomial, &x, &mut product);
        x.iter_mut().zip(&product).for_each(|(x, product)| *x = a.mul_add(*x, *product));
    }
    if is_tall { transposed(&x, columns, rows) } else { x }
}

/// `matrix` is `[rows, columns]`.
fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = vec![0.0; matrix.len()];
    for (r, row) in matrix.chunks_exact(columns).enumerate() {
        for (c, value) in row.iter().enumerate() {
            result[c * rows + r] = *value;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows at right angles, of lengths 3, 2 and 1: the singular vectors are the axes, so that each singular value goes its own way.
    #[test]
    fn each_singular_value_goes_by_the_polynomial() {
        let (rows, columns) = (3, 5);
        let lengths = [3.0f64, 2.0, 1.0];
        let mut matrix = vec![0.0; rows * columns];
        lengths.iter().enumerate().for_each(|(row, length)| matrix[row * columns + row] = *length as f32);
        let norm = lengths.iter().map(|length| length * length).sum::<f64>().sqrt();
        let expected = lengths
            .map(|length| (0..5).fold(length / norm, |s, _| s * (3.4445 - 4.7750 * s.powi(2) + 2.0315 * s.powi(4))));
        let wide = newton_schulz(matrix.clone(), rows, columns, 5);
        let tall = newton_schulz(transposed(&matrix, rows, columns), columns, rows, 5);
        assert_eq!(transposed(&tall, columns, rows), wide);
        for (at, value) in wide.iter().enumerate() {
            let expected = if at % columns == at / columns { expected[at / columns] } else { 0.0 };
            assert!((f64::from(*value) - expected).abs() < 1e-5, "{at}: {value}, not {expected}");
        }
        assert!(expected.iter().all(|value| (0.6..1.3).contains(value)), "{expected:?}");
    }

    #[test]
    fn zeros_stay_zeros() {
        assert_eq!(newton_schulz(vec![0.0; 6], 2, 3, 5), [0.0; 6]);
    }
}
