//! The forward product.

use rayon::prelude::*;

use super::runs::runs_by_panels;
use super::{Dense, panels_a_block};
use crate::block::{Ahead, Block, TILE_ROWS};
use crate::dispatch::dispatch;
use crate::lanes::{LANES, Lanes};
use crate::pack::{self, DEPTH};
use crate::sparse::Runs;

/// `y[b, o] = Σ_i x[b, i] · weight[o, i] + bias[o]`: `x` is `[batch, inputs]`, `weight` `[outputs, inputs]`, `y` `[batch, outputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn affine(shape: Dense, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    shape.check(Some(x), Some(weight), Some(y));
    assert_eq!(bias.len(), shape.outputs, "the bias is [{}]", shape.outputs);
    let Dense { batch, inputs, outputs } = shape;
    // Panels of the weight are transposed, which takes as long as forty samples' products.
    if batch >= SAMPLES_THAT_PAY
        && let Some(runs) = Runs::of(x, batch, inputs, outputs)
    {
        let pack = |k, first, panel: &mut _| pack::transposed_wide(weight, inputs, first, k, panel);
        return runs_by_panels(&runs, pack, bias, outputs, y);
    }
    by_tiles(shape, x, weight, bias, y);
}

/// For how many samples a transposed panel must serve.
const SAMPLES_THAT_PAY: usize = 64;

fn by_tiles(shape: Dense, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    let Dense { batch, inputs, outputs } = shape;
    let panels = batch.div_ceil(LANES);
    let x_panels = pack::transposed_blocks(x, batch, inputs);
    // The sums are [outputs, batch]: a weight row is read once, where it lies, for all samples.
    let mut sums = Lanes::scratch(outputs * panels);
    let rows = shape.rows_a_task(outputs);
    sums.par_chunks_mut(rows * panels).enumerate().for_each(|(task, sums)| {
        let group = panels_a_block(inputs);
        sums.fill([0.0; LANES]);
        let mut part = Vec::new();
        for first in (0..panels).step_by(group) {
            let count = group.min(panels - first);
            let whole = count == panels;
            if !whole {
                part.clear();
                part.resize(sums.len() / panels * count, [0.0; LANES]);
            }
            for k in (0..inputs).step_by(DEPTH) {
                let depth = DEPTH.min(inputs - k);
                dispatch(Block {
                    rows: weight,
                    row_length: inputs,
                    first_row: task * rows,
                    first_k: k,
                    depth,
                    panels: &x_panels[k * panels + first * depth..][..count * depth],
                    sums: if whole { &mut *sums } else { &mut part },
                    // The next tile's rows; after the last tile, the first rows of somebody's task, which does no harm.
                    ahead: Ahead {
                        matrix: weight,
                        row_length: inputs,
                        first_row: task * rows + TILE_ROWS,
                        first_column: k,
                        lines: depth.div_ceil(LANES * count),
                    },
                });
            }
            if !whole {
                for (row, part) in sums.chunks_exact_mut(panels).zip(part.chunks_exact(count)) {
                    row[first..first + count].copy_from_slice(part);
                }
            }
        }
    });
    y.par_chunks_mut(LANES * outputs).enumerate().for_each(|(p, y)| {
        for (o, bias) in bias.iter().enumerate() {
            let lane = &sums[o * panels + p];
            for (row, sum) in y.chunks_exact_mut(outputs).zip(lane) {
                row[o] = sum + bias;
            }
        }
    });
}
