//! PyTorch's CPU generator over MT19937.

use std::fmt;

use rand_mt::Mt;

use crate::{MAX_DRAWS, RngError, RngState};

/// From this many elements on `torch.randperm` takes 64-bit draws and another shuffle.
const LARGE_PERMUTATION: usize = (u32::MAX / 20) as usize;

/// PyTorch's CPU generator (MT19937), draw for draw.
///
/// Methods are named after what they yield; each says which PyTorch operation consumes the same
/// draws. Sources: PyTorch's `aten/src/ATen/core/MT19937RNGEngine.h`,
/// `aten/src/ATen/CPUGeneratorImpl.cpp`, `aten/src/ATen/core/TransformationHelper.h` and
/// `aten/src/ATen/native/TensorFactories.cpp`.
///
/// ```
/// use strata_rng::TorchRng;
///
/// // torch.manual_seed(43); random_split(range(50_000), [45_000, 5_000])
/// let mut rng = TorchRng::new(43);
/// let order = rng.permutation(50_000);
/// assert_eq!(order[..4], [5588, 45689, 25537, 42060]);
///
/// // A checkpoint keeps two numbers, and they are enough to go on.
/// let mut resumed = TorchRng::from_state(rng.state())?;
/// assert_eq!(resumed.next_u32(), rng.next_u32());
/// # Ok::<(), strata_rng::RngError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TorchRng {
    seed: u64,
    draws: u64,
    engine: Mt,
}

impl fmt::Debug for TorchRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The engine's 624 words say nothing that seed and draws do not.
        f.debug_struct("TorchRng").field("seed", &self.seed).field("draws", &self.draws).finish_non_exhaustive()
    }
}

impl TorchRng {
    /// `torch.manual_seed(seed)`: the engine takes the low 32 bits, the state keeps all 64.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, draws: 0, engine: Mt::new(seed as u32) }
    }

    /// One draw of 32 bits: the generator's `random()`.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.draws += 1;
        self.engine.next_u32()
    }

    /// Two draws, the first in the high half: the generator's `random64()`.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        high << 32 | u64::from(self.next_u32())
    }

    /// A seed in `0..2^63` of two draws, as an empty `int64` tensor's `random_()` yields it: how a
    /// `DataLoader` draws its base seed and its sampler's seed.
    pub fn random_seed(&mut self) -> u64 {
        self.next_u64() % (1 << 63)
    }

    /// `torch.randperm(n)`: the numbers `0..n` in random order.
    ///
    /// Takes `n - 1` draws below 214,748,364 elements and `2 n` from there on, where PyTorch
    /// shuffles otherwise.
    ///
    /// # Panics
    ///
    /// Where `n` is above 2^32, for an index is a `u32` (and 2^32 of them are 16 GiB).
    #[must_use]
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        assert!(n as u64 <= 1 << 32, "a permutation of {n} elements needs indices wider than 32 bits");
        if n < LARGE_PERMUTATION {
            let mut order: Vec<u32> = (0..n as u32).collect();
            for i in 0..n.saturating_sub(1) {
                let offset = self.next_u32() % (n - i) as u32;
                order.swap(i, i + offset as usize);
            }
            order
        } else {
            self.large_permutation(n)
        }
    }

    /// The shuffle from [`LARGE_PERMUTATION`] elements on: each number takes a place among those before it, by 64 bits.
    fn large_permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order = Vec::with_capacity(n);
        for i in 0..n {
            let other = (self.next_u64() % (i as u64 + 1)) as usize;
            order.push(i as u32);
            order.swap(i, other);
        }
        order
    }

    /// A float uniform in `[low, high)`, of one draw's low 24 bits; the bounds are rounded to `f32`.
    ///
    /// Rounding may yield `high` itself, as it does in PyTorch.
    ///
    /// # Panics
    ///
    /// Where `low` is above `high`, one of them is NaN, or their difference is beyond `f32`: PyTorch refuses these too.
    #[inline]
    pub fn uniform(&mut self, low: f64, high: f64) -> f32 {
        let (low, high) = (low as f32, high as f32);
        assert!(low <= high && (high - low).is_finite(), "no uniform draw between {low} and {high}");
        unit(self.next_u32()).mul_add(high - low, low)
    }

    /// `tensor.uniform_(low, high)`: fills in order, one draw a value.
    ///
    /// # Panics
    ///
    /// As [`TorchRng::uniform`], where `out` is not empty.
    pub fn fill_uniform(&mut self, out: &mut [f32], low: f64, high: f64) {
        for value in out {
            *value = self.uniform(low, high);
        }
    }

    /// Where the generator stands.
    #[must_use]
    pub fn state(&self) -> RngState {
        RngState { seed: self.seed, draws: self.draws }
    }

    /// The generator that stands where `state` says, reached by drawing that often: about 3 ms for
    /// a million draws.
    ///
    /// # Errors
    ///
    /// [`RngError::TooManyDraws`] above [`MAX_DRAWS`].
    pub fn from_state(state: RngState) -> Result<Self, RngError> {
        if state.draws > MAX_DRAWS {
            return Err(RngError::TooManyDraws { draws: state.draws });
        }
        let mut rng = Self::new(state.seed);
        for _ in 0..state.draws {
            rng.next_u32();
        }
        Ok(rng)
    }
}

/// The low 24 bits as a float in `[0, 1)`, exactly.
#[inline]
fn unit(bits: u32) -> f32 {
    const SCALE: f32 = 1.0 / (1 << 24) as f32;
    (bits & 0x00FF_FFFF) as f32 * SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "wider than 32 bits")]
    fn a_permutation_beyond_32_bits_is_refused() {
        let _ = TorchRng::new(43).permutation((1 << 32) + 1);
    }

    #[test]
    fn bounds_of_a_uniform_draw_are_checked() {
        for (low, high) in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::NAN), (-3e38, 3e38), (0.0, f64::INFINITY)] {
            let draw = std::panic::catch_unwind(|| TorchRng::new(43).uniform(low, high));
            assert!(draw.is_err(), "{low} {high}");
        }
        assert_eq!(TorchRng::new(43).uniform(0.5, 0.5), 0.5);
    }

    /// The real thing takes 1 GB and seconds, so it was compared once: PyTorch's `randperm(214_748_364)` of seed 43 begins
    /// 177972579, 4527000, 102895188, as this one does. Here the same shuffle of few elements, by draws taken apart:
    /// number i goes where the draw modulo i + 1 says, and what stood there goes to the end.
    #[test]
    fn permutations_beyond_32_bits_take_64_bit_draws() {
        let mut draws = TorchRng::new(43);
        let mut expected = Vec::new();
        for i in 0..1000 {
            let (high, low) = (u64::from(draws.next_u32()), u64::from(draws.next_u32()));
            let place = ((high * (1 << 32) + low) % (i + 1)) as usize;
            let displaced = expected.get(place).copied().unwrap_or(i as u32);
            expected.push(displaced);
            expected[place] = i as u32;
        }
        let mut rng = TorchRng::new(43);
        assert_eq!(rng.large_permutation(1000), expected);
        assert_eq!(rng.state().draws, 2000);
        let mut sorted = expected;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }
}
