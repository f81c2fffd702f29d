//! The sizes of the blocks into which the products are cut, under the names that BLIS has for them.

use crate::lanes::{LANES, Lane};

/// Rows of a full tile of the dense products (MR).
pub(crate) const TILE_ROWS: usize = 6;

/// The same where vectors of 512 bits are used, and the panels of such a tile.
pub(crate) const WIDE_TILE_ROWS: usize = 12;
pub(crate) const WIDE_TILE_PANELS: usize = 2;

/// The width of the vectors that a product is compiled for. Its bits are the same by either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vectors {
    /// AVX2's, or the baseline's where that is not there.
    Of256Bits,
    /// AVX-512's.
    Of512Bits,
}

impl Vectors {
    /// Rows of a full tile of the dense products.
    pub(crate) fn tile_rows(self) -> usize {
        match self {
            Self::Of256Bits => TILE_ROWS,
            Self::Of512Bits => WIDE_TILE_ROWS,
        }
    }
}

/// How many lanes of one panel are read before the next panel, and so how many terms a chain has: with sixteen panels a block
/// of 256 KiB, half of a small second-level cache.
pub(crate) const KC: usize = 256;

/// The same where zeros are skipped: as many as a panel in half of a first-level cache has, and as a mask has bits.
pub(crate) const SPARSE_KC: usize = u64::BITS as usize;

/// Panels that a sparse product adds to side by side: as many sums as hide the latency of a multiply-add, in half of AVX2's
/// registers.
pub(crate) const PANELS: usize = 4;

/// Columns of [`PANELS`] panels.
pub(crate) const NC: usize = PANELS * LANES;

/// [`PANELS`] neighbouring panels at one position of the summed index.
pub(crate) type WideLane = [Lane; PANELS];

/// Panels that are read again and again by the rows of a task: a quarter MiB of them.
pub(crate) fn panels_per_block(depth: usize) -> usize {
    (4096 / depth.min(KC)).clamp(4, 64)
}
