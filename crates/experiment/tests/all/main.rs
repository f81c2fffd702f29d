//! Runs from outside of the crate, in one program: a program for each file would be linked for each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod compare;
mod composed;
mod evaluation;
mod listing;
mod longest;
mod pytorch;
mod records;
mod started;
mod watched;
