//! A sparse matrix times panels that are packed block by block.

use rayon::prelude::*;

use crate::block::Ahead;
use crate::dispatch::dispatch;
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::sparse::{COLUMNS, DEPTH, Sparse, SparseBlock, WIDE, WideLane};

/// The matrix that a sparse one is multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Other<'a> {
    /// Row-major.
    pub(super) matrix: &'a [f32],
    pub(super) row_length: usize,
    /// Whether the index that is summed over goes along its rows instead of down its columns.
    pub(super) transposed: bool,
}

impl<'a> Other<'a> {
    /// Writes the panel of columns `first..first + 64` for the block of the summed index that begins at `k`; what
    /// lies past the matrix' edge is not asked for, or falls off.
    fn pack(self, k: usize, first: usize, panel: &mut [WideLane]) {
        if self.transposed {
            pack::transposed_wide(self.matrix, self.row_length, first, k, panel);
        } else {
            pack::columns_wide(self.matrix, self.row_length, first, k, panel);
        }
    }

    /// What that panel is packed from: one row after the other in so many turns, for it lies wide apart in memory.
    fn ahead(self, k: usize, first: usize, turns: usize) -> Ahead<'a> {
        let (first_row, first_column) = if self.transposed { (first, k) } else { (k, first) };
        let lines = (DEPTH * WIDE).div_ceil(turns);
        Ahead { matrix: self.matrix, row_length: self.row_length, first_row, first_column, lines }
    }
}

/// `out[r, c] = Σ_k sparse[r, k] · other[k, c] + bias[c]`: `out` is `[rows, columns]`, `bias` `[columns]`, or empty for none.
pub(super) fn nonzeros_by_panels(sparse: &Sparse, other: Other<'_>, bias: &[f32], columns: usize, out: &mut [f32]) {
    let rows = out.len() / columns;
    let groups = columns.div_ceil(COLUMNS);
    let part_rows = rows_of_a_part(rows, groups, rayon::current_num_threads());
    let parts = rows.div_ceil(part_rows);
    let mut sums = Lanes::scratch(parts * groups * part_rows * WIDE);
    let (sums, _) = sums.as_chunks_mut::<WIDE>();
    sums.par_chunks_mut(part_rows).enumerate().for_each(|(task, sums)| {
        let (group, first_row) = (task % groups, task / groups * part_rows);
        let rows = part_rows.min(rows - first_row);
        let sums = &mut sums[..rows];
        sums.fill([[0.0; LANES]; WIDE]);
        let mut panel = Lanes::scratch(DEPTH * WIDE);
        let (panel, _) = panel.as_chunks_mut();
        for block in 0..sparse.blocks() {
            other.pack(block * DEPTH, group * COLUMNS, panel);
            let ahead = other.ahead((block + 1) * DEPTH, group * COLUMNS, rows);
            let rows = sparse.block(block, first_row, rows);
            dispatch(SparseBlock { rows, panel, sums, ahead });
        }
    });
    let sums: &[WideLane] = sums;
    out.par_chunks_mut(columns).enumerate().for_each(|(r, out)| {
        let (part, row) = (r / part_rows, r % part_rows);
        for (group, out) in out.chunks_mut(COLUMNS).enumerate() {
            let sums = sums[(part * groups + group) * part_rows + row].as_flattened();
            if bias.is_empty() {
                out.copy_from_slice(&sums[..out.len()]);
            } else {
                let bias = &bias[group * COLUMNS..];
                for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
                    *out = sum + bias;
                }
            }
        }
    });
}

/// Where there are few groups of columns, threads share them: each packs them again, for rows of its own.
fn rows_of_a_part(rows: usize, groups: usize, threads: usize) -> usize {
    let parts = (2 * threads / groups).clamp(1, rows.div_ceil(2 * DEPTH));
    rows.div_ceil(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40,001 rows in 250 parts are 161 each, and 249 parts hold them: a count of parts taken for granted begins one past the end.
    #[test]
    fn every_part_begins_within_the_rows() {
        for (rows, groups, threads) in [(40_001, 1, 125), (130, 1, 2), (1, 1, 64), (257, 3, 8), (512, 16, 2)] {
            let part_rows = rows_of_a_part(rows, groups, threads);
            let parts = rows.div_ceil(part_rows);
            assert!((parts - 1) * part_rows < rows && parts * part_rows >= rows, "{rows} rows, {threads} threads");
        }
    }
}
