//! The innermost product where zeros are skipped: rows of a [`Sparse`](crate::sparse::Sparse) matrix times a wide panel of the other.

use crate::dispatch::{Kernel, dispatch, dispatch_to_avx512};
use crate::geometry::{PANELS, SPARSE_KC, Vectors, WideLane};
use crate::lanes::LANES;
use crate::prefetch::Prefetch;
use crate::sparse::Rows;

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

/// The same of each of two rows.
const UNROLLED_PAIRS: usize = 2;

impl SparseBlock<'_> {
    /// Adds the products to the sums by vectors of that width.
    ///
    /// # Panics
    /// Where the processor has none of 512 bits, and they are asked for.
    pub(crate) fn compute(self, vectors: Vectors) {
        match vectors {
            Vectors::Of256Bits => dispatch(self),
            Vectors::Of512Bits => dispatch_to_avx512(ByPairsOfRows(self)),
        }
    }
}

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
            add(sums, &chain);
        }
    }
}

/// A [`SparseBlock`] whose rows are computed two at a time: the four sums of a row are too few to hide the latency of multiply-adds of 512 bits.
struct ByPairsOfRows<'a>(SparseBlock<'a>);

impl Kernel for ByPairsOfRows<'_> {
    #[inline(always)]
    fn run(self) {
        let SparseBlock { rows, panel, sums, prefetch } = self.0;
        let panel = &panel[..SPARSE_KC];
        let mut masks = rows.masks.iter().step_by(rows.blocks);
        for (pair, (values, sums)) in rows.values.chunks(2).zip(sums.chunks_mut(2)).enumerate() {
            prefetch.issue_round_robin(2 * pair);
            prefetch.issue_round_robin(2 * pair + 1);
            let (mut chains, mut places, mut left) = ([[[0.0; LANES]; PANELS]; 2], [Places(0), Places(0)], [0; 2]);
            for r in 0..values.len() {
                let mask = masks.next().copied().unwrap_or_default();
                places[r] = Places(mask);
                left[r] = mask.count_ones() as usize;
            }
            let both = left[0].min(left[1]);
            for _ in 0..both / UNROLLED_PAIRS {
                for _ in 0..UNROLLED_PAIRS {
                    for r in 0..2 {
                        let place = places[r].next();
                        add_product(&mut chains[r], values[r][place], &panel[place]);
                    }
                }
            }
            for r in 0..values.len() {
                for _ in both / UNROLLED_PAIRS * UNROLLED_PAIRS..left[r] {
                    let place = places[r].next();
                    add_product(&mut chains[r], values[r][place], &panel[place]);
                }
                add(&mut sums[r], &chains[r]);
            }
        }
    }
}

#[inline(always)]
fn add(sums: &mut WideLane, chain: &WideLane) {
    for p in 0..PANELS {
        for c in 0..LANES {
            sums[p][c] += chain[p][c];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Lanes;
    use crate::sparse::Sparse;

    /// A row of `nonzeros[r]` values for each.
    fn rows(nonzeros: &[usize]) -> Vec<f32> {
        let value =
            |r: usize, k: usize| if k * 37 % SPARSE_KC < nonzeros[r] { (r + k) as f32 * 0.37 - 9.0 } else { 0.0 };
        (0..nonzeros.len()).flat_map(|r| (0..SPARSE_KC).map(move |k| (r, k))).map(|(r, k)| value(r, k)).collect()
    }

    #[test]
    fn pairs_of_rows_have_the_bits_of_single_rows() {
        let panel: Vec<WideLane> = (0..SPARSE_KC)
            .map(|k| std::array::from_fn(|p| std::array::from_fn(|c| (k * 64 + p * 16 + c) as f32 * 1e-2 - 20.0)))
            .collect();
        for nonzeros in [&[0][..], &[1], &[5, 3], &[0, 7], &[9, 0, 2], &[SPARSE_KC, 1, 6, 31, 4]] {
            let matrix = rows(nonzeros);
            let sparse = Sparse::of(&matrix, nonzeros.len(), SPARSE_KC, 64 * PANELS).unwrap();
            let mut sums = [Lanes::scratch(nonzeros.len() * PANELS), Lanes::scratch(nonzeros.len() * PANELS)];
            for (way, sums) in sums.iter_mut().enumerate() {
                sums.fill([0.1; LANES]);
                let (sums, _) = sums.as_chunks_mut();
                let rows = sparse.block(0, 0, nonzeros.len());
                let block = SparseBlock { rows, panel: &panel, sums, prefetch: Prefetch::NONE };
                if way == 0 { dispatch(block) } else { dispatch(ByPairsOfRows(block)) }
            }
            assert_eq!(sums[0][..], sums[1][..], "{nonzeros:?}");
        }
    }
}
