//! The innermost product: rows of one matrix, read where they lie, times packed panels of the other.
//!
//! A tile is six rows by sixteen columns: twelve AVX2 registers of sums, two of the panel, one of the broadcast row
//! element, which is what sixteen registers hold. The loop is plain Rust over arrays; the compiler turns it into
//! two loads, six broadcasts and twelve fused multiply-adds.

use crate::dispatch::Kernel;

/// Columns of a panel.
pub(crate) const LANES: usize = 16;
/// Rows of a full tile.
pub(crate) const TILE_ROWS: usize = 6;

/// One row of a panel: the values of [`LANES`] columns at one position of the summed index.
pub(crate) type Lane = [f32; LANES];

/// `sums[r][p] += Σ_k rows[first_row + r][first_k + k] · panels[p][k]`, each element's chain going on where it stood.
pub(crate) struct Block<'a> {
    /// The left matrix, row-major.
    pub(crate) rows: &'a [f32],
    /// Its row length.
    pub(crate) row_length: usize,
    /// The first row of this block.
    pub(crate) first_row: usize,
    /// The first position of the summed index.
    pub(crate) first_k: usize,
    /// How many positions of the summed index; each panel has as many lanes.
    pub(crate) depth: usize,
    /// Panels one after another, `depth` lanes each.
    pub(crate) panels: &'a [Lane],
    /// `[rows, panels]` sums.
    pub(crate) sums: &'a mut [Lane],
}

impl Kernel for Block<'_> {
    #[inline(always)]
    fn run(self) {
        let panels = self.panels.len() / self.depth;
        let (rows, length, k, depth) = (self.rows, self.row_length, self.first_k, self.depth);
        for (tile, sums) in self.sums.chunks_mut(TILE_ROWS * panels).enumerate() {
            let row = self.first_row + tile * TILE_ROWS;
            match sums.len() / panels {
                6 => tile_row::<6>(rows, length, row, k, depth, self.panels, sums),
                5 => tile_row::<5>(rows, length, row, k, depth, self.panels, sums),
                4 => tile_row::<4>(rows, length, row, k, depth, self.panels, sums),
                3 => tile_row::<3>(rows, length, row, k, depth, self.panels, sums),
                2 => tile_row::<2>(rows, length, row, k, depth, self.panels, sums),
                _ => tile_row::<1>(rows, length, row, k, depth, self.panels, sums),
            }
        }
    }
}

/// `R` rows times every panel: the rows stay in the first-level cache while the panels pass by.
#[inline(always)]
fn tile_row<const R: usize>(
    rows: &[f32],
    row_length: usize,
    row: usize,
    k: usize,
    depth: usize,
    panels: &[Lane],
    sums: &mut [Lane],
) {
    let count = panels.len() / depth;
    let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[(row + r) * row_length + k..][..depth]);
    for (p, panel) in panels.chunks_exact(depth).enumerate() {
        let mut tile: [Lane; R] = std::array::from_fn(|r| sums[r * count + p]);
        multiply_add(rows, panel, &mut tile);
        for (r, lane) in tile.into_iter().enumerate() {
            sums[r * count + p] = lane;
        }
    }
}

#[inline(always)]
fn multiply_add<const R: usize>(rows: [&[f32]; R], panel: &[Lane], tile: &mut [Lane; R]) {
    // Said once here, so that the compiler drops the bounds checks in the loop.
    for row in rows {
        assert_eq!(row.len(), panel.len());
    }
    let mut sums = *tile;
    for k in 0..panel.len() {
        let lane = panel[k];
        for r in 0..R {
            let left = rows[r][k];
            for c in 0..LANES {
                sums[r][c] = left.mul_add(lane[c], sums[r][c]);
            }
        }
    }
    *tile = sums;
}
