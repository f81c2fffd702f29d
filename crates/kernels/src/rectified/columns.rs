//! A gradient by columns.

use crate::GemmShape;
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::product::{Left, outer_product};
use crate::update::{Add, Piece};

/// The gradient of a product's outputs by columns, `[outputs, batch]`: as the product that is the weight's gradient reads it.
pub struct Columns {
    lanes: Lanes,
    pub(super) outputs: usize,
    pub(super) batch: usize,
    /// How many values are not zero.
    pub(super) nonzeros: usize,
}

impl Columns {
    pub(super) fn scratch(outputs: usize, batch: usize) -> Self {
        Self { lanes: Lanes::scratch((outputs * batch).div_ceil(LANES)), outputs, batch, nonzeros: 0 }
    }

    /// `[outputs, batch]`.
    pub fn values(&self) -> &[f32] {
        &self.lanes.as_flattened()[..self.outputs * self.batch]
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.lanes.as_flattened_mut()[..self.outputs * self.batch]
    }

    /// On the left of the weight's gradient.
    pub(crate) fn left(&self) -> Left<'_> {
        Left::Columns(self.values(), self.nonzeros)
    }

    /// By rows, `[batch, outputs]`.
    pub fn to_rows(&self) -> Vec<f32> {
        let rows = pack::transposed(self.values(), self.outputs, self.batch);
        crate::copied(&rows.as_flattened()[..self.outputs * self.batch])
    }

    /// `gradient[o, i] += Σ_b self[o, b] · x[b, i]`: [`weight_gradient`](crate::weight_gradient).
    ///
    /// # Panics
    /// Where a slice's length is not what `shape` says.
    pub fn weight_gradient(&self, shape: GemmShape, x: &[f32], gradient: &mut [f32]) {
        outer_product(shape, self.left(), x, Piece { values: gradient, states: Vec::new() }, &Add);
    }
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (outputs, batch) = (self.outputs, self.batch);
        f.debug_struct("Columns").field("outputs", &outputs).field("batch", &batch).finish_non_exhaustive()
    }
}
