//! Our own kernels on a card: compiled when first needed, launched through cudarc, their results dfdx tensors.
//!
//! dfdx keeps a tensor's storage private, but hands out a gradient's buffer and makes a tensor of it (`Gradients`): a kernel writes the
//! buffer that stands for the gradient of a tensor of the same shape, and the result is a copy of it, made on the card.
//!
//! NVRTC compiles the kernels' source in the running program: no step of the build, no PTX in the repository that could be another text's,
//! and dfdx needs the library anyway.

/// Threads of a block.
pub(crate) const THREADS: u32 = 256;

/// Blocks of a kernel with a thread for each of `count` things.
pub(crate) fn blocks(count: u32) -> u32 {
    count.div_ceil(THREADS)
}

/// Blocks of `dropout_mask` for `count` values, four a thread.
pub(crate) fn mask_blocks(count: usize) -> u32 {
    // A mask of 2³² · 1024 values has no place on any card.
    u32::try_from(count.div_ceil(4 * THREADS as usize)).unwrap_or(u32::MAX)
}

#[cfg(feature = "cuda")]
mod launch;
#[cfg(test)]
mod tests;
#[cfg(feature = "cuda")]
mod training;

#[cfg(feature = "cuda")]
pub use launch::prepare_card;
#[cfg(feature = "cuda")]
pub use training::{HeldOnCard, ScoresOnCard};
#[cfg(feature = "cuda")]
pub(crate) use training::{mask, views};
