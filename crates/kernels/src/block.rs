//! The innermost product: rows of one matrix, read where they lie, times packed panels of the other.
//!
//! A tile is six rows by sixteen columns: twelve AVX2 registers of sums, two of the panel, one of the broadcast row
//! element, which is what sixteen registers hold. The loop is plain Rust over arrays; the compiler turns it into
//! two loads, six broadcasts and twelve fused multiply-adds.

use crate::dispatch::Kernel;
use crate::geometry::{KC, TILE_ROWS};
use crate::lanes::{LANES, Lane};
use crate::prefetch::Prefetch;

/// What a block's chains are added to, and what to the sums.
#[derive(Clone, Copy)]
pub(crate) struct Then<'a> {
    /// The chains are added to zero, whatever was there.
    pub(crate) is_first: bool,
    /// A lane for each panel, added to the sums; none for nothing.
    pub(crate) bias: &'a [Lane],
}

impl Then<'_> {
    /// The chains are added to the sums.
    pub(crate) const ADD: Self = Self { is_first: false, bias: &[] };
}

/// `sums[r][p] += Σ_k rows[first_row + r][first_k + k] · panels[p][k]`, the block's terms a chain of their own, then added.
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
    /// `[rows, panels]` sums, and what lies between one row's and the next.
    pub(crate) sums: &'a mut [Lane],
    /// Lanes from a row of sums to the next; of the last row those of the panels are there at least.
    pub(crate) sums_length: usize,
    /// What becomes of the sums.
    pub(crate) then: Then<'a>,
    /// What will be read soon.
    pub(crate) prefetch: Prefetch<'a>,
}

impl Kernel for Block<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { rows, row_length, first_row, first_k, depth, panels, sums, sums_length, then, prefetch } = self;
        let at = Tile { rows, row_length, first_row, first_k, depth, panels, sums_length, then, prefetch };
        let mut near = [[0.0; KC]; TILE_ROWS];
        for (tile, sums) in sums.chunks_mut(TILE_ROWS * sums_length).enumerate() {
            match sums.len().div_ceil(sums_length) {
                6 => at.row::<6>(tile, sums, &mut near),
                5 => at.row::<5>(tile, sums, &mut near),
                4 => at.row::<4>(tile, sums, &mut near),
                3 => at.row::<3>(tile, sums, &mut near),
                2 => at.row::<2>(tile, sums, &mut near),
                _ => at.row::<1>(tile, sums, &mut near),
            }
        }
    }
}

/// A [`Block`] without its sums.
struct Tile<'a> {
    rows: &'a [f32],
    row_length: usize,
    first_row: usize,
    first_k: usize,
    depth: usize,
    panels: &'a [Lane],
    sums_length: usize,
    then: Then<'a>,
    prefetch: Prefetch<'a>,
}

impl Tile<'_> {
    /// `R` rows times every panel: the rows stay in the first-level cache while the panels pass by.
    ///
    /// They are copied to `near` for that: rows of 3072 or 2048 values lie a multiple of 4 KiB apart, where that cache has
    /// room for eight lines, whichever rows they are of.
    #[inline(always)]
    fn row<const R: usize>(&self, tile: usize, sums: &mut [Lane], near: &mut [[f32; KC]; TILE_ROWS]) {
        let (depth, Then { is_first, bias }) = (self.depth, self.then);
        let row = self.first_row + tile * TILE_ROWS;
        for (r, near) in near.iter_mut().enumerate().take(R) {
            near[..depth].copy_from_slice(&self.rows[(row + r) * self.row_length + self.first_k..][..depth]);
        }
        let rows: [&[f32]; R] = std::array::from_fn(|r| &near[r][..depth]);
        for (p, panel) in self.panels.chunks_exact(depth).enumerate() {
            for r in 0..R {
                self.prefetch.issue(tile * TILE_ROWS + r, p);
            }
            let bias = bias.get(p);
            for (r, chain) in chains(rows, panel).into_iter().enumerate() {
                let sums = &mut sums[r * self.sums_length + p];
                for c in 0..LANES {
                    let before = if is_first { 0.0 } else { sums[c] };
                    sums[c] = before + chain[c];
                }
                if let Some(bias) = bias {
                    for c in 0..LANES {
                        sums[c] += bias[c];
                    }
                }
            }
        }
    }
}

/// `Σ_k rows[r][k] · panel[k]`, a chain of fused multiply-adds for each element.
#[inline(always)]
fn chains<const R: usize>(rows: [&[f32]; R], panel: &[Lane]) -> [Lane; R] {
    // Said once here, so that the compiler drops the bounds checks in the loop.
    for row in rows {
        assert_eq!(row.len(), panel.len());
    }
    let mut chains = [[0.0; LANES]; R];
    for k in 0..panel.len() {
        let lane = panel[k];
        for r in 0..R {
            let left = rows[r][k];
            for c in 0..LANES {
                chains[r][c] = left.mul_add(lane[c], chains[r][c]);
            }
        }
    }
    chains
}
