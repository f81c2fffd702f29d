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
mod best;
#[cfg(feature = "driver")]
mod claim;
#[cfg(feature = "driver")]
mod driver;
#[cfg(test)]
#[cfg(feature = "driver")]
mod driver_tests;
#[cfg(feature = "driver")]
mod event;
#[cfg(feature = "driver")]
mod halving;
#[cfg(feature = "driver")]
mod importance;
#[cfg(feature = "driver")]
mod journal;
#[cfg(feature = "driver")]
mod launch;
#[cfg(feature = "driver")]
mod member_state;
#[cfg(feature = "driver")]
mod methods;
#[cfg(feature = "driver")]
mod outcome;
#[cfg(test)]
#[cfg(feature = "driver")]
mod simulated;
#[cfg(feature = "driver")]
pub mod slurm;
#[cfg(feature = "driver")]
mod state;
#[cfg(feature = "driver")]
mod tables;
#[cfg(test)]
mod tests;

pub use check::{Checked, MAX_CHECKED, MAX_NETWORKS};
pub use domain::{Domain, Grid, Range, Scale};
pub use error::SweepError;
pub use folder::{SweepFolder, find_sweep};
pub use members::Member;
pub use spec::{Budget, Condition, Halving, Method, Point, Slurm, Sweep, SweptKey};

#[cfg(feature = "driver")]
pub use best::best_config;
#[cfg(feature = "driver")]
pub use driver::{Driver, Options, Told, ask_to_stop, state_of};
#[cfg(feature = "driver")]
pub use importance::{Importance, importance, importance_sheet, marginal_sheet};
#[cfg(feature = "driver")]
pub use launch::{Arguments, Ended, Job, Launcher, Processes, Running, Start};
#[cfg(feature = "driver")]
pub use member_state::MemberState;
#[cfg(feature = "driver")]
pub use outcome::Look;
#[cfg(feature = "driver")]
pub use state::State;
#[cfg(feature = "driver")]
pub use tables::{members_sheet, points_sheet, summary_lines};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
