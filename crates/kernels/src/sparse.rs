//! Products in which the zeros of one matrix are skipped.
//!
//! After ReLU or dropout, half of a layer's activations and of the gradients that come back to it are zero, often more.
//! A zero adds nothing to a sum, so a product is left with the multiplications that count: each row of the sparse
//! matrix has a mask of its values that are not zero ([`Sparse`]), and for each of them a wide row of the other matrix
//! is added ([`SparseBlock`]).

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};
use crate::geometry::{NC, PANELS, SPARSE_KC, WideLane};
use crate::lanes::{LANES, Lanes};
use crate::memory::filled;
use crate::parallel::{each_chunk, each_pair};
use crate::prefetch::Prefetch;

/// A matrix with many zeros, in blocks of [`SPARSE_KC`] columns.
pub(crate) struct Sparse {
    /// `[blocks, rows]`, [`SPARSE_KC`] neighbours each.
    values: Lanes,
    /// `[rows, blocks]`: which of the neighbours are not zero, the first one in the lowest bit.
    masks: Vec<u64>,
    rows: usize,
    blocks: usize,
}

/// Rows of a block of a [`Sparse`] matrix.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [[f32; SPARSE_KC]],
    /// From the first row's mask on; the next row's lies `blocks` further.
    masks: &'a [u64],
    blocks: usize,
}

impl Sparse {
    /// `matrix` (`[rows, columns]`, row-major), if so many of its values are zero that skipping them pays.
    ///
    /// `others` is how many columns the other matrix has. The choice depends on the values and sizes alone: it is the same
    /// on every machine and for any number of threads.
    pub(crate) fn of(matrix: &[f32], rows: usize, columns: usize, others: usize) -> Option<Self> {
        let counts = matrix.par_chunks(COUNTED_TOGETHER).map(|values| {
            let mut nonzeros = 0;
            dispatch(Count { values, nonzeros: &mut nonzeros });
            nonzeros
        });
        let nonzeros: usize = counts.sum();
        // What the last, narrower panels waste is work as well.
        let padded = others.next_multiple_of(NC);
        if nonzeros * padded * 4 > matrix.len() * others * 3 {
            return None;
        }
        let blocks = columns.div_ceil(SPARSE_KC);
        let mut masks = filled(rows * blocks, 0);
        each_pair((matrix, columns * LANES), (&mut masks, blocks * LANES), 1, &|matrix, masks| {
            dispatch(Masks { matrix, columns, masks });
        });
        let mut values = Lanes::scratch(blocks * rows * SPARSE_KC / LANES);
        each_chunk(&mut values, rows * SPARSE_KC / LANES, &|block, values| {
            let first = block * SPARSE_KC;
            let depth = SPARSE_KC.min(columns - first);
            for (row, values) in matrix.chunks_exact(columns).zip(values.as_flattened_mut().chunks_exact_mut(SPARSE_KC))
            {
                values[..depth].copy_from_slice(&row[first..first + depth]);
            }
        });
        Some(Self { values, masks, rows, blocks })
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// A block's rows from `first` on.
    pub(crate) fn block(&self, block: usize, first: usize, rows: usize) -> Rows<'_> {
        let at = block * self.rows + first;
        let (values, _) = self.values.as_flattened().as_chunks();
        let masks = &self.masks[first * self.blocks + block..];
        Rows { values: &values[at..at + rows], masks, blocks: self.blocks }
    }
}

/// Values of a task that counts.
const COUNTED_TOGETHER: usize = 1 << 14;

/// How many of some values are not zero.
struct Count<'a> {
    values: &'a [f32],
    nonzeros: &'a mut usize,
}

impl Kernel for Count<'_> {
    #[inline(always)]
    fn run(self) {
        let (lanes, rest) = self.values.as_chunks::<LANES>();
        // No more than COUNTED_TOGETHER each.
        let mut counts = [0u32; LANES];
        for lane in lanes {
            for c in 0..LANES {
                counts[c] += u32::from(lane[c] != 0.0);
            }
        }
        let of_rest = rest.iter().filter(|value| **value != 0.0).count();
        *self.nonzeros = of_rest + counts.iter().map(|count| *count as usize).sum::<usize>();
    }
}

