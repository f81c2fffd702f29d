//! A product, batch normalisation and a rectifier as one operation: the bits of [`affine`](crate::affine) (and [`views_of`](crate::views_of)),
//! [`batch_norm`](crate::batch_norm) and [`activate`](crate::activate) one after the other.
//!
//! Apart they go over the values nine times forward and as often backward, each time from memory, and the statistics down the columns of rows that lie far apart. Here a task
//! works out 64 features of all samples and their statistics while they are in its cache ([`Strips`]), and what the rectifier does is done on the way.

mod backward;
mod columns;
mod forward;
mod strips;

pub use backward::{BiasOf, RectifiedGradient};
pub use columns::Columns;

use self::strips::Strips;
use crate::{GemmShape, Statistics};

/// `x · weightᵀ + bias`, `x` `[batch, inputs]`, `weight` `[outputs, inputs]`, `bias` `[outputs]`.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// The sizes.
    pub shape: GemmShape,
    /// Samples.
    pub x: &'a [f32],
    /// The weight.
    pub weight: &'a [f32],
    /// The bias.
    pub bias: &'a [f32],
}

/// What is normalised.
#[derive(Clone, Copy, Debug)]
pub enum Normalised<'a> {
    /// A product, `[batch, outputs]`.
    One(Affine<'a>),
    /// Two views by their sum and their difference, `[2 batch, outputs]`: the factor times the sum and the difference of the products.
    Views([Affine<'a>; 2], f32),
}

/// The parameters of batch normalisation, as [`batch_norm`](crate::batch_norm) takes them.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// The gain, one for each feature.
    pub gain: &'a [f32],
    /// The bias, one for each feature.
    pub bias: &'a [f32],
    /// What is added to the variance.
    pub eps: f32,
}

/// A forward pass that its backward pass goes on from: what was normalised, and by what.
pub struct Rectified {
    strips: Strips,
    statistics: Statistics,
}

impl Rectified {
    /// The statistics of the batch.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }
}

impl std::fmt::Debug for Rectified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rows, features) = (self.strips.rows(), self.strips.features());
        f.debug_struct("Rectified").field("rows", &rows).field("features", &features).finish_non_exhaustive()
    }
}
