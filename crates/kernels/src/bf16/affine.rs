//! The forward product.

use super::block::Block;
use super::rows::Rows;
use super::{Bf16, COLUMNS, PAIRS, TILE_ROWS, pack};
use crate::GemmShape;
use crate::dispatch::dispatch;
use crate::geometry::{KC, panels_per_block};
use crate::lanes::{LANES, Lanes};
use crate::parallel::each_task;
use crate::prefetch::Prefetch;
use crate::product::{split, write_outputs};

/// `y[b, o] = Σ_i x[b, i] · weight[o, i] + bias[o]`: `x` is `[batch, inputs]`, `weight` `[outputs, inputs]` and rounded as it is read, `y`
/// `[batch, outputs]`.
///
/// ```
/// use strata_kernels::{GemmShape, bf16};
///
/// let shape = GemmShape { batch: 1, inputs: 2, outputs: 1 };
/// let mut logits = [0.0];
/// // The weight of 1.001 is 1 to eight bits, and the bias is no operand of the product.
/// bf16::affine(shape, &bf16::rounded(&[3.0, 2.0]), &[1.001, 4.0], &[0.001], &mut logits);
/// assert_eq!(logits, [11.001]);
/// ```
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn affine(shape: GemmShape, x: &[Bf16], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    shape.check(Some(x.len()), Some(weight.len()), Some(y.len()));
    assert_eq!(bias.len(), shape.outputs, "the bias is [{}]", shape.outputs);
    let GemmShape { batch, inputs, outputs } = shape;
    let panels = batch.div_ceil(COLUMNS);
    let x_panels = pack::transposed_blocks(x, batch, inputs);
    // The sums are [outputs, batch], a group of panels after the other in each task's rows: a weight row is read and rounded once for each group, as a
    // rule for all samples.
    let mut sums = Lanes::<f32>::scratch(outputs * panels * (COLUMNS / LANES));
    let (sums, _) = sums.as_flattened_mut().as_chunks_mut::<COLUMNS>();
    let tasks = shape.tasks(outputs, TILE_ROWS);
    let group = panels_per_block(inputs);
    each_task(&tasks, split(sums, &tasks, panels), &|rows, sums| {
        sums.fill([0.0; COLUMNS]);
        for (first, sums) in (0..panels).step_by(group).zip(sums.chunks_mut(rows.len() * group)) {
            let count = group.min(panels - first);
            for k in (0..inputs).step_by(KC) {
                let depth = PAIRS.min((inputs - k).div_ceil(2));
                dispatch(Block {
                    rows: Rows::F32(weight),
                    row_length: inputs,
                    first_row: rows.start,
                    first_k: k,
                    depth,
                    panels: &x_panels.lanes()[k / 2 * panels + first * depth..][..count * depth],
                    smallest: x_panels.smallest,
                    sums,
                    // The next tile's rows; after the last tile, the first rows of somebody's task, which does no harm.
                    prefetch: Prefetch {
                        matrix: weight,
                        row_length: inputs,
                        first_row: rows.start + TILE_ROWS,
                        first_column: k,
                        lines: (2 * depth).div_ceil(LANES * count),
                    },
                });
            }
        }
    });
    write_outputs(y, sums, bias, &tasks, (group, panels));
}
