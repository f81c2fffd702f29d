//! The experiment crate of Strata.
