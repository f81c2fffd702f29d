//! What proves that a checkpoint is whole.

use sha2::{Digest, Sha256};
use strata_files::hexadecimal;

/// SHA-256 over the contents and every tensor with its name, in order, each with its length before it.
pub(super) struct Seal(Sha256);

impl Seal {
    pub(super) fn of(contents: &str) -> Self {
        let mut seal = Self(Sha256::new());
        seal.part(contents);
        seal
    }

    /// Adds a part's bytes, whose length is known already.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn part(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// Comes before the tensor's bytes.
    pub(super) fn tensor(&mut self, name: &str, bytes: usize) {
        self.part(name);
        self.0.update((bytes as u64).to_le_bytes());
    }

    pub(super) fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}
