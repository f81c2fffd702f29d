//! The dataset crate of Strata.
