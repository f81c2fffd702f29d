//! The innermost product: rows, read where they lie, times packed panels of the other operand.

use super::loops::{chains, spread_out};
use super::native::is_native;
use super::rows::Rows;
use super::{PAIRS, PairLane, SumLane, TILE_ROWS};
use crate::dispatch::Kernel;
use crate::prefetch::Prefetch;

/// `sums[r][p] += Σ_k rows[first_row + r][first_k + k] · panels[p][k]`, the block's terms a chain of their own, then added.
pub(super) struct Block<'a> {
    /// The left matrix, and its row length in values.
    pub(super) rows: Rows<'a>,
    pub(super) row_length: usize,
    /// The first row of this block.
    pub(super) first_row: usize,
    /// The first position of the summed index.
    pub(super) first_k: usize,
    /// How many pairs of the summed index; each panel has as many lanes.
    pub(super) depth: usize,
    /// Panels one after another, `depth` lanes each.
    pub(super) panels: &'a [PairLane],
    /// The smallest value of the panels that is not zero, as [`smallest`] has it.
    pub(super) smallest: u32,
    /// `[rows, panels]` sums.
    pub(super) sums: &'a mut [SumLane],
    /// What will be read soon.
    pub(super) prefetch: Prefetch<'a>,
}

impl Kernel for Block<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { rows, row_length, first_row, first_k, depth, panels, sums, prefetch, .. } = self;
        let count = panels.len() / depth;
        let mut near = [[0; PAIRS]; TILE_ROWS];
        let mut spread = [[[0.0; 2]; PAIRS]; TILE_ROWS];
        for (tile, sums) in sums.chunks_mut(TILE_ROWS * count).enumerate() {
            let height = sums.len() / count;
            let row = first_row + tile * TILE_ROWS;
            for (r, near) in near[..height].iter_mut().enumerate() {
                rows.read(row + r, row_length, first_k, &mut near[..depth]);
            }
            let how = How::of(&near[..height], depth, self.smallest);
            if how != How::Instruction {
                spread_out(&near[..height], &mut spread);
            }
            for (p, panel) in panels.chunks_exact(depth).enumerate() {
                for r in 0..height {
                    prefetch.issue(tile * TILE_ROWS + r, p);
                }
                let mut r = 0;
                while r < height {
                    let sums = sums[r * count..].iter_mut().skip(p).step_by(count);
                    let tile = Tile { pairs: &near[r..], spread: &spread[r..], panel };
                    r += match (height - r, how) {
                        (12.., How::Instruction) => tile.by_instruction::<12>(sums),
                        (4.., How::Instruction) => tile.by_instruction::<4>(sums),
                        (_, How::Instruction) => tile.by_instruction::<1>(sums),
                        (6.., How::MultiplyAdd) => tile.by_multiply_adds::<6, false>(sums),
                        (3.., How::MultiplyAdd) => tile.by_multiply_adds::<3, false>(sums),
                        (_, How::MultiplyAdd) => tile.by_multiply_adds::<1, false>(sums),
                        _ => tile.by_multiply_adds::<1, true>(sums),
                    };
                }
            }
        }
    }
}

/// How a chain is computed; the bits are the same.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// By `vdpbf16ps`.
    Instruction,
    /// By multiply-adds of 32-bit floats, where no sum can be subnormal.
    MultiplyAdd,
    /// By such, each sum looked at.
    Flushing,
}

impl How {
    #[inline(always)]
    fn of(rows: &[[u32; PAIRS]], depth: usize, smallest_of_panels: u32) -> Self {
        if is_native() {
            return Self::Instruction;
        }
        let smallest = rows.iter().map(|row| smallest(&row[..depth])).min().unwrap_or(u32::MAX);
        // A value of exponent e is a multiple of 2^(e - 7). Where the products of all are multiples of 2^-126, so are their sums, rounded or not: zero or
        // normal numbers. Exponents are stored with 127 added.
        let exponents = (smallest >> 7) + (smallest_of_panels >> 7);
        if exponents >= 2 * (127 + 7) - 126 { Self::MultiplyAdd } else { Self::Flushing }
    }
}

/// Some rows, as pairs and as 32-bit floats, and a panel.
struct Tile<'a> {
    pairs: &'a [[u32; PAIRS]],
    spread: &'a [[[f32; 2]; PAIRS]],
    panel: &'a [PairLane],
}

impl Tile<'_> {
    /// Adds the chains of the first `R` rows to `sums`, one for each row, and says how many there were.
    #[inline(always)]
    fn by_instruction<'s, const R: usize>(&self, sums: impl Iterator<Item = &'s mut SumLane>) -> usize {
        let Some(rows) = self.pairs.first_chunk::<R>() else { return R };
        add(super::instruction::chains(rows, self.panel), sums)
    }

    /// The same without the instruction, half a panel at a time: as many sums as AVX2 has registers for.
    #[inline(always)]
    fn by_multiply_adds<'s, const R: usize, const FLUSHING: bool>(
        &self,
        sums: impl Iterator<Item = &'s mut SumLane>,
    ) -> usize {
        // No closure, which would be compiled for the baseline.
        let Some(rows) = self.spread.first_chunk::<R>() else { return R };
        add(chains::<R, FLUSHING>(rows, self.panel), sums)
    }
}

#[inline(always)]
fn add<'s, const R: usize>(chains: [SumLane; R], sums: impl Iterator<Item = &'s mut SumLane>) -> usize {
    for (sums, chains) in sums.zip(chains) {
        for (sum, chain) in sums.iter_mut().zip(chains) {
            *sum += chain;
        }
    }
    R
}

/// The bits of the smallest value that is not zero, without its sign.
#[inline(always)]
pub(super) fn smallest(pairs: &[u32]) -> u32 {
    // Of zero, one below which everything is: it wraps around.
    let magnitude = |bits: u32| (bits & 0x7fff).wrapping_sub(1);
    pairs.iter().fold(0x7fff, |least, pair| least.min(magnitude(*pair)).min(magnitude(pair >> 16))) + 1
}
