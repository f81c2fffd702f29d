//! A sparse matrix times panels that are packed block by block.

use crate::geometry::{NC, PANELS, SPARSE_KC, WideLane};
use crate::lanes::{LANES, Lanes};
use crate::pack;
use crate::parallel::each_chunk;
use crate::prefetch::Prefetch;
use crate::sparse::Sparse;
use crate::sparse_block::SparseBlock;
use crate::vectors::vectors;

/// The matrix that a sparse one is multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Rhs<'a> {
    /// Row-major.
    pub(super) matrix: &'a [f32],
    pub(super) row_length: usize,
    /// Whether the index that is summed over goes along its rows instead of down its columns.
    pub(super) transposed: bool,
}

impl<'a> Rhs<'a> {
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
    fn prefetch(self, k: usize, first: usize, turns: usize) -> Prefetch<'a> {
        let (first_row, first_column) = if self.transposed { (first, k) } else { (k, first) };
        let lines = (SPARSE_KC * PANELS).div_ceil(turns);
        Prefetch { matrix: self.matrix, row_length: self.row_length, first_row, first_column, lines }
    }
}

/// `out[r, c] = Σ_k sparse[r, k] · rhs[k, c] + bias[c]`: `out` is `[rows, columns]`, `bias` `[columns]`, or empty for none.
pub(super) fn sparse_times_dense(sparse: &Sparse, rhs: Rhs<'_>, bias: &[f32], columns: usize, out: &mut [f32]) {
    let rows = out.len() / columns;
    let groups = columns.div_ceil(NC);
    let (parts, part_rows) = parts_of_rows(rows, groups, rayon::current_num_threads());
    let mut sums = Lanes::scratch(parts * groups * part_rows * PANELS);
    let (sums, _) = sums.as_chunks_mut::<PANELS>();
    let vectors = vectors();
    each_chunk(sums, part_rows, &|task, sums| {
        let (group, first_row) = (task % groups, task / groups * part_rows);
        let rows = part_rows.min(rows - first_row);
        let sums = &mut sums[..rows];
        sums.fill([[0.0; LANES]; PANELS]);
        let mut panel = Lanes::scratch(SPARSE_KC * PANELS);
        let (panel, _) = panel.as_chunks_mut();
        for block in 0..sparse.blocks() {
            rhs.pack(block * SPARSE_KC, group * NC, panel);
            let prefetch = rhs.prefetch((block + 1) * SPARSE_KC, group * NC, rows);
            let rows = sparse.block(block, first_row, rows);
            SparseBlock { rows, panel, sums, prefetch }.compute(vectors);
        }
    });
    let sums: &[WideLane] = sums;
    each_chunk(out, columns, &|r, out| {
        let (part, row) = (r / part_rows, r % part_rows);
        for (group, out) in out.chunks_mut(NC).enumerate() {
            let sums = sums[(part * groups + group) * part_rows + row].as_flattened();
            if bias.is_empty() {
                out.copy_from_slice(&sums[..out.len()]);
            } else {
                let bias = &bias[group * NC..];
                for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
                    *out = sum + bias;
                }
            }
        }
    });
}

/// How many parts the rows are in, and the rows of each but the last. Where there are few groups of columns, threads share them: each packs them
/// again, for rows of its own.
fn parts_of_rows(rows: usize, groups: usize, threads: usize) -> (usize, usize) {
    let parts = (2 * threads / groups).clamp(1, rows.div_ceil(2 * SPARSE_KC));
    let part_rows = rows.div_ceil(parts);
    // Whole parts may need fewer of them than were asked for.
    (rows.div_ceil(part_rows), part_rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40,001 rows in 250 parts are 161 each, and 249 parts hold them: a count of parts taken for granted begins one past the end.
    #[test]
    fn every_task_starts_within_the_rows() {
        for (rows, groups, threads) in [(40_001, 1, 125), (130, 1, 2), (1, 1, 64), (257, 3, 8), (512, 16, 2)] {
            let (parts, part_rows) = parts_of_rows(rows, groups, threads);
            assert!((parts - 1) * part_rows < rows && parts * part_rows >= rows, "{rows} rows, {threads} threads");
        }
    }
}
