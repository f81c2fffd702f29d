//! The product that is the weight's gradient, and what becomes of it.

use std::ops::Range;

use rayon::prelude::*;

use super::by_nonzeros::{Rhs, sparse_times_dense};
use super::{GemmShape, split};
use crate::block::Block;
use crate::dispatch::{Kernel, dispatch};
use crate::geometry::{KC, NC, PANELS, SPARSE_KC, TILE_ROWS, panels_per_block};
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::prefetch::Prefetch;
use crate::sparse::{Sparse, SparseBlock};
use crate::update::{Parameter, Update, update};

/// `gradient[o, i] += Σ_b dy[b, o] · x[b, i]`: `gradient` is `[outputs, inputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn weight_gradient(shape: GemmShape, dy: &[f32], x: &[f32], gradient: &mut [f32]) {
    let parameter = Parameter { values: gradient, first: &mut [], second: &mut [] };
    outer_product(shape, dy, x, parameter, Epilogue::Add);
}

/// Updates `weight` (`[outputs, inputs]`) by its gradient `Σ_b dy[b, o] · x[b, i]`, which as a rule never reaches memory: a
/// piece of it is computed, applied while it is in the first-level cache, and forgotten.
///
/// # Panics
/// Where a slice's length is not what `shape` and `rule` say.
pub fn update_by_product(shape: GemmShape, dy: &[f32], x: &[f32], weight: Parameter<'_>, rule: &Update) {
    rule.check(&weight);
    outer_product(shape, dy, x, weight, Epilogue::Update(rule));
}

/// What is done with a finished piece of a gradient.
#[derive(Clone, Copy)]
enum Epilogue<'a> {
    /// It is added to the values.
    Add,
    /// The values are updated by it.
    Update(&'a Update),
}

fn outer_product(shape: GemmShape, dy: &[f32], x: &[f32], target: Parameter<'_>, epilogue: Epilogue<'_>) {
    shape.check(Some(x), Some(target.values), Some(dy));
    let GemmShape { batch, inputs, outputs } = shape;
    let dy_rows = pack::transposed(dy, batch, outputs);
    let dy_rows = &dy_rows.as_flattened()[..dy.len()];
    match Sparse::of(dy_rows, outputs, batch, inputs) {
        Some(sparse) if outputs < batch => materialised(shape, &sparse, x, target, epilogue),
        Some(sparse) => by_rows_of_nonzeros(shape, &sparse, x, target, epilogue),
        None => by_tiles(shape, dy_rows, x, target, epilogue),
    }
}

/// Sums of a gradient's rows, from a column on, to be finished.
struct EpilogueTile<'a, 'b> {
    epilogue: Epilogue<'a>,
    target: &'a mut Parameter<'b>,
    row_length: usize,
    first_row: usize,
    column: usize,
    /// `[rows, columns]`, what is past the row's end left out.
    sums: &'a [f32],
    /// Columns of `sums`.
    columns: usize,
}

impl Kernel for EpilogueTile<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let width = self.columns.min(self.row_length - self.column);
        for (r, sums) in self.sums.chunks_exact(self.columns).enumerate() {
            let at = (self.first_row + r) * self.row_length + self.column;
            let Parameter { values, first, second } = self.target.piece(at..at + width);
            match self.epilogue {
                Epilogue::Add => values.iter_mut().zip(sums).for_each(|(value, sum)| *value += sum),
                Epilogue::Update(rule) => rule.apply(values, &sums[..width], first, second),
            }
        }
    }
}

/// The gradient as a whole, where it is smaller than `x`: each panel of `x` is packed where it is used, and used once.
fn materialised(shape: GemmShape, sparse: &Sparse, x: &[f32], target: Parameter<'_>, epilogue: Epilogue<'_>) {
    let GemmShape { inputs, outputs, .. } = shape;
    let mut gradient = Lanes::scratch((outputs * inputs).div_ceil(LANES));
    let gradient = &mut gradient.as_flattened_mut()[..outputs * inputs];
    sparse_times_dense(sparse, Rhs { matrix: x, row_length: inputs, transposed: false }, &[], inputs, gradient);
    match epilogue {
        Epilogue::Add => target.values.iter_mut().zip(gradient).for_each(|(value, sum)| *value += *sum),
        Epilogue::Update(rule) => update(target, gradient, rule),
    }
}

