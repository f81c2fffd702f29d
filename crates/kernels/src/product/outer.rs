//! The product that is the weight's gradient, and what becomes of it.

use super::GemmShape;
use super::by_nonzeros::{Rhs, sparse_times_dense};
use crate::block::{Block, Then};
use crate::geometry::{KC, NC, PANELS, SPARSE_KC, TILE_ROWS, panels_per_block};
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::parallel::{each_chunk, each_task};
use crate::prefetch::Prefetch;
use crate::sparse::Sparse;
use crate::sparse_block::SparseBlock;
use crate::update::{Add, Epilogue, EpilogueTile, Piece};
use crate::vectors::vectors;

/// `gradient[o, i] += Σ_b dy[b, o] · x[b, i]`: `gradient` is `[outputs, inputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn weight_gradient(shape: GemmShape, dy: &[f32], x: &[f32], gradient: &mut [f32]) {
    outer_product(shape, Left::Rows(dy), x, Piece { values: gradient, states: Vec::new() }, &Add);
}

/// The gradient of the outputs, on the left of the product.
#[derive(Clone, Copy)]
pub(crate) enum Left<'a> {
    /// `[batch, outputs]`.
    Rows(&'a [f32]),
    /// `[outputs, batch]`, as the product reads it, and how many of them are not zero.
    Columns(&'a [f32], usize),
}

impl<'a> Left<'a> {
    /// Its values, in either order.
    pub(crate) fn values(self) -> &'a [f32] {
        match self {
            Self::Rows(values) | Self::Columns(values, _) => values,
        }
    }
}

/// Computes the gradient piece by piece and gives each piece, while it is in the first-level cache, to `epilogue` with the
/// values of `target` that it is the gradient of.
pub(crate) fn outer_product(shape: GemmShape, dy: Left<'_>, x: &[f32], target: Piece<'_>, epilogue: &dyn Epilogue) {
    shape.check(Some(x.len()), Some(target.values.len()), Some(dy.values().len()));
    let GemmShape { batch, inputs, outputs } = shape;
    let packed;
    let (dy_rows, sparse) = match dy {
        Left::Rows(dy) => {
            packed = pack::transposed(dy, batch, outputs);
            let dy = &packed.as_flattened()[..dy.len()];
            (dy, Sparse::of(dy, outputs, batch, inputs))
        }
        Left::Columns(dy, nonzeros) => (dy, Sparse::of_counted(dy, nonzeros, outputs, batch, inputs)),
    };
    match sparse {
        Some(sparse) if outputs < batch => materialised(shape, &sparse, x, target, epilogue),
        Some(sparse) => by_rows_of_nonzeros(shape, &sparse, x, target, epilogue),
        None => by_tiles(shape, dy_rows, x, target, epilogue),
    }
}

/// The gradient as a whole, where it is smaller than `x`: each panel of `x` is packed where it is used, and used once.
fn materialised(shape: GemmShape, sparse: &Sparse, x: &[f32], target: Piece<'_>, epilogue: &dyn Epilogue) {
    let GemmShape { inputs, outputs, .. } = shape;
    let mut gradient = Lanes::scratch((outputs * inputs).div_ceil(LANES));
    let gradient = &mut gradient.as_flattened_mut()[..outputs * inputs];
    sparse_times_dense(sparse, Rhs { matrix: x, row_length: inputs, transposed: false }, &[], inputs, gradient);
    let gradient = &*gradient;
    let tasks = shape.tasks(outputs, TILE_ROWS);
    each_task(&tasks, target.split(&tasks, inputs), &|rows, mut target| {
        let sums = &gradient[rows.start * inputs..rows.end * inputs];
        let tile = EpilogueTile { row_length: inputs, first_row: 0, column: 0, sums, columns: inputs };
        epilogue.finish(&mut target, tile);
    });
}

