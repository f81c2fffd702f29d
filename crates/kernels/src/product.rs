//! The products of a dense layer, blocked for the caches and split between threads.

use rayon::prelude::*;

use crate::block::{Ahead, Block, LANES, TILE_ROWS};
use crate::dispatch::dispatch;
use crate::pack::{self, DEPTH};
use crate::update::{Parameter, Update, update_segment};

/// The sizes of a dense layer's operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Samples, at least one.
    pub batch: usize,
    /// Features of a sample, at least one.
    pub inputs: usize,
    /// Features of the layer's output, at least one.
    pub outputs: usize,
}

impl Dense {
    /// Panics where a slice does not have the size that its shape says: a wrong product would be worse.
    fn check(self, x: Option<&[f32]>, weight: Option<&[f32]>, y: Option<&[f32]>) {
        let expect = |what: &str, slice: Option<&[f32]>, rows: usize, columns: usize| {
            if let Some(slice) = slice {
                assert_eq!(slice.len(), rows * columns, "{what} is [{rows}, {columns}]");
            }
        };
        assert!(self.batch > 0 && self.inputs > 0 && self.outputs > 0, "an empty product: {self:?}");
        expect("x", x, self.batch, self.inputs);
        expect("the weight", weight, self.outputs, self.inputs);
        expect("y", y, self.batch, self.outputs);
    }

    /// Rows for one task: enough tasks that a slow core does not hold the others up, whole tiles, one task where the
    /// product is too small to be worth a hand-over.
    fn rows_a_task(self, rows: usize) -> usize {
        let small = self.batch * self.inputs * self.outputs < 1 << 18;
        let tasks = if small { 1 } else { rayon::current_num_threads() * 4 };
        rows.div_ceil(tasks).next_multiple_of(TILE_ROWS)
    }
}

/// Panels that are read again and again by the rows of a task: a quarter MiB of them.
fn panels_a_block(depth: usize) -> usize {
    (4096 / depth.min(DEPTH)).clamp(4, 64)
}

