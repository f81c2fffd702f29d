//! What a dense layer keeps of a training pass, in the precision of its products.

use strata_kernels as kernels;
use strata_kernels::GemmShape;
use strata_kernels::bf16::{self, Bf16};
use strata_spec::{Activation, Precision};

use super::fused::Rows;
use crate::gradients::Factors;
use crate::storage::values;

/// A layer's input: shared with whoever made it, or a rounded copy of half its size.
pub(super) enum Input {
    F32(Rows),
    Bf16(Vec<Bf16>),
}

impl Input {
    pub(super) fn new(x: Rows, precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32(x),
            Precision::Bf16 => Self::Bf16(bf16::rounded(values(&x))),
        }
    }

    pub(super) fn affine(&self, shape: GemmShape, weight: &[f32], bias: &[f32], y: &mut [f32]) {
        match self {
            Self::F32(x) => kernels::affine(shape, values(x), weight, bias, y),
            Self::Bf16(x) => bf16::affine(shape, x, weight, bias, y),
        }
    }

    /// The factors of the weight's gradient.
    pub(super) fn with(self, dy: Vec<f32>) -> Factors {
        match self {
            Self::F32(x) => Factors::F32 { dy, x: Box::new(x) },
            Self::Bf16(x) => Factors::Bf16 { dy: bf16::rounded(&dy), x },
        }
    }
}

/// What the derivative of the activation is worked out from.
pub(super) enum Saved {
    /// The layer's own output.
    Output(Rows),
    /// The activation's input, or its output before dropout.
    Values(Vec<f32>),
    /// Either, rounded.
    Rounded(Vec<Bf16>),
    /// Whether the output is positive, eight outputs a byte: all that a rectifier's derivative asks for.
    Positive(Vec<u8>),
    /// Of an activation that has none to work out, or of a pass that nothing goes back from.
    Nothing,
}

impl Saved {
    /// Of `values`, whose copy may be taken.
    pub(super) fn rounded(activation: Activation, values: &[f32]) -> Self {
        match activation {
            Activation::Identity => Self::Nothing,
            Activation::Relu | Activation::LeakyRelu => {
                let byte = |eight: &[f32]| eight.iter().rev().fold(0, |byte, value| byte << 1 | u8::from(*value > 0.0));
                Self::Positive(values.chunks(8).map(byte).collect())
            }
            _ => Self::Rounded(bf16::rounded(values)),
        }
    }

    /// Multiplies `gradient` by the derivative.
    pub(super) fn apply(self, activation: Activation, gradient: &mut [f32]) {
        match self {
            Self::Output(y) => kernels::activation_gradient(activation, values(&y), gradient),
            Self::Values(saved) => kernels::activation_gradient(activation, &saved, gradient),
            Self::Rounded(saved) => kernels::activation_gradient(activation, &bf16::widened(&saved), gradient),
            Self::Positive(bytes) => {
                let mut signs = kernels::zeros(gradient.len());
                for (eight, byte) in signs.chunks_mut(8).zip(bytes) {
                    for (at, sign) in eight.iter_mut().enumerate() {
                        *sign = f32::from(byte >> at & 1);
                    }
                }
                kernels::activation_gradient(activation, &signs, gradient);
            }
            Self::Nothing => {}
        }
    }
}
