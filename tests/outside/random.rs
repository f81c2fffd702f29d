//! Numbers from a seed, for kills and damages that can be made again.

/// SplitMix64: a stream of numbers from a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// `usual` times the environment variable STRATA_TEST_ROUNDS, where that is set.
pub(crate) fn rounds(usual: usize) -> usize {
    let times = std::env::var("STRATA_TEST_ROUNDS").map(|text| text.parse::<usize>());
    usual * times.map_or(1, |times| times.expect("STRATA_TEST_ROUNDS is a number"))
}