/// Strips of rows, a panel's columns at a time: the panel stays in the first-level cache while the strip's rows pass by.
fn by_rows_of_nonzeros(shape: GemmShape, sparse: &Sparse, x: &[f32], target: Piece<'_>, epilogue: &dyn Epilogue) {
    const STRIP: usize = 64;
    let GemmShape { batch, inputs, outputs } = shape;
    let blocks = batch.div_ceil(SPARSE_KC);
    let mut panels = Lanes::scratch(inputs.div_ceil(NC) * blocks * SPARSE_KC * PANELS);
    let (panels, _) = panels.as_chunks_mut::<PANELS>();
    each_chunk(panels, SPARSE_KC, &|at, panel| {
        pack::columns_wide(x, inputs, at / blocks * NC, at % blocks * SPARSE_KC, panel);
    });

    let vectors = vectors();
    let tasks = shape.tasks(outputs, TILE_ROWS);
    each_task(&tasks, target.split(&tasks, inputs), &|rows, mut target| {
        let mut sums = Lanes::scratch(STRIP * PANELS);
        let (sums, _) = sums.as_chunks_mut::<PANELS>();
        for (group, panels) in panels.chunks_exact(blocks * SPARSE_KC).enumerate() {
            let column = group * NC;
            for first_row in (0..rows.len()).step_by(STRIP) {
                let strip_rows = STRIP.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows];
                sums.fill([[0.0; LANES]; PANELS]);
                for (block, panel) in panels.chunks_exact(SPARSE_KC).enumerate() {
                    let sparse_block = SparseBlock {
                        rows: sparse.block(block, rows.start + first_row, strip_rows),
                        panel,
                        sums,
                        // What the finished sums will be applied to.
                        prefetch: Prefetch {
                            matrix: target.values,
                            row_length: inputs,
                            first_row,
                            first_column: column,
                            lines: if block == 0 { PANELS } else { 0 },
                        },
                    };
                    sparse_block.compute(vectors);
                }
                let sums = sums.as_flattened().as_flattened();
                let tile = EpilogueTile { row_length: inputs, first_row, column, sums, columns: NC };
                epilogue.finish(&mut target, tile);
            }
        }
    });
}

fn by_tiles(shape: GemmShape, dy_rows: &[f32], x: &[f32], target: Piece<'_>, epilogue: &dyn Epilogue) {
    let GemmShape { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(LANES);
    let group = panels_per_block(batch).min(panels);
    let x_panels = pack::column_blocks(x, batch, inputs);
    let vectors = vectors();
    let tile_rows = vectors.tile_rows();
    let tasks = shape.tasks(outputs, tile_rows);
    each_task(&tasks, target.split(&tasks, inputs), &|rows, mut target| {
        // Deep sums are kept for many rows at a time, or the panels would come from memory again for every tile.
        let strip = if batch <= KC { tile_rows } else { tile_rows * 16 };
        let mut sums = Lanes::scratch(strip * group);
        for first_panel in (0..panels).step_by(group) {
            let count = group.min(panels - first_panel);
            let column = first_panel * LANES;
            for first_row in (0..rows.len()).step_by(strip) {
                let strip_rows = strip.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows * count];
                for k in (0..batch).step_by(KC) {
                    let depth = KC.min(batch - k);
                    let block = Block {
                        rows: dy_rows,
                        row_length: batch,
                        first_row: rows.start + first_row,
                        first_k: k,
                        depth,
                        panels: &x_panels[k * panels + first_panel * depth..][..count * depth],
                        sums,
                        sums_length: count,
                        then: Then { is_first: k == 0, bias: &[] },
                        // What the finished sums will be applied to.
                        prefetch: Prefetch {
                            matrix: target.values,
                            row_length: inputs,
                            first_row,
                            first_column: column,
                            lines: usize::from(k == 0),
                        },
                    };
                    block.compute(vectors);
                }
                let sums = sums.as_flattened();
                let tile = EpilogueTile { row_length: inputs, first_row, column, sums, columns: count * LANES };
                epilogue.finish(&mut target, tile);
            }
        }
    });
}
