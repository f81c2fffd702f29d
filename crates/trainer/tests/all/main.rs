//! Training from outside of the crate, in one program: a program for each file would be linked for each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;

mod accumulation;
mod averaging;
mod batches;
mod fit;
mod loaders;
mod metrics;
mod mirrored;
mod networks;
mod optimizers;
mod own_step;
mod pytorch;
mod residual;
mod resume;
mod schedules;
mod schedules_pytorch;
mod step;
mod step_refusals;
mod tensors;
mod threads;
