//! Copies of matrices in the order in which the products read them.

use rayon::prelude::*;

use crate::block::{LANES, Lane};

/// How many lanes of one panel are read before the next panel: with eight panels a block of 256 KiB, half of a
/// second-level cache.
pub(crate) const DEPTH: usize = 512;

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
pub(crate) fn transposed_blocks(matrix: &[f32], rows: usize, columns: usize) -> Vec<Lane> {
    let panels = rows.div_ceil(LANES);
    let mut lanes = vec![[0.0; LANES]; panels * columns];
    lanes.par_chunks_mut(panels * DEPTH).enumerate().for_each(|(block, lanes)| {
        let first = block * DEPTH;
        let depth = lanes.len() / panels;
        for (p, panel) in lanes.chunks_exact_mut(depth).enumerate() {
            let height = LANES.min(rows - p * LANES);
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
