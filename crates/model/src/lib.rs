//! The model crate of Strata.
