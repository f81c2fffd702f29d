//! Products in which the zeros of one matrix are skipped.
//!
//! After ReLU or dropout, half of a layer's activations and of the gradients that come back to it are zero, often more.
//! A zero adds nothing to a sum, so a product is left with the multiplications that count: each row of the sparse
//! matrix is written down as its values and their places ([`Run`]), and for each of them a wide row of the other matrix
//! is added ([`SparseBlock`]).

use std::cell::Cell;

use rayon::prelude::*;

use crate::block::Ahead;
use crate::dispatch::{Kernel, dispatch};
use crate::lanes::{LANES, Lane};

/// Positions of the summed index that make one chain: as many as a panel in half of a first-level cache has.
pub(crate) const DEPTH: usize = 64;

/// Panels that are added to side by side: as many sums as hide the latency of a multiply-add, in half of AVX2's registers.
pub(crate) const WIDE: usize = 4;

/// Columns of [`WIDE`] panels.
pub(crate) const COLUMNS: usize = WIDE * LANES;

/// [`WIDE`] neighbouring panels at one position of the summed index.
pub(crate) type WideLane = [Lane; WIDE];

/// What of a row's [`DEPTH`] neighbours is not zero.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    values: [f32; DEPTH],
    places: [u8; DEPTH],
    count: usize,
}

const _: () = assert!(DEPTH <= 1 << u8::BITS && DEPTH.is_power_of_two());

impl Run {
    const EMPTY: Self = Self { values: [0.0; DEPTH], places: [0; DEPTH], count: 0 };
}

/// A matrix as runs: `[blocks, rows]`, a block being [`DEPTH`] columns.
pub(crate) struct Runs {
    runs: Vec<Run>,
    rows: usize,
    count: usize,
}

thread_local! {
    /// The runs of products before: the next product writes them over.
    static SPARE: Cell<Vec<Run>> = const { Cell::new(Vec::new()) };
}

impl Drop for Runs {
    fn drop(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        let _ = SPARE.try_with(|spare| spare.set(runs));
    }
}

impl Runs {
    /// The runs of `matrix` (`[rows, columns]`, row-major), if so many of its values are zero that skipping them pays.
    ///
    /// `others` is how many columns the other matrix has. The choice depends on the values and sizes alone: it is the same
    /// on every machine and for any number of threads.
    pub(crate) fn of(matrix: &[f32], rows: usize, columns: usize, others: usize) -> Option<Self> {
        // What the last, narrower panels waste is work as well.
        let padded = others.next_multiple_of(COLUMNS);
        if nonzeros(matrix) * padded * 4 > matrix.len() * others * 3 {
            return None;
        }
        let count = rows * columns.div_ceil(DEPTH);
        let mut runs = SPARE.take();
        if runs.len() < count {
            runs = vec![Run::EMPTY; count];
        }
        runs[..count].par_chunks_mut(rows).enumerate().for_each(|(block, runs)| {
            let first = block * DEPTH;
            let depth = DEPTH.min(columns - first);
            for (row, run) in matrix.chunks_exact(columns).zip(runs) {
                run.fill(&row[first..first + depth]);
            }
        });
        Some(Self { runs, rows, count })
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> usize {
        self.count / self.rows
    }

    /// The runs of a block's rows from `first` on.
    pub(crate) fn block(&self, block: usize, first: usize, rows: usize) -> &[Run] {
        &self.runs[block * self.rows + first..][..rows]
    }
}

impl Run {
    /// Without a branch on the values, which nothing foresees: each is written, and the next one over it if it is zero.
    fn fill(&mut self, values: &[f32]) {
        let mut count = 0;
        for (place, value) in (0u8..).zip(values) {
            let at = count & (DEPTH - 1);
            self.values[at] = *value;
            self.places[at] = place;
            count += usize::from(*value != 0.0);
        }
        self.count = count;
    }
}

fn nonzeros(matrix: &[f32]) -> usize {
    const PIECE: usize = 1 << 14;
    let pieces = matrix.par_chunks(PIECE).map(|values| {
        let mut count = 0;
        dispatch(Count { values, count: &mut count });
        count
    });
    pieces.sum()
}

/// How many values are not zero.
struct Count<'a> {
    values: &'a [f32],
    count: &'a mut usize,
}

impl Kernel for Count<'_> {
    #[inline(always)]
    fn run(self) {
        *self.count = self.values.iter().map(|value| u32::from(*value != 0.0)).sum::<u32>() as usize;
    }
}

/// `sums[r][p] += Σ_k runs[r][k] · panel[k][p]`: each element's block a chain of its own, then added.
pub(crate) struct SparseBlock<'a> {
    /// A run for each row of sums.
    pub(crate) runs: &'a [Run],
    /// The block of the other matrix, [`DEPTH`] long; what lies past its end no run asks for.
    pub(crate) panel: &'a [WideLane],
    /// `[rows, WIDE]`.
    pub(crate) sums: &'a mut [WideLane],
    /// What will be read soon, a row of it with each row.
    pub(crate) ahead: Ahead<'a>,
}

impl Kernel for SparseBlock<'_> {
    #[inline(always)]
    fn run(self) {
        let panel = &self.panel[..DEPTH];
        for (r, (run, sums)) in self.runs.iter().zip(self.sums).enumerate() {
            self.ahead.ask(r, 0);
            let count = run.count.min(DEPTH);
            let mut chain = [[0.0; LANES]; WIDE];
            for (value, place) in run.values[..count].iter().zip(&run.places[..count]) {
                let lanes = &panel[usize::from(*place) & (DEPTH - 1)];
                for p in 0..WIDE {
                    for c in 0..LANES {
                        chain[p][c] = value.mul_add(lanes[p][c], chain[p][c]);
                    }
                }
            }
            for p in 0..WIDE {
                for c in 0..LANES {
                    sums[p][c] += chain[p][c];
                }
            }
        }
    }
}
