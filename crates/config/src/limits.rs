//! The largest values that a config may hold beyond those of an experiment's nouns, each with its reason.

/// A config's size in bytes: a hand-written file has a few hundred lines at most.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;
/// A name's length in characters: it becomes part of a folder's name, which most file systems cap at 255 bytes.
pub(crate) const MAX_NAME: usize = 64;
/// An address's length in bytes, as browsers and servers cap it.
pub(crate) const MAX_URL: usize = 2_048;
