//! The forward product.

use super::by_nonzeros::{Rhs, sparse_times_dense};
use super::direct::{self, rows_times_panels};
use super::{GemmShape, split, write_outputs};
use crate::block::{Block, Then};
use crate::geometry::{KC, panels_per_block};
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::parallel::each_task;
use crate::prefetch::Prefetch;
use crate::sparse::Sparse;
use crate::vectors::vectors;

/// `y[b, o] = Σ_i x[b, i] · weight[o, i] + bias[o]`: `x` is `[batch, inputs]`, `weight` `[outputs, inputs]`, `y` `[batch, outputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn affine(shape: GemmShape, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    shape.check(Some(x.len()), Some(weight.len()), Some(y.len()));
    assert_eq!(bias.len(), shape.outputs, "the bias is [{}]", shape.outputs);
    let GemmShape { batch, inputs, outputs } = shape;
    // Panels of the weight are transposed, which takes as long as forty samples' products.
    if batch >= SAMPLES_THAT_PAY
        && let Some(sparse) = Sparse::of(x, batch, inputs, outputs)
    {
        return sparse_times_dense(
            &sparse,
            Rhs { matrix: weight, row_length: inputs, transposed: true },
            bias,
            outputs,
            y,
        );
    }
    if direct_pays(shape) {
        let panels = pack::transposed_blocks(weight, outputs, inputs);
        return rows_times_panels(&shape.tasks(batch, vectors().tile_rows()), x, inputs, &panels, bias, y);
    }
    by_tiles(shape, x, weight, bias, y);
}

/// Whether to pack the weight costs less than to pack the samples and to transpose the sums.
pub(crate) fn direct_pays(GemmShape { batch, inputs, outputs }: GemmShape) -> bool {
    direct::fits(inputs, outputs) && inputs * outputs < batch * (inputs + 2 * outputs)
}

/// For how many samples a transposed panel must serve.
pub(crate) const SAMPLES_THAT_PAY: usize = 64;

fn by_tiles(shape: GemmShape, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    let GemmShape { batch, inputs, outputs } = shape;
    let panels = batch.div_ceil(LANES);
    let x_panels = pack::transposed_blocks(x, batch, inputs);
    // The sums are [outputs, batch], a group of panels after the other in each task's rows: a weight row is read where it lies,
    // once for each group, as a rule for all samples.
    let mut sums = Lanes::scratch(outputs * panels);
    let vectors = vectors();
    let tile_rows = vectors.tile_rows();
    let tasks = shape.tasks(outputs, tile_rows);
    let group = panels_per_block(inputs);
    each_task(&tasks, split(&mut sums, &tasks, panels), &|rows, sums| {
        sums.fill([0.0; LANES]);
        for (first, sums) in (0..panels).step_by(group).zip(sums.chunks_mut(rows.len() * group)) {
            let count = group.min(panels - first);
            for k in (0..inputs).step_by(KC) {
                let depth = KC.min(inputs - k);
                let block = Block {
                    rows: weight,
                    row_length: inputs,
                    first_row: rows.start,
                    first_k: k,
                    depth,
                    panels: &x_panels[k * panels + first * depth..][..count * depth],
                    sums,
                    sums_length: count,
                    then: Then::ADD,
                    // The next tile's rows; after the last tile, the first rows of somebody's task, which does no harm.
                    prefetch: Prefetch {
                        matrix: weight,
                        row_length: inputs,
                        first_row: rows.start + tile_rows,
                        first_column: k,
                        lines: depth.div_ceil(LANES * count),
                    },
                };
                block.compute(vectors);
            }
        }
    });
    write_outputs(y, &sums, bias, &tasks, (group, panels));
}
