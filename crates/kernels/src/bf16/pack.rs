//! Copies of the right operand in the order in which the products read it.

use std::sync::atomic::{AtomicU32, Ordering};

use super::block::smallest;
use super::native::is_native;
use super::rows::{Rows, pair};
use super::value::Operand;
use super::{Bf16, COLUMNS, PAIRS, PairLane};
use crate::dispatch::{Kernel, dispatch};
use crate::lanes::Lanes;
use crate::parallel::each_chunk;

/// Lanes of sixteen values in a [`PairLane`].
const HALVES: usize = 2;

/// Panels, and the smallest of their values that is not zero.
pub(super) struct Panels {
    lanes: Lanes<u32>,
    pub(super) smallest: u32,
}

impl Panels {
    /// `count` lanes of panels, in pieces of `piece` lanes which `pack` fills with what it is given the number of.
    pub(super) fn packed(count: usize, piece: usize, pack: impl Fn(usize, &mut [PairLane]) + Sync) -> Self {
        let mut lanes = Lanes::scratch(count * HALVES);
        let least = AtomicU32::new(u32::MAX);
        each_chunk(&mut lanes, piece * HALVES, &|at, lanes| {
            pack(at, wide_mut(lanes));
            least.fetch_min(smallest_of(lanes), Ordering::Relaxed);
        });
        Self { lanes, smallest: least.into_inner() }
    }

    pub(super) fn lanes(&self) -> &[PairLane] {
        let (wide, _) = self.lanes.as_flattened().as_chunks();
        wide
    }
}

/// Lanes of panels out of lanes of sixteen.
pub(super) fn wide_mut(lanes: &mut [[u32; COLUMNS / HALVES]]) -> &mut [PairLane] {
    let (wide, _) = lanes.as_flattened_mut().as_chunks_mut();
    wide
}

/// As [`smallest`]; asked for by loops without the instruction only.
pub(super) fn smallest_of(lanes: &[[u32; COLUMNS / HALVES]]) -> u32 {
    let mut result = u32::MAX;
    if !is_native() {
        dispatch(Smallest { pairs: lanes.as_flattened(), result: &mut result });
    }
    result
}

struct Smallest<'a> {
    pairs: &'a [u32],
    result: &'a mut u32,
}

impl Kernel for Smallest<'_> {
    #[inline(always)]
    fn run(self) {
        *self.result = smallest(self.pairs);
    }
}

/// A row-major matrix whose rows are summed over: lane `k` of a panel holds rows `2k` and `2k + 1` of its columns.
pub(super) struct Columns<'a, T> {
    pub(super) matrix: &'a [T],
    pub(super) row_length: usize,
    pub(super) first_row: usize,
    pub(super) first_column: usize,
    /// Panels of `depth` lanes each; columns and rows past the matrix' end are zero.
    pub(super) panels: &'a mut [PairLane],
    pub(super) depth: usize,
}

impl<T: Operand> Kernel for Columns<'_, T> {
    #[inline(always)]
    fn run(self) {
        let Self { matrix, row_length, first_row, first_column, panels, depth } = self;
        for (p, panel) in panels.chunks_exact_mut(depth).enumerate() {
            let column = first_column + p * COLUMNS;
            let width = COLUMNS.min(row_length - column);
            let row = |at: usize| matrix.get(at * row_length + column..).and_then(|row| row.get(..width));
            for (k, lane) in panel.iter_mut().enumerate() {
                let Some(first) = row(first_row + 2 * k) else { continue };
                let second = row(first_row + 2 * k + 1);
                match (<&[T; COLUMNS]>::try_from(first), second.map(<&[T; COLUMNS]>::try_from)) {
                    (Ok(first), Some(Ok(second))) => {
                        for c in 0..COLUMNS {
                            lane[c] = pair(first[c].bits(), second[c].bits());
                        }
                    }
                    _ => {
                        *lane = [0; COLUMNS];
                        for (c, lane) in lane[..width].iter_mut().enumerate() {
                            *lane = pair(first[c].bits(), second.map_or(0, |second| second[c].bits()));
                        }
                    }
                }
            }
        }
    }
}

/// `matrix` (`[rows, columns]`) as panels over the columns: lane `k` of panel `p` holds pair `k` of rows `32 p` and the 31 after.
///
/// Blocks of [`PAIRS`] pairs follow each other; within a block, panels follow each other.
pub(super) fn transposed_blocks(matrix: &[Bf16], rows: usize, columns: usize) -> Panels {
    let count = rows.div_ceil(COLUMNS);
    Panels::packed(count * columns.div_ceil(2), count * PAIRS, |block, lanes| {
        let depth = lanes.len() / count;
        for (p, panel) in lanes.chunks_exact_mut(depth).enumerate() {
            let (first_row, first_column) = (p * COLUMNS, block * PAIRS * 2);
            let height = COLUMNS.min(rows - first_row);
            dispatch(Transpose { matrix, row_length: columns, first_row, height, first_column, panel });
        }
    })
}

struct Transpose<'a> {
    matrix: &'a [Bf16],
    row_length: usize,
    first_row: usize,
    height: usize,
    first_column: usize,
    panel: &'a mut [PairLane],
}

impl Kernel for Transpose<'_> {
    #[inline(always)]
    fn run(self) {
        const TOGETHER: usize = 8;
        let Self { matrix, row_length, first_row, height, first_column, panel } = self;
        for first in (0..COLUMNS).step_by(TOGETHER) {
            // Read with leaps and written in one piece, as the products of 32-bit floats do.
            let mut near = [[0; PAIRS]; TOGETHER];
            for (r, near) in near.iter_mut().enumerate().take(height.saturating_sub(first)) {
                Rows::Bf16(matrix).read(first_row + first + r, row_length, first_column, &mut near[..panel.len()]);
            }
            for (k, lane) in panel.iter_mut().enumerate() {
                let pairs: [u32; TOGETHER] = std::array::from_fn(|r| near[r][k]);
                lane[first..][..TOGETHER].copy_from_slice(&pairs);
            }
        }
    }
}

/// `matrix` (`[rows, columns]`) as rows of pairs of neighbours in a column: `[columns, rows / 2]`, and whatever fills the last lane.
pub(super) fn transposed_pairs(matrix: &[Bf16], rows: usize, columns: usize) -> Lanes<u32> {
    /// Columns of a task.
    const STRIP: usize = 32;
    let length = rows.div_ceil(2);
    let mut lanes = Lanes::scratch((columns * length).div_ceil(COLUMNS / HALVES));
    let out = &mut lanes.as_flattened_mut()[..columns * length];
    each_chunk(out, STRIP * length, &|strip, out| {
        dispatch(TransposePairs { matrix, rows, columns, first_column: strip * STRIP, out });
    });
    lanes
}

struct TransposePairs<'a> {
    matrix: &'a [Bf16],
    rows: usize,
    columns: usize,
    first_column: usize,
    out: &'a mut [u32],
}

impl Kernel for TransposePairs<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { matrix, rows, columns, first_column, out } = self;
        let length = rows.div_ceil(2);
        let width = out.len() / length;
        let row = |r: usize| &matrix[r * columns + first_column..][..width];
        for k in 0..rows / 2 {
            let (first, second) = (row(2 * k), row(2 * k + 1));
            for c in 0..width {
                out[c * length + k] = pair(first[c].bits(), second[c].bits());
            }
        }
        if rows % 2 == 1 {
            for (c, last) in row(rows - 1).iter().enumerate() {
                out[c * length + length - 1] = last.bits();
            }
        }
    }
}
