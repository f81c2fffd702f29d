//! The arithmetic of fully connected layers on a CPU, over plain slices.
//!
//! Everything a training step spends its time in is here and nowhere else: the three matrix products of a dense layer
//! ([`affine`], [`input_gradient`], [`weight_gradient`]), the product that updates the weights while it computes
//! their gradient ([`update_by_product`]), [`Activation`](strata_spec::Activation)s, normalisation ([`batch_norm`], [`layer_norm`],
//! [`rms_norm`]), [`Loss`]es and the optimizers' update rules ([`UpdateRule`]).
//!
//! # What is promised
//!
//! Each element of a product is a sum of **chains of fused multiply-adds in the order of the summed index**: chains of 256
//! neighbouring terms, or of 64 where a matrix has so many zeros (after ReLU or dropout) that they are skipped, each starting at
//! zero, added in order. Which of the two depends on the values and sizes alone. A skipped zero counts as nothing, whatever it
//! would have been multiplied with: 0 · ∞ is 0 there, not NaN.
//!
//! [`bf16`] has the same products of operands that are rounded to bfloat16.
//!
//! Blocking, vector width and the number of threads change who computes an element and when, never how, so the same
//! inputs give the same bits on one thread and on sixty-four, with AVX-512, with AVX2 and without. The tests compare the products with
//! the three-line loop they stand for, bit for bit.
//!
//! A buffer that there is no memory for does not abort the process: [`catch_out_of_memory`].
//!
//! Without a fused multiply-add instruction (x86-64 before 2013) the result is the same and slow.
//!
//! # Layout
//!
//! Matrices are row-major: activations `[batch, features]`, weights `[outputs, inputs]` as PyTorch has them.
//!
//! ```
//! use strata_kernels::{GemmShape, affine};
//!
//! let shape = GemmShape { batch: 1, inputs: 2, outputs: 1 };
//! let mut logits = [0.0];
//! // 1·3 + 2·4 + 0.5
//! affine(shape, &[1.0, 2.0], &[3.0, 4.0], &[0.5], &mut logits);
//! assert_eq!(logits, [11.5]);
//! ```

mod activation;
pub mod bf16;
mod block;
mod dispatch;
mod dropout;
mod elementary;
mod frequency;
mod geometry;
mod lanes;
mod loss;
mod memory;
mod mirror;
mod norm;
mod norm_of_product;
mod pack;
mod parallel;
pub mod portable;
mod prefetch;
mod product;
mod rectified;
pub mod reference;
mod sparse;
mod sparse_block;
mod update;
mod vectors;

pub use activation::{activate, activation_gradient, derivative_needs_input};
pub use dropout::{WordsByPlace, drop_values};
pub use frequency::{FrequencyError, FrequencyTable, LowFrequencies};
pub use loss::{
    CrossEntropy, Loss, LossSum, MeanSquaredError, Mix, TargetError, Targets, WeightedCrossEntropy, cross_entropy,
    cross_entropy_gradient, largest,
};
pub use memory::{OutOfMemory, catch_out_of_memory, copied, recycle, scratch, with_room, zeros};
pub use mirror::{Mirror, mean_of_views, mean_of_views_gradient, sums_and_differences, views_of};
pub use norm::{
    Statistics, batch_norm, batch_norm_evaluation, batch_norm_gradient, layer_norm, layer_norm_gradient, rms_norm,
    rms_norm_gradient,
};
pub use norm_of_product::squared_norm_of_product;
pub use product::{GemmShape, affine, bias_gradient, input_gradient, weight_gradient};
pub use rectified::{Affine, BiasOf, Columns, Norm, Normalised, Rectified, RectifiedGradient};
pub use update::{
    AdagradRule, AdamRule, BetaLassoRule, ElementwiseRule, Gradient, LionRule, MomentumRule, MuonRule, NAdamRule,
    Parameter, RmsPropMomentumRule, RmsPropRule, RuleState, SgdRule, UpdateRule, average_towards, newton_schulz,
    update, update_by_product,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
