//! What a checkpoint keeps of a generator.

use serde::{Deserialize, Serialize};

/// The most 32-bit draws [`TorchRng::from_state`](crate::TorchRng::from_state) goes over: 2^34.
///
/// More than the parameters of any network a machine of 64 GiB initialises, and less than a minute
/// of work; a damaged checkpoint that claims more would otherwise hang its reader for years.
pub const MAX_DRAWS: u64 = 1 << 34;

/// Where a [`TorchRng`](crate::TorchRng) stands: its seed and how often it has been drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RngState {
    /// The whole seed, of which the engine takes the low 32 bits.
    pub seed: u64,
    /// Draws of 32 bits made since seeding.
    pub draws: u64,
}

/// Why a generator cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RngError {
    /// The state claims more draws than any run makes.
    #[error(
        "a generator state with {draws} draws is not one that Strata wrote: at most {MAX_DRAWS} are \
         expected; the file that holds it is damaged, use an earlier checkpoint"
    )]
    TooManyDraws {
        /// The number of draws claimed.
        draws: u64,
    },
}
