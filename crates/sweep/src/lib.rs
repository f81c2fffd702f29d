//! Many runs from one file: what to try, in which order, on how many cores, and what came of it.
//!
//! A [`Sweep`] is read from a TOML file: a base config, and for some of its keys lists of values or ranges. [`Sweep::check`] finds what is wrong
//! before anything runs, and the networks that are needed. With the feature `driver` (the default) a [`SweepFolder`] holds a frozen manifest, one
//! journal that several processes append to, and a run's folder for each member; a [`Driver`] runs members as processes of a program's own.
//!
//! Without the feature the crate reads and checks alone, and builds in a second: for whoever has to know a sweep's networks before a program with
//! them is built.

mod check;
mod domain;
mod error;
mod folder;
mod members;
mod memory;
mod points;
mod read;
mod read_keys;
mod spec;
mod text;

#[cfg(feature = "driver")]
mod driver;
#[cfg(test)]
mod tests;

pub use check::{Checked, MAX_CHECKED, MAX_NETWORKS};
pub use domain::{Domain, Grid, Range, Scale};
pub use error::SweepError;
pub use folder::{SweepFolder, find_sweep};
pub use members::Member;
pub use spec::{Budget, Condition, Halving, Method, Point, Slurm, Sweep, SweptKey};

#[cfg(feature = "driver")]
pub use driver::*;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
