//! A sparse matrix times panels that are packed block by block.

use rayon::prelude::*;

use crate::block::Ahead;
use crate::dispatch::dispatch;
use crate::lanes::{LANES, Lanes};
use crate::sparse::{COLUMNS, DEPTH, Runs, SparseBlock, WIDE, WideLane};

/// `out[r, c] = Σ_k runs[r, k] · panels[k, c] + bias[c]`: `out` is `[rows, columns]`, `bias` `[columns]`, or empty for none.
///
/// `pack(k, first, panel)` writes the panels of columns `first..first + 64` for the block of the summed index that begins at `k`; what
/// lies past the matrix' edge is not asked for, or falls off.
pub(super) fn runs_by_panels(
    runs: &Runs,
    pack: impl Fn(usize, usize, &mut [WideLane]) + Sync,
    bias: &[f32],
    columns: usize,
    out: &mut [f32],
) {
    let rows = out.len() / columns;
    let groups = columns.div_ceil(COLUMNS);
    let part_rows = rows_of_a_part(rows, groups, rayon::current_num_threads());
    let parts = rows.div_ceil(part_rows);
    let mut sums = Lanes::scratch(parts * groups * part_rows * WIDE);
    let (sums, _) = sums.as_chunks_mut::<WIDE>();
    sums.par_chunks_mut(part_rows).enumerate().for_each(|(task, sums)| {
        let (group, first_row) = (task % groups, task / groups * part_rows);
        let rows = part_rows.min(rows - first_row);
        sums.fill([[0.0; LANES]; WIDE]);
        let mut panel = Lanes::scratch(DEPTH * WIDE);
        let (panel, _) = panel.as_chunks_mut();
        for block in 0..runs.blocks() {
            pack(block * DEPTH, group * COLUMNS, panel);
            let runs = runs.block(block, first_row, rows);
            dispatch(SparseBlock { runs, panel, sums: &mut sums[..rows], ahead: Ahead::NONE });
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
