//! The loops that define the products of bfloat16 ([`bf16`](crate::bf16)).

use super::{CHAIN, matrix};
use crate::GemmShape;
use crate::bf16::Bf16;

/// `Σ a · b` in chains of [`CHAIN`] neighbouring terms, the chains added in order. Of each two terms the second one is added first, a missing one as zeros;
/// a sum of a chain that is subnormal becomes zero.
pub fn sum_of_products(terms: impl Iterator<Item = (Bf16, Bf16)>) -> f32 {
    let terms: Vec<(Bf16, Bf16)> = terms.collect();
    let mut total = 0.0;
    for chain in terms.chunks(CHAIN) {
        let mut sum = 0.0f32;
        for pair in chain.chunks(2) {
            for (a, b) in [pair.get(1).copied().unwrap_or_default(), pair[0]] {
                sum = a.to_f32().mul_add(b.to_f32(), sum);
                if sum.is_subnormal() {
                    sum = 0.0f32.copysign(sum);
                }
            }
        }
        total += sum;
    }
    total
}

/// `y[b, o] = Σ_i x[b, i] · round(weight[o, i]) + bias[o]`.
pub fn affine(shape: GemmShape, x: &[Bf16], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    matrix(batch, outputs, |b, o| {
        let terms = (0..inputs).map(|i| (x[b * inputs + i], Bf16::round(weight[o * inputs + i])));
        sum_of_products(terms) + bias[o]
    })
}

/// `dx[b, i] = Σ_o dy[b, o] · round(weight[o, i])`.
pub fn input_gradient(shape: GemmShape, dy: &[Bf16], weight: &[f32]) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    matrix(batch, inputs, |b, i| {
        sum_of_products((0..outputs).map(|o| (dy[b * outputs + o], Bf16::round(weight[o * inputs + i]))))
    })
}

/// `gradient[o, i] = Σ_b dy[b, o] · x[b, i]`.
pub fn weight_gradient(shape: GemmShape, dy: &[Bf16], x: &[Bf16]) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    matrix(outputs, inputs, |o, i| sum_of_products((0..batch).map(|b| (dy[b * outputs + o], x[b * inputs + i]))))
}
