//! The innermost product: rows of one matrix, read where they lie, times packed panels of the other.
//!
//! A tile is six rows by sixteen columns: twelve AVX2 registers of sums, two of the panel, one of the broadcast row
//! element, which is what sixteen registers hold. The loop is plain Rust over arrays; the compiler turns it into
//! two loads, six broadcasts and twelve fused multiply-adds. Where 512 bits pay it is twelve rows by thirty-two columns: 24 of AVX-512's 32
//! registers of sums, two of panels, one of the row element.

use crate::dispatch::{Kernel, dispatch, dispatch_to_avx512};
use crate::geometry::{KC, TILE_ROWS, Vectors, WIDE_TILE_PANELS, WIDE_TILE_ROWS};
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

impl<'a> Block<'a> {
    /// Adds the products to the sums by vectors of that width.
    ///
    /// # Panics
    /// Where the processor has none of 512 bits, and they are asked for.
    pub(crate) fn compute(self, vectors: Vectors) {
        match vectors {
            Vectors::Of256Bits => dispatch(self),
            Vectors::Of512Bits => dispatch_to_avx512(InWideTiles(self)),
        }
    }

    /// The sums, and the rest.
    #[inline(always)]
    fn split(self) -> (&'a mut [Lane], Tiles<'a>) {
        let Self { rows, row_length, first_row, first_k, depth, panels, sums, sums_length, then, prefetch } = self;
        (sums, Tiles { rows, row_length, first_row, first_k, depth, panels, sums_length, then, prefetch })
    }
}

impl Kernel for Block<'_> {
    #[inline(always)]
    fn run(self) {
        let (sums, tiles) = self.split();
        let rows = sums.len().div_ceil(tiles.sums_length);
        let mut near = [[0.0; KC]; TILE_ROWS];
        let mut r = 0;
        while r < rows {
            let sums = &mut sums[r * tiles.sums_length..];
            r += match rows - r {
                6.. => tiles.row::<6, 1>(r, sums, &mut near),
                5 => tiles.row::<5, 1>(r, sums, &mut near),
                4 => tiles.row::<4, 1>(r, sums, &mut near),
                3 => tiles.row::<3, 1>(r, sums, &mut near),
                2 => tiles.row::<2, 1>(r, sums, &mut near),
                _ => tiles.row::<1, 1>(r, sums, &mut near),
            };
        }
    }
}

/// A [`Block`] in tiles for registers of 512 bits.
struct InWideTiles<'a>(Block<'a>);

impl Kernel for InWideTiles<'_> {
    #[inline(always)]
    fn run(self) {
        const PANELS: usize = WIDE_TILE_PANELS;
        let (sums, tiles) = self.0.split();
        let rows = sums.len().div_ceil(tiles.sums_length);
        let mut near = [[0.0; KC]; WIDE_TILE_ROWS];
        let mut r = 0;
        while r < rows {
            let sums = &mut sums[r * tiles.sums_length..];
            r += match rows - r {
                12.. => tiles.row::<12, PANELS>(r, sums, &mut near),
                6.. => tiles.row::<6, PANELS>(r, sums, &mut near),
                3.. => tiles.row::<3, PANELS>(r, sums, &mut near),
                _ => tiles.row::<1, PANELS>(r, sums, &mut near),
            };
        }
    }
}

/// A [`Block`] without its sums.
struct Tiles<'a> {
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

