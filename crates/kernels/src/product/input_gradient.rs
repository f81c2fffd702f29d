//! The product that carries a gradient back to a layer's input.

use super::by_nonzeros::{Rhs, sparse_times_dense};
use super::direct::{self, rows_times_panels};
use super::{GemmShape, gather_rows};
use crate::block::{Block, Then};
use crate::geometry::KC;
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::parallel::each_chunk;
use crate::prefetch::Prefetch;
use crate::sparse::Sparse;
use crate::vectors::vectors;

/// `dx[b, i] = Σ_o dy[b, o] · weight[o, i]`, written into `dx` (`[batch, inputs]`).
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn input_gradient(shape: GemmShape, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    shape.check(Some(dx.len()), Some(weight.len()), Some(dy.len()));
    let sparse = Sparse::of(dy, shape.batch, shape.outputs, shape.inputs);
    by_either(shape, dy, sparse, weight, dx);
}

/// The same of a `dy` that has so many values that are not zero.
pub(crate) fn input_gradient_of_counted(
    shape: GemmShape,
    (dy, nonzeros): (&[f32], usize),
    weight: &[f32],
    dx: &mut [f32],
) {
    shape.check(Some(dx.len()), Some(weight.len()), Some(dy.len()));
    let sparse = Sparse::of_counted(dy, nonzeros, shape.batch, shape.outputs, shape.inputs);
    by_either(shape, dy, sparse, weight, dx);
}

fn by_either(shape: GemmShape, dy: &[f32], sparse: Option<Sparse>, weight: &[f32], dx: &mut [f32]) {
    let GemmShape { batch, inputs, outputs } = shape;
    if let Some(sparse) = sparse {
        return sparse_times_dense(
            &sparse,
            Rhs { matrix: weight, row_length: inputs, transposed: false },
            &[],
            inputs,
            dx,
        );
    }
    if outputs < 2 * batch && direct::fits(outputs, inputs) {
        let panels = pack::column_blocks(weight, outputs, inputs);
        return rows_times_panels(&shape.tasks(batch, vectors().tile_rows()), dy, outputs, &panels, &[], dx);
    }
    by_tiles(shape, dy, weight, dx);
}

fn by_tiles(shape: GemmShape, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    let GemmShape { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(LANES);
    let group = 8.min(panels);
    let vectors = vectors();
    let mut sums = Lanes::scratch(panels * batch);
    each_chunk(&mut sums, group * batch, &|task, sums| {
        let count = sums.len() / batch;
        sums.fill([0.0; LANES]);
        let mut weight_panels = Lanes::scratch(count * KC.min(outputs));
        for k in (0..outputs).step_by(KC) {
            let depth = KC.min(outputs - k);
            let weight_panels = &mut weight_panels[..count * depth];
            pack::columns(weight, inputs, k, task * group * LANES, weight_panels, depth);
            let block = Block {
                rows: dy,
                row_length: outputs,
                first_row: 0,
                first_k: k,
                depth,
                panels: weight_panels,
                sums,
                sums_length: count,
                then: Then::ADD,
                prefetch: Prefetch::NONE,
            };
            block.compute(vectors);
        }
    });
    gather_rows(dx, &sums, inputs, group);
}
