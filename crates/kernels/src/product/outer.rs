//! The product that is the weight's gradient, and what becomes of it.

use std::ops::Range;

use rayon::prelude::*;

use super::nonzeros::{Other, nonzeros_by_panels};
use super::{Dense, panels_a_block, split};
use crate::block::{Ahead, Block, TILE_ROWS};
use crate::dispatch::{Kernel, dispatch};
use crate::lanes::{LANES, Lanes};
use crate::pack::{self, DEPTH};
use crate::sparse::{self, COLUMNS, Sparse, SparseBlock, WIDE};
use crate::update::{Parameter, Update, update};

/// `gradient[o, i] += Σ_b dy[b, o] · x[b, i]`: `gradient` is `[outputs, inputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn weight_gradient(shape: Dense, dy: &[f32], x: &[f32], gradient: &mut [f32]) {
    let parameter = Parameter { values: gradient, first: &mut [], second: &mut [] };
    outer_product(shape, dy, x, parameter, Finish::Add);
}

/// Updates `weight` (`[outputs, inputs]`) by its gradient `Σ_b dy[b, o] · x[b, i]`, which as a rule never reaches memory: a
/// piece of it is computed, applied while it is in the first-level cache, and forgotten.
///
/// # Panics
/// Where a slice's length is not what `shape` and `rule` say.
pub fn update_by_product(shape: Dense, dy: &[f32], x: &[f32], weight: Parameter<'_>, rule: &Update) {
    rule.check(&weight);
    outer_product(shape, dy, x, weight, Finish::Update(rule));
}

/// What is done with a finished piece of a gradient.
#[derive(Clone, Copy)]
enum Finish<'a> {
    /// It is added to the values.
    Add,
    /// The values are updated by it.
    Update(&'a Update),
}

fn outer_product(shape: Dense, dy: &[f32], x: &[f32], target: Parameter<'_>, finish: Finish<'_>) {
    shape.check(Some(x), Some(target.values), Some(dy));
    let Dense { batch, inputs, outputs } = shape;
    let dy_rows = pack::transposed(dy, batch, outputs);
    let dy_rows = &dy_rows.as_flattened()[..dy.len()];
    match Sparse::of(dy_rows, outputs, batch, inputs) {
        Some(sparse) if outputs < batch => few_outputs(shape, &sparse, x, target, finish),
        Some(sparse) => by_nonzeros(shape, &sparse, x, target, finish),
        None => by_tiles(shape, dy_rows, x, target, finish),
    }
}

/// Sums of a gradient's rows, from a column on, to be finished.
struct Strip<'a, 'b> {
    finish: Finish<'a>,
    target: &'a mut Parameter<'b>,
    row_length: usize,
    first_row: usize,
    column: usize,
    /// `[rows, columns]`, what is past the row's end left out.
    sums: &'a [f32],
    /// Columns of `sums`.
    columns: usize,
}

impl Kernel for Strip<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let width = self.columns.min(self.row_length - self.column);
        for (r, sums) in self.sums.chunks_exact(self.columns).enumerate() {
            let at = (self.first_row + r) * self.row_length + self.column;
            let Parameter { values, first, second } = self.target.piece(at..at + width);
            match self.finish {
                Finish::Add => values.iter_mut().zip(sums).for_each(|(value, sum)| *value += sum),
                Finish::Update(rule) => rule.apply(values, &sums[..width], first, second),
            }
        }
    }
}

/// The gradient as a whole, where it is smaller than `x`: each panel of `x` is packed where it is used, and used once.
fn few_outputs(shape: Dense, sparse: &Sparse, x: &[f32], target: Parameter<'_>, finish: Finish<'_>) {
    let Dense { inputs, outputs, .. } = shape;
    let mut gradient = Lanes::scratch((outputs * inputs).div_ceil(LANES));
    let gradient = &mut gradient.as_flattened_mut()[..outputs * inputs];
    nonzeros_by_panels(sparse, Other { matrix: x, row_length: inputs, transposed: false }, &[], inputs, gradient);
    match finish {
        Finish::Add => target.values.iter_mut().zip(gradient).for_each(|(value, sum)| *value += *sum),
        Finish::Update(rule) => update(target, gradient, rule),
    }
}