/// Strips of rows, a panel's columns at a time: the panel stays in the first-level cache while the strip's rows pass by.
fn by_rows_of_nonzeros(shape: GemmShape, sparse: &Sparse, x: &[f32], target: Parameter<'_>, epilogue: Epilogue<'_>) {
    const STRIP: usize = 64;
    let GemmShape { batch, inputs, outputs } = shape;
    let blocks = batch.div_ceil(SPARSE_KC);
    let mut panels = Lanes::scratch(inputs.div_ceil(NC) * blocks * SPARSE_KC * PANELS);
    let (panels, _) = panels.as_chunks_mut::<PANELS>();
    panels.par_chunks_mut(SPARSE_KC).enumerate().for_each(|(at, panel)| {
        pack::columns_wide(x, inputs, at / blocks * NC, at % blocks * SPARSE_KC, panel);
    });

    let tasks = shape.tasks(outputs);
    tasks.par_iter().zip(split_rows(target, &tasks, inputs)).for_each(|(rows, mut target)| {
        let mut sums = Lanes::scratch(STRIP * PANELS);
        let (sums, _) = sums.as_chunks_mut::<PANELS>();
        for (group, panels) in panels.chunks_exact(blocks * SPARSE_KC).enumerate() {
            let column = group * NC;
            for first_row in (0..rows.len()).step_by(STRIP) {
                let strip_rows = STRIP.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows];
                sums.fill([[0.0; LANES]; PANELS]);
                for (block, panel) in panels.chunks_exact(SPARSE_KC).enumerate() {
                    dispatch(SparseBlock {
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
                    });
                }
                dispatch(EpilogueTile {
                    epilogue,
                    target: &mut target,
                    row_length: inputs,
                    first_row,
                    column,
                    sums: sums.as_flattened().as_flattened(),
                    columns: NC,
                });
            }
        }
    });
}

fn by_tiles(shape: GemmShape, dy_rows: &[f32], x: &[f32], target: Parameter<'_>, epilogue: Epilogue<'_>) {
    let GemmShape { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(LANES);
    let group = panels_per_block(batch).min(panels);
    let mut x_panels = Lanes::scratch(panels * batch);
    // Blocks of KC samples follow each other within a group of panels, so that a group's block lies in one piece.
    x_panels.par_chunks_mut(group * batch).enumerate().for_each(|(g, lanes)| {
        let count = lanes.len() / batch;
        for (block, lanes) in lanes.chunks_mut(count * KC).enumerate() {
            let depth = lanes.len() / count;
            pack::columns(x, inputs, block * KC, g * group * LANES, lanes, depth);
        }
    });

    let tasks = shape.tasks(outputs);
    tasks.par_iter().zip(split_rows(target, &tasks, inputs)).for_each(|(rows, mut target)| {
        // Deep sums are kept for many rows at a time, or the panels would come from memory again for every tile.
        let strip = if batch <= KC { TILE_ROWS } else { TILE_ROWS * 16 };
        let mut sums = Lanes::scratch(strip * group);
        for first_panel in (0..panels).step_by(group) {
            let count = group.min(panels - first_panel);
            let group_panels = &x_panels[first_panel * batch..][..count * batch];
            let column = first_panel * LANES;
            for first_row in (0..rows.len()).step_by(strip) {
                let strip_rows = strip.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows * count];
                sums.fill([0.0; LANES]);
                for k in (0..batch).step_by(KC) {
                    let depth = KC.min(batch - k);
                    dispatch(Block {
                        rows: dy_rows,
                        row_length: batch,
                        first_row: rows.start + first_row,
                        first_k: k,
                        depth,
                        panels: &group_panels[k * count..][..count * depth],
                        sums,
                        // What the finished sums will be applied to.
                        prefetch: Prefetch {
                            matrix: target.values,
                            row_length: inputs,
                            first_row,
                            first_column: column,
                            lines: usize::from(k == 0),
                        },
                    });
                }
                dispatch(EpilogueTile {
                    epilogue,
                    target: &mut target,
                    row_length: inputs,
                    first_row,
                    column,
                    sums: sums.as_flattened(),
                    columns: count * LANES,
                });
            }
        }
    });
}

/// Rows of a parameter with their state, a piece a task.
fn split_rows<'a>(parameter: Parameter<'a>, tasks: &[Range<usize>], length: usize) -> Vec<Parameter<'a>> {
    let Parameter { values, first, second } = parameter;
    let state = split(first, tasks, length).into_iter().zip(split(second, tasks, length));
    let pieces = split(values, tasks, length).into_iter().zip(state);
    pieces.map(|(values, (first, second))| Parameter { values, first, second }).collect()
}
