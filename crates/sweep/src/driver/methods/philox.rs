//! Philox as a generator of the crate `rand`, for libraries that draw from one: what they draw is the same with every version of `rand`.

use std::convert::Infallible;

use rand::TryRng;
use strata_rng::Philox;

/// The words of one stream, from its beginning.
pub(crate) struct Words {
    philox: Philox,
    position: u64,
}

impl Words {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self { philox: Philox::new(seed, stream), position: 0 }
    }
}

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [word, ..] = self.philox.block(self.position);
        self.position += 1;
        Ok(word)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let [low, high, ..] = self.philox.block(self.position);
        self.position += 1;
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.try_next_u32()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}
