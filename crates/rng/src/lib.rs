//! The rng crate of Strata.
