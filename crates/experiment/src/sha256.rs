//! The hash that a record holds of a config.

use sha2::{Digest, Sha256};

pub(crate) fn sha256(bytes: &[u8]) -> String {
    strata_files::hexadecimal(&Sha256::digest(bytes))
}
