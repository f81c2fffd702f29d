//! The generators every draw of Strata comes from.
//!
//! [`TorchRng`] is PyTorch's CPU generator, draw for draw, so that a split, an initialisation and a
//! batch order are those PyTorch makes of the same seed. [`Philox`] is counter-based: a dropout
//! mask is a function of seed, stream and position, and a resumed run needs no generator's state
//! to draw the same one again.

mod normal;
mod philox;
mod state;
mod torch;

pub use normal::NormalDraws;
pub use philox::Philox;
pub use state::{MAX_DRAWS, RngError, RngState};
pub use torch::TorchRng;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
