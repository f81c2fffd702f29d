//! Dropout by draws that are a function of a value's place.

use crate::dispatch::{Kernel, dispatch};
use crate::parallel::each_chunk;

/// Blocks of the generator, four values each, that are drawn side by side.
const LANES: usize = 8;

/// Values of those blocks.
const GROUP: usize = 4 * LANES;

/// Values that one task draws.
const PIECE: usize = 1 << 12;

/// A generator of random words each of which is a function of its place: a block of four words for each position.
pub trait WordsByPlace: Sync {
    /// The blocks at `first` and the positions after it: the first words of all of them, then the second, the third and the fourth.
    ///
    /// An implementation is `#[inline(always)]`, so that it is compiled for the vector instructions that the machine has.
    fn blocks<const N: usize>(&self, first: u64) -> [[u32; N]; 4];
}

/// Dropout (Srivastava et al. 2014), in place: zero for each value whose word of `generator` is below `threshold`, the others are multiplied by `scale`.
///
/// The words are taken in order, four a block, the first for the first value. The same call again drops the same values, which is how a
/// backward pass has the mask without keeping it.
///
/// ```
/// use strata_kernels::{WordsByPlace, drop_values};
///
/// /// Not random at all.
/// struct Odd;
///
/// impl WordsByPlace for Odd {
///     #[inline(always)]
///     fn blocks<const N: usize>(&self, _: u64) -> [[u32; N]; 4] {
///         [[0; N], [u32::MAX; N], [0; N], [u32::MAX; N]]
///     }
/// }
///
/// let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// drop_values(&mut values, &Odd, 1 << 31, 2.0);
/// assert_eq!(values, [0.0, 4.0, 0.0, 8.0, 0.0, 12.0]);
/// ```
pub fn drop_values(values: &mut [f32], generator: &impl WordsByPlace, threshold: u32, scale: f32) {
    each_chunk(values, PIECE, &|piece, values| {
        dispatch(Piece { values, generator, first: (piece * PIECE / 4) as u64, threshold, scale });
    });
}

struct Piece<'a, G> {
    values: &'a mut [f32],
    generator: &'a G,
    /// The position of the first value's block.
    first: u64,
    threshold: u32,
    scale: f32,
}

impl<G: WordsByPlace> Kernel for Piece<'_, G> {
    #[inline(always)]
    fn run(self) {
        let Self { values, generator, first, threshold, scale } = self;
        let (groups, rest) = values.as_chunks_mut::<GROUP>();
        let at_rest = first + (groups.len() * LANES) as u64;
        for (group, values) in groups.iter_mut().enumerate() {
            drop_group(values, generator, first + (group * LANES) as u64, threshold, scale);
        }
        // All pieces but the last are whole groups.
        if !rest.is_empty() {
            let mut last = [0.0; GROUP];
            last[..rest.len()].copy_from_slice(rest);
            drop_group(&mut last, generator, at_rest, threshold, scale);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

#[inline(always)]
fn drop_group(values: &mut [f32; GROUP], generator: &impl WordsByPlace, first: u64, threshold: u32, scale: f32) {
    let words = generator.blocks::<LANES>(first);
    // Words lie by their place in a block, values by block.
    let mut ordered = [0; GROUP];
    for lane in 0..LANES {
        for (place, words) in words.iter().enumerate() {
            ordered[4 * lane + place] = words[lane];
        }
    }
    for (value, word) in values.iter_mut().zip(ordered) {
        let scaled = *value * scale;
        *value = if word < threshold { 0.0 } else { scaled };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash of a word's number.
    struct Hash;

    fn word(number: u64) -> u32 {
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }

    impl WordsByPlace for Hash {
        #[inline(always)]
        fn blocks<const N: usize>(&self, first: u64) -> [[u32; N]; 4] {
            [0, 1, 2, 3].map(|place| std::array::from_fn(|lane| word((first + lane as u64) * 4 + place)))
        }
    }

    #[test]
    fn each_value_goes_by_its_own_word() {
        let threshold = 1 << 30;
        for count in [0, 1, 3, 31, 32, 33, PIECE - 1, PIECE, 2 * PIECE + 37] {
            let values: Vec<f32> = (0..count).map(|i| i as f32 - 5.5).collect();
            let mut dropped = values.clone();
            drop_values(&mut dropped, &Hash, threshold, 4.0 / 3.0);
            for (place, (value, dropped)) in values.into_iter().zip(dropped).enumerate() {
                let kept = if word(place as u64) < threshold { 0.0 } else { value * (4.0 / 3.0) };
                assert_eq!(dropped, kept, "{place} of {count}");
            }
        }
    }

    #[test]
    fn an_infinite_value_is_dropped_to_zero() {
        let mut values = [f32::INFINITY; 8];
        drop_values(&mut values, &Hash, u32::MAX, 2.0);
        assert_eq!(values, [0.0; 8]);
    }
}
