//! Networks and weights from outside of the crate, in one program: a program for each file would be linked for each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod gradient_norm;
mod graphs;
mod initialisation;
mod layers;
mod rectified;
mod stochastic_depth;
mod weights;
