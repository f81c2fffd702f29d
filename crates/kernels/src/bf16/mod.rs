//! Products whose operands are rounded to bfloat16, and whose sums are 32-bit floats.
//!
//! A bfloat16 is the upper half of an `f32`: its range, and eight bits of its precision. Half the bytes go through the caches, and processors with
//! AVX-512 BF16 (Intel since Cooper Lake, AMD since Zen 4) multiply two pairs of them in each lane of one instruction, `vdpbf16ps`.
//!
//! # What is promised
//!
//! Operands are rounded to nearest even ([`Bf16::round`]). An element of a product is a sum of chains of [`CHAIN`](crate::reference::CHAIN) neighbouring
//! terms, each starting at zero, the chains added in order. Within a chain the terms come in pairs, and of a pair **the second is added first**; each is added by a fused
//! multiply-add, and a sum too small for a normal number becomes zero. A term that lacks its partner has zeros for it. That is how `vdpbf16ps` is specified
//! (Intel, *Software Developer's Manual*, vol. 2), and it is what the loops here compute without it, as fast as products of 32-bit floats: so a result has
//! the same bits on every machine, for any number of threads. [`reference::bf16`](crate::reference::bf16) has the loops that define them.
//!
//! Zeros are multiplied like any other value.

mod affine;
mod block;
mod input_gradient;
#[cfg_attr(not(target_arch = "x86_64"), path = "no_instruction.rs")]
mod instruction;
mod loops;
mod native;
mod outer;
mod pack;
mod rows;
mod value;

pub use affine::affine;
pub use input_gradient::input_gradient;
pub use native::is_native;
pub(crate) use outer::outer_product;
pub use outer::weight_gradient;
pub use value::{Bf16, rounded, widened};

use crate::geometry::KC;

/// Rows of a full tile: with the two registers of a panel's lane and one of a row's pair, 27 of AVX-512's 32.
const TILE_ROWS: usize = 12;

/// Columns of a panel.
const COLUMNS: usize = 32;

/// Pairs of a chain.
const PAIRS: usize = KC / 2;

/// At one pair of the summed index, that pair of each of a panel's columns: the first in the lower half of the bits.
type PairLane = [u32; COLUMNS];

/// Sums of a panel's columns.
type SumLane = [f32; COLUMNS];