/// `y[b, o] = Σ_i x[b, i] · weight[o, i] + bias[o]`: `x` is `[batch, inputs]`, `weight` `[outputs, inputs]`, `y` `[batch, outputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn affine(shape: Dense, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    shape.check(Some(x), Some(weight), Some(y));
    assert_eq!(bias.len(), shape.outputs, "the bias is [{}]", shape.outputs);
    let Dense { batch, inputs, outputs } = shape;
    let panels = batch.div_ceil(LANES);
    let x_panels = pack::transposed_blocks(x, batch, inputs);
    // The sums are [outputs, batch]: a weight row is read once, where it lies, for all samples.
    let mut sums = vec![[0.0; LANES]; outputs * panels];
    let rows = shape.rows_a_task(outputs);
    sums.par_chunks_mut(rows * panels).enumerate().for_each(|(task, sums)| {
        let group = panels_a_block(inputs);
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

/// `dx[b, i] = Σ_o dy[b, o] · weight[o, i]`, written into `dx` (`[batch, inputs]`).
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn input_gradient(shape: Dense, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    shape.check(Some(dx), Some(weight), Some(dy));
    let Dense { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(LANES);
    let group = 8.min(panels);
    let mut sums = vec![[0.0; LANES]; panels * batch];
    sums.par_chunks_mut(group * batch).enumerate().for_each(|(task, sums)| {
        let count = sums.len() / batch;
        let mut weight_panels = vec![[0.0; LANES]; count * DEPTH.min(outputs)];
        for k in (0..outputs).step_by(DEPTH) {
            let depth = DEPTH.min(outputs - k);
            let weight_panels = &mut weight_panels[..count * depth];
            pack::columns(weight, inputs, k, task * group * LANES, weight_panels, depth);
            dispatch(Block {
                rows: dy,
                row_length: outputs,
                first_row: 0,
                first_k: k,
                depth,
                panels: weight_panels,
                sums,
                ahead: Ahead::NONE,
            });
        }
    });
    dx.par_chunks_mut(inputs).enumerate().for_each(|(b, dx)| {
        for (task, dx) in dx.chunks_mut(group * LANES).enumerate() {
            let first = task * group;
            let count = group.min(panels - first);
            let row = &sums[first * batch + b * count..][..count];
            for (dx, lane) in dx.chunks_mut(LANES).zip(row) {
                dx.copy_from_slice(&lane[..dx.len()]);
            }
        }
    });
}

/// `gradient[o, i] += Σ_b dy[b, o] · x[b, i]`: `gradient` is `[outputs, inputs]`.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn weight_gradient(shape: Dense, dy: &[f32], x: &[f32], gradient: &mut [f32]) {
    let parameter = Parameter { values: gradient, first: &mut [], second: &mut [] };
    outer_product(shape, dy, x, parameter, &|gradient, segment, _, _| {
        for (gradient, value) in gradient.iter_mut().zip(segment) {
            *gradient += value;
        }
    });
}

/// Updates `weight` (`[outputs, inputs]`) by its gradient `Σ_b dy[b, o] · x[b, i]`, which never reaches memory: a piece of
/// it is computed, applied while it is in the first-level cache, and forgotten.
///
/// # Panics
/// Where a slice's length is not what `shape` and `rule` say.
pub fn update_by_product(shape: Dense, dy: &[f32], x: &[f32], weight: Parameter<'_>, rule: &Update) {
    rule.check(&weight);
    outer_product(shape, dy, x, weight, &|values, gradient, first, second| {
        update_segment(rule, values, gradient, first, second);
    });
}

/// What is done with a finished piece of a gradient: the values it belongs to, the piece, the values' state.
type Apply<'a> = &'a (dyn Fn(&mut [f32], &[f32], &mut [f32], &mut [f32]) + Sync);

fn outer_product(shape: Dense, dy: &[f32], x: &[f32], target: Parameter<'_>, apply: Apply<'_>) {
    shape.check(Some(x), Some(target.values), Some(dy));
    let Dense { batch, inputs, outputs } = shape;
    let panels = inputs.div_ceil(LANES);
    let dy_rows = pack::transpose(dy, batch, outputs);
    let group = panels_a_block(batch).min(panels);
    let mut x_panels = vec![[0.0; LANES]; panels * batch];
    // Blocks of DEPTH samples follow each other within a group of panels, so that a group's block lies in one piece.
    x_panels.par_chunks_mut(group * batch).enumerate().for_each(|(g, lanes)| {
        let count = lanes.len() / batch;
        for (block, lanes) in lanes.chunks_mut(count * DEPTH).enumerate() {
            let depth = lanes.len() / count;
            pack::columns(x, inputs, block * DEPTH, g * group * LANES, lanes, depth);
        }
    });

    let rows = shape.rows_a_task(outputs);
    split_rows(target, rows * inputs).into_par_iter().enumerate().for_each(|(task, mut target)| {
        // Deep sums are kept for many rows at a time, or the panels would come from memory again for every tile.
        let strip = if batch <= DEPTH { TILE_ROWS } else { TILE_ROWS * 16 };
        let mut sums = vec![[0.0; LANES]; strip * group];
        for first_panel in (0..panels).step_by(group) {
            let count = group.min(panels - first_panel);
            let group_panels = &x_panels[first_panel * batch..][..count * batch];
            let column = first_panel * LANES;
            let width = (count * LANES).min(inputs - column);
            let task_rows = target.values.len() / inputs;
            for first_row in (0..task_rows).step_by(strip) {
                let strip_rows = strip.min(task_rows - first_row);
                let sums = &mut sums[..strip_rows * count];
                sums.fill([0.0; LANES]);
                for k in (0..batch).step_by(DEPTH) {
                    let depth = DEPTH.min(batch - k);
                    dispatch(Block {
                        rows: &dy_rows,
                        row_length: batch,
                        first_row: task * rows + first_row,
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
                for (r, sums) in sums.chunks_exact(count).enumerate() {
                    let at = (first_row + r) * inputs + column;
                    let piece = target.piece(at..at + width);
                    apply(piece.values, &sums.as_flattened()[..width], piece.first, piece.second);
                }
            }
        }
    });
}

/// Rows of a parameter with their state, a piece a task.
fn split_rows(parameter: Parameter<'_>, length: usize) -> Vec<Parameter<'_>> {
    let mut parts = Vec::new();
    let Parameter { mut values, mut first, mut second } = parameter;
    while !values.is_empty() {
        let (value, rest) = values.split_at_mut(length.min(values.len()));
        values = rest;
        let (one, rest) = first.split_at_mut(value.len().min(first.len()));
        first = rest;
        let (two, rest) = second.split_at_mut(value.len().min(second.len()));
        second = rest;
        parts.push(Parameter { values: value, first: one, second: two });
    }
    parts
}

/// `gradient[o] += Σ_b dy[b, o]`: `dy` is `[batch, outputs]`, `gradient` `[outputs]`.
///
/// # Panics
/// Where `dy` is not a whole number of rows.
pub fn bias_gradient(dy: &[f32], gradient: &mut [f32]) {
    assert_eq!(dy.len() % gradient.len(), 0, "dy is [batch, {}]", gradient.len());
    let mut sums = vec![0.0; gradient.len()];
    for row in dy.chunks_exact(gradient.len()) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    for (gradient, sum) in gradient.iter_mut().zip(sums) {
        *gradient += sum;
    }
}
