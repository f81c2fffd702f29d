//! Philox4x32-10, a counter-based generator.

/// Multipliers and Weyl increments of the publication's table 2 and section 4.3.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

const LOW: u64 = u32::MAX as u64;

/// A stateless generator: each block of four words is a function of `(seed, stream, position)`.
///
/// This is Philox4x32 with ten rounds (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as
/// easy as 1, 2, 3*, SC 2011). The key is the seed; the counter's low half is the position, its
/// high half the stream. Any block can be drawn in any order on any thread with the same result.
///
/// ```
/// use strata_rng::Philox;
///
/// let layer = Philox::new(43, 2);
/// let later = layer.block(1_000);
/// assert_eq!(later, Philox::new(43, 2).block(1_000));
/// assert_ne!(later, Philox::new(43, 3).block(1_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
    stream: [u32; 2],
}

impl Philox {
    /// The generator of one stream of a seed; streams of a seed never share a counter.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { key: halves(seed), stream: halves(stream) }
    }

    /// Four words, each uniform over all of `u32`, at a position of the stream.
    #[inline]
    #[must_use]
    pub fn block(&self, position: u64) -> [u32; 4] {
        self.blocks::<1>(position).map(|[word]| word)
    }

    /// The blocks at `first` and the positions after it: the first words of all of them, then the second, the third and the fourth. Positions go
    /// on at zero after the last.
    ///
    /// Compiled where it is called, for the instructions that are to be had there: eight blocks side by side fill registers of 256 bits.
    ///
    /// ```
    /// use strata_rng::Philox;
    ///
    /// let layer = Philox::new(43, 2);
    /// let words = layer.blocks::<8>(1_000);
    /// assert_eq!(words.map(|word| word[3]), layer.block(1_003));
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn blocks<const N: usize>(&self, first: u64) -> [[u32; N]; 4] {
        // Each word lies in 64 bits, whose upper half a product is told to leave out: that is one vector instruction.
        let (mut word0, mut word1, mut word2, mut word3) = ([0; N], [0; N], [0; N], [0; N]);
        for lane in 0..N {
            let [low, high] = halves(first.wrapping_add(lane as u64));
            (word0[lane], word1[lane]) = (u64::from(low), u64::from(high));
            (word2[lane], word3[lane]) = (u64::from(self.stream[0]), u64::from(self.stream[1]));
        }
        let mut key = self.key;
        for round in 0..ROUNDS {
            if round > 0 {
                key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
            }
            for lane in 0..N {
                let product0 = (word0[lane] & LOW) * u64::from(MULTIPLIERS[0]);
                let product1 = (word2[lane] & LOW) * u64::from(MULTIPLIERS[1]);
                word0[lane] = product1 >> 32 ^ word1[lane] ^ u64::from(key[0]);
                word1[lane] = product1;
                word2[lane] = product0 >> 32 ^ word3[lane] ^ u64::from(key[1]);
                word3[lane] = product0;
            }
        }
        let mut words = [[0; N]; 4];
        for lane in 0..N {
            words[0][lane] = word0[lane] as u32;
            words[1][lane] = word1[lane] as u32;
            words[2][lane] = word2[lane] as u32;
            words[3][lane] = word3[lane] as u32;
        }
        words
    }
}

/// The low word, then the high word.
#[inline(always)]
fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(low: u32, high: u32) -> u64 {
        u64::from(high) << 32 | u64::from(low)
    }

    /// The three `philox4x32 10` lines of Random123's `kat_vectors`: counter, key, expected.
    #[test]
    fn random123_known_answers() {
        let rows = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in rows {
            let philox = Philox::new(join(key[0], key[1]), join(counter[2], counter[3]));
            assert_eq!(philox.block(join(counter[0], counter[1])), expected);
        }
    }
}