/// The masks of some rows.
struct Masks<'a> {
    matrix: &'a [f32],
    columns: usize,
    masks: &'a mut [u64],
}

impl Kernel for Masks<'_> {
    #[inline(always)]
    fn run(self) {
        let blocks = self.columns.div_ceil(SPARSE_KC);
        for (row, masks) in self.matrix.chunks_exact(self.columns).zip(self.masks.chunks_exact_mut(blocks)) {
            let (whole, rest) = row.as_chunks();
            for (values, mask) in whole.iter().zip(&mut *masks) {
                *mask = mask_of(values);
            }
            if let Some(mask) = masks.get_mut(whole.len()) {
                let mut padded = [0.0; SPARSE_KC];
                padded[..rest.len()].copy_from_slice(rest);
                *mask = mask_of(&padded);
            }
        }
    }
}

#[inline(always)]
fn mask_of(values: &[f32; SPARSE_KC]) -> u64 {
    // A byte each, which vectorises, then eight bytes to eight bits: this product brings bit 0 of byte i to bit 56 + i.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut nonzero = [0; SPARSE_KC];
    for (nonzero, value) in nonzero.iter_mut().zip(values) {
        *nonzero = u8::from(*value != 0.0);
    }
    let (eights, _) = nonzero.as_chunks();
    let bits = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
    eights.iter().rev().fold(0, |mask, eight| mask << 8 | bits(eight))
}

/// `sums[r] += Σ_k rows[r][k] · panel[k]`: each element's block a chain of its own, then added.
pub(crate) struct SparseBlock<'a> {
    /// The sparse matrix' rows.
    pub(crate) rows: Rows<'a>,
    /// The block of the other matrix, [`SPARSE_KC`] long; what lies past its end no mask asks for.
    pub(crate) panel: &'a [WideLane],
    /// As many as there are rows.
    pub(crate) sums: &'a mut [WideLane],
    /// What will be read soon, some of it with each row.
    pub(crate) prefetch: Prefetch<'a>,
}

/// Products that a turn of the innermost loop adds.
const UNROLLED: usize = 4;

impl Kernel for SparseBlock<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { rows, panel, sums, prefetch } = self;
        let panel = &panel[..SPARSE_KC];
        for (r, ((values, mask), sums)) in
            rows.values.iter().zip(rows.masks.iter().step_by(rows.blocks)).zip(sums).enumerate()
        {
            prefetch.issue_round_robin(r);
            let mut chain = [[0.0; LANES]; PANELS];
            let mut places = Places(*mask);
            for _ in 0..mask.count_ones() as usize / UNROLLED {
                for _ in 0..UNROLLED {
                    let place = places.next();
                    add_product(&mut chain, values[place], &panel[place]);
                }
            }
            for _ in 0..mask.count_ones() as usize % UNROLLED {
                let place = places.next();
                add_product(&mut chain, values[place], &panel[place]);
            }
            for p in 0..PANELS {
                for c in 0..LANES {
                    sums[p][c] += chain[p][c];
                }
            }
        }
    }
}

/// The set bits of a mask, the lowest first.
struct Places(u64);

impl Places {
    #[inline(always)]
    fn next(&mut self) -> usize {
        // Below 64 even where no bit is set, so that nothing has to be checked where it is used.
        let place = self.0.trailing_zeros() as usize % SPARSE_KC;
        self.0 &= self.0.wrapping_sub(1);
        place
    }
}

/// `chain += value · lanes`.
#[inline(always)]
fn add_product(chain: &mut WideLane, value: f32, lanes: &WideLane) {
    for p in 0..PANELS {
        for c in 0..LANES {
            chain[p][c] = value.mul_add(lanes[p][c], chain[p][c]);
        }
    }
}
