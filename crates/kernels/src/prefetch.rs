//! Asking for memory before it is read.

use crate::dispatch::prefetch;
use crate::geometry::PANELS;
use crate::lanes::LANES;

/// Memory to prefetch while the products are computed, spread over them: some cache lines of each of a tile's rows with
/// every panel. A row's lines are far from the next row's, and no hardware prefetcher foresees them.
#[derive(Clone, Copy)]
pub(crate) struct Prefetch<'a> {
    /// A row-major matrix.
    pub(crate) matrix: &'a [f32],
    /// Its row length.
    pub(crate) row_length: usize,
    /// The row that goes with the block's first.
    pub(crate) first_row: usize,
    /// The column that goes with the first panel.
    pub(crate) first_column: usize,
    /// Cache lines of sixteen values for each row and panel, or for each turn.
    pub(crate) lines: usize,
}

impl Prefetch<'_> {
    /// Nothing to prefetch.
    pub(crate) const NONE: Self = Self { matrix: &[], row_length: 0, first_row: 0, first_column: 0, lines: 0 };

    /// Prefetches what goes with row `row` of the block and with a panel.
    #[inline(always)]
    pub(crate) fn issue(&self, row: usize, panel: usize) {
        let row = (self.first_row + row) * self.row_length + self.first_column;
        for line in 0..self.lines {
            prefetch(self.matrix, row + (panel * self.lines + line) * LANES);
        }
    }

    /// Prefetches `lines` more cache lines of a wide panel's rows, one row after the other from turn to turn.
    #[inline(always)]
    pub(crate) fn issue_round_robin(&self, turn: usize) {
        for line in turn * self.lines..(turn + 1) * self.lines {
            let row = (self.first_row + line / PANELS) * self.row_length + self.first_column;
            prefetch(self.matrix, row + line % PANELS * LANES);
        }
    }
}