impl Tiles<'_> {
    /// `R` rows, from the block's row `first` on, times every panel, `P` at a time: the rows stay in the first-level cache while the panels pass by.
    /// Says how many rows those were.
    ///
    /// They are copied to `near` for that: rows of 3072 or 2048 values lie a multiple of 4 KiB apart, where that cache has
    /// room for eight lines, whichever rows they are of.
    #[inline(always)]
    fn row<const R: usize, const P: usize>(&self, first: usize, sums: &mut [Lane], near: &mut [[f32; KC]]) -> usize {
        let depth = self.depth;
        for (r, near) in near.iter_mut().enumerate().take(R) {
            let row = self.first_row + first + r;
            near[..depth].copy_from_slice(&self.rows[row * self.row_length + self.first_k..][..depth]);
        }
        let rows: [&[f32]; R] = std::array::from_fn(|r| &near[r][..depth]);
        let mut groups = self.panels.chunks_exact(P * depth);
        let mut p = 0;
        for panels in &mut groups {
            self.tile::<R, P>(rows, panels, (first, p), sums);
            p += P;
        }
        if P > 1 {
            for panel in groups.remainder().chunks_exact(depth) {
                self.tile::<R, 1>(rows, panel, (first, p), sums);
                p += 1;
            }
        }
        R
    }

    /// `R` rows times `P` panels, the block's from row `first` and panel `at` on.
    #[inline(always)]
    fn tile<const R: usize, const P: usize>(
        &self,
        rows: [&[f32]; R],
        panels: &[Lane],
        (first, at): (usize, usize),
        sums: &mut [Lane],
    ) {
        let Then { is_first, bias } = self.then;
        for p in 0..P {
            for r in 0..R {
                self.prefetch.issue(first + r, at + p);
            }
        }
        let panels: [&[Lane]; P] = std::array::from_fn(|p| &panels[p * self.depth..][..self.depth]);
        for (r, chains) in chains(rows, panels).into_iter().enumerate() {
            for (p, chain) in chains.into_iter().enumerate() {
                let sums = &mut sums[r * self.sums_length + at + p];
                for c in 0..LANES {
                    let before = if is_first { 0.0 } else { sums[c] };
                    sums[c] = before + chain[c];
                }
                if let Some(bias) = bias.get(at + p) {
                    for c in 0..LANES {
                        sums[c] += bias[c];
                    }
                }
            }
        }
    }
}

/// `Σ_k rows[r][k] · panels[p][k]`, a chain of fused multiply-adds for each element.
#[inline(always)]
pub(crate) fn chains<const R: usize, const P: usize>(rows: [&[f32]; R], panels: [&[Lane]; P]) -> [[Lane; P]; R] {
    let depth = panels[0].len();
    // Said once here, so that the compiler drops the bounds checks in the loop.
    for row in rows {
        assert_eq!(row.len(), depth);
    }
    for panel in panels {
        assert_eq!(panel.len(), depth);
    }
    let mut chains = [[[0.0; LANES]; P]; R];
    for k in 0..depth {
        for r in 0..R {
            let left = rows[r][k];
            for p in 0..P {
                for c in 0..LANES {
                    chains[r][p][c] = left.mul_add(panels[p][k][c], chains[r][p][c]);
                }
            }
        }
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Lanes;

    /// On processors without AVX-512 too: the tiles' loops are the same, compiled for what is there.
    #[test]
    fn wide_tiles_have_the_bits_of_narrow_ones() {
        let value = |i: usize| (i * 7919 % 1013) as f32 * 1e-3 - 0.5;
        for (rows, panels, depth, is_first) in [
            (1, 1, 1, true),
            (2, 2, 5, false),
            (5, 3, KC, true),
            (11, 4, 33, false),
            (12, 5, 64, true),
            (31, 7, 100, false),
        ] {
            let left: Vec<f32> = (0..rows * depth).map(value).collect();
            let lane = |at: usize| std::array::from_fn(|c| value(at * LANES + c));
            let mut packed = Lanes::scratch(panels * depth);
            packed.iter_mut().enumerate().for_each(|(at, packed)| *packed = lane(at));
            let bias: Vec<Lane> = (0..panels).map(lane).collect();
            let mut sums = [Lanes::scratch(rows * panels), Lanes::scratch(rows * panels)];
            for (way, sums) in sums.iter_mut().enumerate() {
                sums.fill([0.1; LANES]);
                let block = Block {
                    rows: &left,
                    row_length: depth,
                    first_row: 0,
                    first_k: 0,
                    depth,
                    panels: &packed,
                    sums,
                    sums_length: panels,
                    then: Then { is_first, bias: if is_first { &bias } else { &[] } },
                    prefetch: Prefetch::NONE,
                };
                if way == 0 { dispatch(block) } else { dispatch(InWideTiles(block)) }
            }
            assert_eq!(sums[0][..], sums[1][..], "{rows} rows, {panels} panels, {depth} deep");
        }
    }
}
