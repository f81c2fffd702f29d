//! The products of a dense layer, blocked for the caches and split between threads.

mod affine;
mod by_nonzeros;
mod direct;
mod input_gradient;
mod outer;

pub use affine::affine;
pub(crate) use affine::{SAMPLES_THAT_PAY, direct_pays};
pub use input_gradient::input_gradient;
pub(crate) use input_gradient::input_gradient_of_counted;
pub use outer::weight_gradient;
pub(crate) use outer::{Left, outer_product};

use std::ops::Range;

use crate::dispatch::{Kernel, dispatch};
use crate::parallel::each_chunk;

/// The sizes of a dense layer's operands: `[batch, inputs]` times `[outputs, inputs]` transposed is `[batch, outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GemmShape {
    /// Samples, at least one.
    pub batch: usize,
    /// Features of a sample, at least one.
    pub inputs: usize,
    /// Features of the layer's output, at least one.
    pub outputs: usize,
}

impl GemmShape {
    /// Panics where a slice does not have the length that its shape says: a wrong product would be worse.
    pub(crate) fn check(self, x: Option<usize>, weight: Option<usize>, y: Option<usize>) {
        let expect = |what: &str, length: Option<usize>, rows: usize, columns: usize| {
            if length.is_some() {
                assert_eq!(length, rows.checked_mul(columns), "{what} is [{rows}, {columns}]");
            }
        };
        assert!(self.batch > 0 && self.inputs > 0 && self.outputs > 0, "an empty product: {self:?}");
        expect("x", x, self.batch, self.inputs);
        expect("the weight", weight, self.outputs, self.inputs);
        expect("y", y, self.batch, self.outputs);
    }

    /// Each task's share of `rows`, in tiles of `tile_rows`: enough tasks that a slow core does not hold the others up, as equal as whole tiles
    /// allow, and one where the product is too small to be worth a hand-over.
    pub(crate) fn tasks(self, rows: usize, tile_rows: usize) -> Vec<Range<usize>> {
        let small = self.batch.saturating_mul(self.inputs).saturating_mul(self.outputs) < 1 << 18;
        let tiles = rows.div_ceil(tile_rows);
        let tasks = if small { 1 } else { tiles.min(rayon::current_num_threads() * 4) };
        let first = |task: usize| (task * tiles / tasks * tile_rows).min(rows);
        (0..tasks).map(|task| first(task)..first(task + 1)).collect()
    }
}

/// Pieces of `slice` that follow each other, `length` elements for each of a task's rows.
pub(crate) fn split<'a, T>(mut slice: &'a mut [T], tasks: &[Range<usize>], length: usize) -> Vec<&'a mut [T]> {
    let pieces = tasks.iter().map(|rows| slice.split_off_mut(..(rows.len() * length).min(slice.len())));
    pieces.map(Option::unwrap_or_default).collect()
}

/// Outputs that are taken from the sums' lanes side by side.
const TOGETHER: usize = 8;

/// `y[b, o] = sum + bias[o]` (`y` is `[batch, outputs]`) of sums that are `[outputs, batch]`: in lanes of `W` samples, the panels of a group side by side in
/// each of a task's rows, groups one after the other.
pub(crate) fn write_outputs<const W: usize>(
    y: &mut [f32],
    sums: &[[f32; W]],
    bias: &[f32],
    tasks: &[Range<usize>],
    (group, panels): (usize, usize),
) {
    let outputs = bias.len();
    each_chunk(y, W * outputs, &|p, y| {
        let (first, panel) = (p / group * group, p % group);
        let count = group.min(panels - first);
        for rows in tasks {
            let sums = &sums[rows.start * panels + rows.len() * first..][..rows.len() * count];
            let bias = bias[rows.clone()].chunks(TOGETHER);
            for (at, (sums, bias)) in sums.chunks(TOGETHER * count).zip(bias).enumerate() {
                let lanes: [[f32; W]; TOGETHER] =
                    std::array::from_fn(|o| sums.get(o * count + panel).copied().unwrap_or([0.0; W]));
                let output = rows.start + at * TOGETHER;
                for (sample, y) in y.chunks_exact_mut(outputs).enumerate() {
                    for ((y, lane), bias) in y[output..].iter_mut().zip(&lanes).zip(bias) {
                        *y = lane[sample] + bias;
                    }
                }
            }
        }
    });
}

/// Rows of `dx` (`[batch, inputs]`) out of sums of `W` columns a lane: `[batch, group]` for each group of panels, groups one after the other.
pub(crate) fn gather_rows<const W: usize>(dx: &mut [f32], sums: &[[f32; W]], inputs: usize, group: usize) {
    let (batch, panels) = (dx.len() / inputs, inputs.div_ceil(W));
    each_chunk(dx, inputs, &|b, dx| {
        for (task, dx) in dx.chunks_mut(group * W).enumerate() {
            let first = task * group;
            let count = group.min(panels - first);
            let row = sums[first * batch + b * count..][..count].as_flattened();
            dx.copy_from_slice(&row[..dx.len()]);
        }
    });
}

/// `gradient[o] += Σ_b dy[b, o]`: `dy` is `[batch, outputs]`, `gradient` `[outputs]`.
///
/// # Panics
/// Where `gradient` is empty, or `dy` not a whole number of rows.
pub fn bias_gradient(dy: &[f32], gradient: &mut [f32]) {
    assert!(!gradient.is_empty(), "a layer has at least one output");
    assert_eq!(dy.len() % gradient.len(), 0, "dy is [batch, {}]", gradient.len());
    let outputs = gradient.len();
    each_chunk(gradient, COLUMNS, &|group, gradient| {
        dispatch(ColumnSums { dy, outputs, first: group * COLUMNS, gradient });
    });
}

/// Columns whose sums a task works out.
const COLUMNS: usize = 128;

/// Adds the sums of some neighbouring columns to `gradient`.
struct ColumnSums<'a> {
    dy: &'a [f32],
    outputs: usize,
    first: usize,
    gradient: &'a mut [f32],
}

impl Kernel for ColumnSums<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { dy, outputs, first, gradient } = self;
        let mut sums = [0.0; COLUMNS];
        let sums = &mut sums[..gradient.len()];
        for row in dy.chunks_exact(outputs) {
            for (sum, value) in sums.iter_mut().zip(&row[first..]) {
                *sum += value;
            }
        }
        for (gradient, sum) in gradient.iter_mut().zip(sums) {
            *gradient += *sum;
        }
    }
}
