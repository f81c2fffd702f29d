//! Products in which the zeros of one matrix are skipped.
//!
//! After ReLU or dropout, half of a layer's activations and of the gradients that come back to it are zero, often more.
//! A zero adds nothing to a sum, so a product is left with the multiplications that count: each row of the sparse
//! matrix has a mask of its values that are not zero ([`Sparse`]), and for each of them a wide row of the other matrix
//! is added ([`SparseBlock`](crate::sparse_block::SparseBlock)).

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};
use crate::geometry::{NC, SPARSE_KC};
use crate::lanes::{LANES, Lanes};
use crate::memory::filled;
use crate::parallel::{each_chunk, each_pair};

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
    pub(crate) values: &'a [[f32; SPARSE_KC]],
    /// From the first row's mask on; the next row's lies `blocks` further.
    pub(crate) masks: &'a [u64],
    pub(crate) blocks: usize,
}

impl Sparse {
    /// `matrix` (`[rows, columns]`, row-major), if so many of its values are zero that skipping them pays.
    ///
    /// `others` is how many columns the other matrix has. The choice depends on the values and sizes alone: it is the same
    /// on every machine and for any number of threads.
    pub(crate) fn of(matrix: &[f32], rows: usize, columns: usize, others: usize) -> Option<Self> {
        let nonzeros: usize = matrix.par_chunks(COUNTED_TOGETHER).map(nonzeros_of).sum();
        Self::of_counted(matrix, nonzeros, rows, columns, others)
    }

    /// The same of a matrix that has so many values that are not zero.
    pub(crate) fn of_counted(
        matrix: &[f32],
        nonzeros: usize,
        rows: usize,
        columns: usize,
        others: usize,
    ) -> Option<Self> {
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

/// How many of `values` are not zero.
pub(crate) fn nonzeros_of(values: &[f32]) -> usize {
    let mut nonzeros = 0;
    // No more at once than a lane can count.
    for values in values.chunks(COUNTED_TOGETHER) {
        let mut here = 0;
        dispatch(Count { values, nonzeros: &mut here });
        nonzeros += here;
    }
    nonzeros
}

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
