//! The low frequencies of images: what a network sees instead of pixels.
//!
//! A two-dimensional DCT-II of each channel, orthonormal: `a(u) · a(v) · Σ_y Σ_x p[y, x] · cos(π(2y + 1)u / 2H) · cos(π(2x + 1)v / 2W)` with
//! `a(0) = √(1/N)` and `a(n) = √(2/N)` for a side of `N` (Ahmed, Natarajan and Rao 1974; Makhoul 1980).

mod cosines;
mod forward;
mod table;
mod transform;

pub use table::{FrequencyError, FrequencyTable};
pub use transform::LowFrequencies;
