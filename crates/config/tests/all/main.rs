//! Configs from outside of the crate, in one program: a program for each file would be linked for each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;

mod document;
mod effects;
mod errors;
mod good;
mod metrics;
mod network;
mod set_errors;
