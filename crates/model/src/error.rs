//! What can go wrong with weights.

use std::path::PathBuf;

/// An error of this crate; each says what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("{action} {}: {source}; {}", path.display(), strata_files::remedy(source))]
    Io {
        /// What was being done, such as "reading weights from".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The bytes are no weights file of ours.
    #[error(
        "{} is not a readable weights file: {reason}; it may be cut short or damaged: restore it from a copy",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        reason: String,
    },
    /// Weights of another network.
    #[error("the weights are of a network {found}, but {expected} is wanted")]
    Mismatch {
        /// The widths of the network that was to take them.
        expected: String,
        /// What the weights are of.
        found: String,
    },
    /// The kernels of a card cannot be used.
    #[error(
        "the card does not take the program's kernels: {reason}; the CUDA toolkit that the program was built with and its \
         libraries must be no newer than the driver (`nvidia-smi` says which CUDA it is for)"
    )]
    Card {
        /// NVRTC's or the driver's word.
        reason: String,
    },
}
