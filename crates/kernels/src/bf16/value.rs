//! The number itself.

use crate::dispatch::{Kernel, dispatch};
use crate::memory::filled;
use crate::parallel::each_pair;

/// A bfloat16: the upper 16 bits of an `f32`. Never a subnormal number: those are rounded to zero.
///
/// ```
/// use strata_kernels::bf16::Bf16;
///
/// // 1 + 2⁻⁸ lies between 1 and 1 + 2⁻⁷, and 1 is the even one.
/// assert_eq!(Bf16::round(1.0 + 2f32.powi(-8)).to_f32(), 1.0);
/// assert_eq!(Bf16::round(1.0 + 3.0 * 2f32.powi(-8)).to_f32(), 1.0 + 2f32.powi(-6));
/// assert_eq!(Bf16::round(f32::MAX).to_f32(), f32::INFINITY);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(u16);

impl Bf16 {
    /// Rounds to nearest, of two equally near to the even one. What is too large becomes infinite, a subnormal number a zero of its sign, a NaN a quiet one: as
    /// `vcvtneps2bf16` does it.
    #[inline(always)]
    pub const fn round(value: f32) -> Self {
        const SMALLEST_NORMAL: u32 = f32::MIN_POSITIVE.to_bits();
        const INFINITY: u32 = f32::INFINITY.to_bits();
        let bits = value.to_bits();
        let magnitude = bits & 0x7fff_ffff;
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        let quiet = bits >> 16 | 0x40;
        let zero = bits >> 16 & 0x8000;
        let number = if magnitude < SMALLEST_NORMAL { zero } else { rounded };
        Self(if magnitude > INFINITY { quiet } else { number } as u16)
    }

    /// The same number.
    #[inline(always)]
    pub const fn to_f32(self) -> f32 {
        f32::from_bits((self.0 as u32) << 16)
    }
}

/// What is rounded where it is read, or was before.
pub(super) trait Operand: Copy + Sync {
    /// Its bits as a bfloat16, in the lower half.
    fn bits(self) -> u32;
}

impl Operand for f32 {
    #[inline(always)]
    fn bits(self) -> u32 {
        Bf16::round(self).bits()
    }
}

impl Operand for Bf16 {
    #[inline(always)]
    fn bits(self) -> u32 {
        self.0.into()
    }
}

/// Values of a task.
const PIECE: usize = 1 << 14;

/// `values`, each rounded. The same for any number of threads.
///
/// # Panics
/// Where there is no memory for it; within [`catch_out_of_memory`](crate::catch_out_of_memory), that ends with the error.
pub fn rounded(values: &[f32]) -> Vec<Bf16> {
    let mut result = filled(values.len(), Bf16::default());
    each_pair((values, PIECE), (&mut result, PIECE), 1, &|values, result| dispatch(Round { values, result }));
    result
}

/// The same values as 32-bit floats.
///
/// # Panics
/// As [`rounded`].
pub fn widened(values: &[Bf16]) -> Vec<f32> {
    let mut result = filled(values.len(), 0.0);
    each_pair((values, PIECE), (&mut result, PIECE), 1, &|values, result| {
        result.iter_mut().zip(values).for_each(|(result, value)| *result = value.to_f32());
    });
    result
}

struct Round<'a> {
    values: &'a [f32],
    result: &'a mut [Bf16],
}

impl Kernel for Round<'_> {
    #[inline(always)]
    fn run(self) {
        for (result, value) in self.result.iter_mut().zip(self.values) {
            *result = Bf16::round(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest of the two neighbours, found without a look at the bits of the rounding itself.
    fn nearest(value: f32) -> f32 {
        let below = f32::from_bits(value.to_bits() & 0xffff_0000);
        let above = f32::from_bits((value.to_bits() & 0xffff_0000) + 0x1_0000);
        let (down, up) = (f64::from(value) - f64::from(below), f64::from(above) - f64::from(value));
        let is_even = below.to_bits() >> 16 & 1 == 0;
        if down.abs() < up.abs() || (down == up && is_even) { below } else { above }
    }

    #[test]
    fn rounding_takes_the_nearest_neighbour_and_of_two_the_even_one() {
        let mut bits = 1u32;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(bits);
            // Beyond the largest one, the neighbour above is no number.
            if value.is_normal() && value.abs() < 3e38 {
                assert_eq!(Bf16::round(value).to_f32(), nearest(value), "{value:e}");
                let middle = f32::from_bits(bits & 0xffff_0000 | 0x8000);
                assert_eq!(Bf16::round(middle).to_f32(), nearest(middle), "{middle:e}");
            }
        }
    }

    #[test]
    fn what_has_no_bfloat16_becomes_zero_infinite_or_a_quiet_nan() {
        let subnormal = f32::from_bits(0x807f_ffff);
        assert_eq!(Bf16::round(subnormal).to_f32().to_bits(), (-0.0f32).to_bits());
        assert_eq!(Bf16::round(f32::MIN_POSITIVE).to_f32(), f32::MIN_POSITIVE);
        assert_eq!(Bf16::round(-f32::MAX).to_f32(), f32::NEG_INFINITY);
        // A NaN whose payload is in the lower half only, and one whose rounding would carry into the sign.
        for bits in [0x7f80_0001, 0xffff_ffff] {
            assert!(Bf16::round(f32::from_bits(bits)).to_f32().is_nan(), "{bits:x}");
        }
    }

    #[test]
    fn a_slice_is_rounded_value_by_value() {
        let values: Vec<f32> = (0..40_001).map(|at| (at as f32 * 0.37).sin() * 1e3).collect();
        let expected: Vec<f32> = values.iter().map(|value| Bf16::round(*value).to_f32()).collect();
        assert_eq!(widened(&rounded(&values)), expected);
    }
}
