//! Copies of matrices in the order in which the products read them.

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};
use crate::lanes::{LANES, Lane, Lanes};
use crate::sparse::{COLUMNS, WIDE, WideLane};

/// How many lanes of one panel are read before the next panel, and so how many terms a chain has: with sixteen panels a block
/// of 256 KiB, half of a small second-level cache.
pub(crate) const DEPTH: usize = 256;

/// The columns of `matrix` (`[rows, columns]`, row-major) from `first` as panels over the rows: lane `k` of a panel holds
/// sixteen neighbours of row `k`. Columns past the end are zero.
pub(crate) fn columns(
    matrix: &[f32],
    columns: usize,
    first_row: usize,
    first: usize,
    panels: &mut [Lane],
    depth: usize,
) {
    for (p, panel) in panels.chunks_exact_mut(depth).enumerate() {
        let column = first + p * LANES;
        let width = LANES.min(columns - column);
        for (k, lane) in panel.iter_mut().enumerate() {
            let source = &matrix[(first_row + k) * columns + column..][..width];
            if let Ok(whole) = <&Lane>::try_from(source) {
                *lane = *whole;
            } else {
                *lane = [0.0; LANES];
                lane[..width].copy_from_slice(source);
            }
        }
    }
}

/// `matrix` (`[rows, columns]`) as panels over the columns: lane `k` of panel `p` holds column `k` of rows `16 p` and the fifteen after.
///
/// Blocks of [`DEPTH`] columns follow each other; within a block, panels follow each other.
pub(crate) fn transposed_blocks(matrix: &[f32], rows: usize, columns: usize) -> Lanes {
    let panels = rows.div_ceil(LANES);
    let mut lanes = Lanes::scratch(panels * columns);
    lanes.par_chunks_mut(panels * DEPTH).enumerate().for_each(|(block, lanes)| {
        let first = block * DEPTH;
        let depth = lanes.len() / panels;
        for (p, panel) in lanes.chunks_exact_mut(depth).enumerate() {
            let height = LANES.min(rows - p * LANES);
            if height < LANES {
                panel.fill([0.0; LANES]);
            }
            for r in 0..height {
                let source = &matrix[(p * LANES + r) * columns + first..][..depth];
                for (lane, value) in panel.iter_mut().zip(source) {
                    lane[r] = *value;
                }
            }
        }
    });
    lanes
}

/// `matrix` (`[rows, columns]`) as `[columns, rows]`.
pub(crate) fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    out.par_chunks_mut(LANES * rows).enumerate().for_each(|(block, out)| {
        let first = block * LANES;
        for r in 0..rows {
            let width = out.len() / rows;
            let source = &matrix[r * columns + first..][..width];
            for (c, value) in source.iter().enumerate() {
                out[c * rows + r] = *value;
            }
        }
    });
    out
}

/// Columns `first..first + 64` of `matrix` (`[rows, columns]`) from row `first_row` on, as wide panels over the rows: lane `k` holds the
/// neighbours of row `first_row + k`. What is past the matrix' edges is left as it is.
pub(crate) fn columns_wide(matrix: &[f32], columns: usize, first: usize, first_row: usize, panel: &mut [WideLane]) {
    let width = COLUMNS.min(columns - first);
    for (row, lane) in matrix[first_row * columns..].chunks_exact(columns).zip(panel) {
        lane.as_flattened_mut()[..width].copy_from_slice(&row[first..first + width]);
    }
}

/// Rows `first..first + 64` of `matrix` (`[rows, columns]`) from column `first_column` on, as wide panels over the columns: lane `k` holds
/// column `first_column + k` of the rows. What is past the matrix' edges is left as it is.
pub(crate) fn transposed_wide(
    matrix: &[f32],
    columns: usize,
    first: usize,
    first_column: usize,
    panel: &mut [WideLane],
) {
    let rows = COLUMNS.min(matrix.len() / columns - first);
    let depth = panel.len().min(columns - first_column);
    let matrix = &matrix[first * columns + first_column..];
    if rows == COLUMNS && depth == panel.len() {
        return dispatch(Transpose { matrix, columns, panel });
    }
    for r in 0..rows {
        for (lane, value) in panel.iter_mut().zip(&matrix[r * columns..][..depth]) {
            lane[r / LANES][r % LANES] = *value;
        }
    }
}

/// A whole panel of [`transposed_wide`], sixteen rows and columns at a time.
struct Transpose<'a> {
    matrix: &'a [f32],
    columns: usize,
    panel: &'a mut [WideLane],
}

impl Kernel for Transpose<'_> {
    #[inline(always)]
    fn run(self) {
        for p in 0..WIDE {
            for (k, lanes) in self.panel.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let rows: [Lane; LANES] = std::array::from_fn(|r| {
                    let at = (p * LANES + r) * self.columns + k * LANES;
                    *self.matrix[at..].first_chunk().unwrap_or(&[0.0; LANES])
                });
                let columns = (0..LANES.ilog2()).fold(rows, |rows, _| interleave(rows));
                for (lane, column) in lanes.iter_mut().zip(columns) {
                    lane[p] = column;
                }
            }
        }
    }
}

/// Shuffles the first eight rows with the last eight, value by value. Four times over, rows have become columns.
#[inline(always)]
fn interleave(rows: [Lane; LANES]) -> [Lane; LANES] {
    let mut out = [[0.0; LANES]; LANES];
    for i in 0..LANES / 2 {
        for c in 0..LANES {
            out[2 * i + c / 8][2 * c % LANES] = rows[i][c];
            out[2 * i + c / 8][2 * c % LANES + 1] = rows[i + LANES / 2][c];
        }
    }
    out
}
