//! The product that is the weight's gradient, and what becomes of it.

use super::block::Block;
use super::pack::{Columns, Panels, transposed_pairs};
use super::rows::Rows;
use super::{Bf16, COLUMNS, PAIRS, TILE_ROWS};
use crate::GemmShape;
use crate::dispatch::dispatch;
use crate::geometry::{KC, panels_per_block};
use crate::lanes::{LANES, Lanes};
use crate::parallel::each_task;
use crate::prefetch::Prefetch;
use crate::update::{Add, Epilogue, EpilogueTile, Piece};

/// `gradient[o, i] += Σ_b dy[b, o] · x[b, i]`: `gradient` is `[outputs, inputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn weight_gradient(shape: GemmShape, dy: &[Bf16], x: &[Bf16], gradient: &mut [f32]) {
    outer_product(shape, dy, x, Piece { values: gradient, states: Vec::new() }, &Add);
}

/// Computes the gradient piece by piece and gives each piece, while it is in the first-level cache, to `epilogue` with the
/// values of `target` that it is the gradient of.
pub(crate) fn outer_product(shape: GemmShape, dy: &[Bf16], x: &[Bf16], target: Piece<'_>, epilogue: &dyn Epilogue) {
    shape.check(Some(x.len()), Some(target.values.len()), Some(dy.len()));
    let GemmShape { batch, inputs, outputs } = shape;
    let dy_rows = transposed_pairs(dy, batch, outputs);
    let dy_rows = dy_rows.as_flattened();
    let panels = inputs.div_ceil(COLUMNS);
    let pairs = batch.div_ceil(2);
    // A quarter of the columns that products of 32-bit floats take: their sums, of twice as many rows, stay in the first-level cache.
    let group = (panels_per_block(batch) / 4).clamp(1, panels);
    // Blocks of samples follow each other within a group of panels, so that a group's block lies in one piece.
    let x_panels = Panels::packed(panels * pairs, group * pairs, |g, lanes| {
        let count = lanes.len() / pairs;
        for (block, panels) in lanes.chunks_mut(count * PAIRS).enumerate() {
            let (first_row, first_column, depth) = (block * KC, g * group * COLUMNS, panels.len() / count);
            dispatch(Columns { matrix: x, row_length: inputs, first_row, first_column, panels, depth });
        }
    });
    let tasks = shape.tasks(outputs, TILE_ROWS);
    each_task(&tasks, target.split(&tasks, inputs), &|rows, mut target| {
        // Deep sums are kept for many rows at a time, or the panels would come from memory again for every tile.
        let strip = if batch <= KC { TILE_ROWS } else { TILE_ROWS * 8 };
        let mut sums = Lanes::<f32>::scratch(strip * group * (COLUMNS / LANES));
        let (sums, _) = sums.as_flattened_mut().as_chunks_mut::<COLUMNS>();
        for first_panel in (0..panels).step_by(group) {
            let count = group.min(panels - first_panel);
            let group_panels = &x_panels.lanes()[first_panel * pairs..][..count * pairs];
            let column = first_panel * COLUMNS;
            for first_row in (0..rows.len()).step_by(strip) {
                let strip_rows = strip.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows * count];
                sums.fill([0.0; COLUMNS]);
                for k in (0..batch).step_by(KC) {
                    let depth = PAIRS.min((batch - k).div_ceil(2));
                    dispatch(Block {
                        rows: Rows::Pairs(dy_rows),
                        row_length: batch,
                        first_row: rows.start + first_row,
                        first_k: k,
                        depth,
                        panels: &group_panels[k / 2 * count..][..count * depth],
                        smallest: x_panels.smallest,
                        sums,
                        // What the finished sums will be applied to.
                        prefetch: Prefetch {
                            matrix: target.values,
                            row_length: inputs,
                            first_row,
                            first_column: column,
                            lines: if k == 0 { COLUMNS / LANES } else { 0 },
                        },
                    });
                }
                let sums = sums.as_flattened();
                let tile = EpilogueTile { row_length: inputs, first_row, column, sums, columns: count * COLUMNS };
                epilogue.finish(&mut target, tile);
            }
        }
    });
}