/// Strips of rows, a panel's columns at a time: the panel stays in the first-level cache while the strip's rows pass by.
fn by_nonzeros(shape: Dense, sparse: &Sparse, x: &[f32], target: Parameter<'_>, finish: Finish<'_>) {
    const STRIP: usize = 64;
    let Dense { batch, inputs, outputs } = shape;
    let blocks = batch.div_ceil(sparse::DEPTH);
    let mut panels = Lanes::scratch(inputs.div_ceil(COLUMNS) * blocks * sparse::DEPTH * WIDE);
    let (panels, _) = panels.as_chunks_mut::<WIDE>();
    panels.par_chunks_mut(sparse::DEPTH).enumerate().for_each(|(at, panel)| {
        pack::columns_wide(x, inputs, at / blocks * COLUMNS, at % blocks * sparse::DEPTH, panel);
    });

    let tasks = shape.tasks(outputs);
    tasks.par_iter().zip(split_rows(target, &tasks, inputs)).for_each(|(rows, mut target)| {
        let mut sums = Lanes::scratch(STRIP * WIDE);
        let (sums, _) = sums.as_chunks_mut::<WIDE>();
        for (group, panels) in panels.chunks_exact(blocks * sparse::DEPTH).enumerate() {
            let column = group * COLUMNS;
            for first_row in (0..rows.len()).step_by(STRIP) {
                let strip_rows = STRIP.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows];
                sums.fill([[0.0; LANES]; WIDE]);
                for (block, panel) in panels.chunks_exact(sparse::DEPTH).enumerate() {
                    dispatch(SparseBlock {
                        rows: sparse.block(block, rows.start + first_row, strip_rows),
                        panel,
                        sums,
                        // What the finished sums will be applied to.
                        ahead: Ahead {
                            matrix: target.values,
                            row_length: inputs,
                            first_row,
                            first_column: column,
                            lines: if block == 0 { WIDE } else { 0 },
                        },
                    });
                }
                dispatch(Strip {
                    finish,
                    target: &mut target,
                    row_length: inputs,
                    first_row,
                    column,
                    sums: sums.as_flattened().as_flattened(),
                    columns: COLUMNS,
                });
            }
        }
    });
}

fn by_tiles(shape: Dense, dy_rows: &[f32], x: &[f32], target: Parameter<'_>, finish: Finish<'_>) {
    let Dense { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(LANES);
    let group = panels_a_block(batch).min(panels);
    let mut x_panels = Lanes::scratch(panels * batch);
    // Blocks of DEPTH samples follow each other within a group of panels, so that a group's block lies in one piece.
    x_panels.par_chunks_mut(group * batch).enumerate().for_each(|(g, lanes)| {
        let count = lanes.len() / batch;
        for (block, lanes) in lanes.chunks_mut(count * DEPTH).enumerate() {
            let depth = lanes.len() / count;
            pack::columns(x, inputs, block * DEPTH, g * group * LANES, lanes, depth);
        }
    });

    let tasks = shape.tasks(outputs);
    tasks.par_iter().zip(split_rows(target, &tasks, inputs)).for_each(|(rows, mut target)| {
        // Deep sums are kept for many rows at a time, or the panels would come from memory again for every tile.
        let strip = if batch <= DEPTH { TILE_ROWS } else { TILE_ROWS * 16 };
        let mut sums = Lanes::scratch(strip * group);
        for first_panel in (0..panels).step_by(group) {
            let count = group.min(panels - first_panel);
            let group_panels = &x_panels[first_panel * batch..][..count * batch];
            let column = first_panel * LANES;
            for first_row in (0..rows.len()).step_by(strip) {
                let strip_rows = strip.min(rows.len() - first_row);
                let sums = &mut sums[..strip_rows * count];
                sums.fill([0.0; LANES]);
                for k in (0..batch).step_by(DEPTH) {
                    let depth = DEPTH.min(batch - k);
                    dispatch(Block {
                        rows: dy_rows,
                        row_length: batch,
                        first_row: rows.start + first_row,
                        first_k: k,
                        depth,
                        panels: &group_panels[k * count..][..count * depth],
                        sums,
                        // What the finished sums will be applied to.
                        ahead: Ahead {
                            matrix: target.values,
                            row_length: inputs,
                            first_row,
                            first_column: column,
                            lines: usize::from(k == 0),
                        },
                    });
                }
                dispatch(Strip {
                    finish,
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
