//! The arithmetic from outside of the crate, in one program: a program for each file would be linked for each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;

mod bf16;
mod frequency;
mod losses;
mod norms;
mod products;
mod rectified;
mod updates;
