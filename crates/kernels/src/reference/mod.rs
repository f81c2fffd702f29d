//! The plain loops that define every result.
//!
//! The fast kernels are compared with these, for most of them bit for bit; whoever wants to know what a kernel computes
//! reads the loop here first. Nothing here is fast, threaded or checked.
//!
//! ```
//! use strata_kernels::{GemmShape, reference};
//!
//! let shape = GemmShape { batch: 1, inputs: 2, outputs: 1 };
//! // 1·3 + 2·4 + 0.5
//! assert_eq!(reference::affine(shape, reference::CHAIN, &[1.0, 2.0], &[3.0, 4.0], &[0.5]), [11.5]);
//! ```

pub mod bf16;
mod norm;

pub use norm::{batch_norm, batch_norm_gradient, layer_norm, layer_norm_gradient, rms_norm, rms_norm_gradient};

use crate::{ElementwiseRule, GemmShape};

/// Neighbouring terms of a product that are summed in one chain.
pub const CHAIN: usize = crate::geometry::KC;

/// The same where a matrix has so many zeros that they are skipped.
pub const SPARSE_CHAIN: usize = crate::geometry::SPARSE_KC;

/// `Σ a · b` as every product sums it: chains of `chain` neighbouring terms, each of fused multiply-adds in order from zero, and the chains
/// added in order.
pub fn sum_of_products(chain: usize, terms: impl Iterator<Item = (f32, f32)>) -> f32 {
    let (mut total, mut sum) = (0.0, 0.0);
    for (at, (a, b)) in terms.enumerate() {
        if at > 0 && at % chain == 0 {
            total += sum;
            sum = 0.0;
        }
        sum = a.mul_add(b, sum);
    }
    total + sum
}

/// `y[b, o] = Σ_i x[b, i] · weight[o, i] + bias[o]`.
pub fn affine(shape: GemmShape, chain: usize, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    matrix(batch, outputs, |b, o| {
        sum_of_products(chain, (0..inputs).map(|i| (x[b * inputs + i], weight[o * inputs + i]))) + bias[o]
    })
}

/// `dx[b, i] = Σ_o dy[b, o] · weight[o, i]`.
pub fn input_gradient(shape: GemmShape, chain: usize, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    matrix(batch, inputs, |b, i| {
        sum_of_products(chain, (0..outputs).map(|o| (dy[b * outputs + o], weight[o * inputs + i])))
    })
}

/// `gradient[o, i] = Σ_b dy[b, o] · x[b, i]`.
pub fn weight_gradient(shape: GemmShape, chain: usize, dy: &[f32], x: &[f32]) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    matrix(outputs, inputs, |o, i| sum_of_products(chain, (0..batch).map(|b| (dy[b * outputs + o], x[b * inputs + i]))))
}

fn matrix(rows: usize, columns: usize, element: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    (0..rows * columns).map(|at| element(at / columns, at % columns)).collect()
}

/// One step of `rule` on every element.
pub fn update<R: ElementwiseRule<State = [f32; N]>, const N: usize>(
    rule: &R,
    values: &mut [f32],
    gradient: &[f32],
    states: &mut [Vec<f32>],
) {
    for i in 0..values.len() {
        let state = std::array::from_fn(|n| states[n][i]);
        let (value, state) = rule.step(values[i], gradient[i], state);
        values[i] = value;
        for n in 0..N {
            states[n][i] = state[n];
        }
    }
}

/// `|gradient|²`.
pub fn squared_norm(gradient: &[f32]) -> f64 {
    gradient.iter().map(|value| f64::from(*value).powi(2)).sum()
}
