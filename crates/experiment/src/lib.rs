//! The experiment crate of Strata.

pub use strata_config as config;
