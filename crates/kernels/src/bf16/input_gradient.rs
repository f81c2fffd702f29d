//! The product that carries a gradient back to a layer's input.

use super::block::Block;
use super::pack::{Columns, smallest_of, wide_mut};
use super::rows::Rows;
use super::{Bf16, COLUMNS, PAIRS};
use crate::GemmShape;
use crate::dispatch::dispatch;
use crate::geometry::KC;
use crate::lanes::{LANES, Lanes};
use crate::parallel::each_chunk;
use crate::prefetch::Prefetch;
use crate::product::gather_rows;

/// `dx[b, i] = Σ_o dy[b, o] · weight[o, i]`, written into `dx` (`[batch, inputs]`); the weight is rounded as it is read.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn input_gradient(shape: GemmShape, dy: &[Bf16], weight: &[f32], dx: &mut [f32]) {
    /// Panels of a task.
    const GROUP: usize = 4;
    shape.check(Some(dx.len()), Some(weight.len()), Some(dy.len()));
    let GemmShape { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(COLUMNS);
    let group = GROUP.min(panels);
    let mut sums = Lanes::<f32>::scratch(panels * batch * (COLUMNS / LANES));
    let (sums, _) = sums.as_flattened_mut().as_chunks_mut::<COLUMNS>();
    each_chunk(sums, group * batch, &|task, sums| {
        let count = sums.len() / batch;
        sums.fill([0.0; COLUMNS]);
        let mut lanes = Lanes::<u32>::scratch(count * PAIRS.min(outputs.div_ceil(2)) * (COLUMNS / LANES));
        for k in (0..outputs).step_by(KC) {
            let depth = PAIRS.min((outputs - k).div_ceil(2));
            let lanes = &mut lanes[..count * depth * (COLUMNS / LANES)];
            let (first_row, first_column) = (k, task * group * COLUMNS);
            let panels = wide_mut(lanes);
            dispatch(Columns { matrix: weight, row_length: inputs, first_row, first_column, panels, depth });
            let smallest = smallest_of(lanes);
            dispatch(Block {
                rows: Rows::Bf16(dy),
                row_length: outputs,
                first_row: 0,
                first_k: k,
                depth,
                panels: wide_mut(lanes),
                smallest,
                sums,
                prefetch: Prefetch::NONE,
            });
        }
    });
    gather_rows(dx, sums, inputs, group);
}
