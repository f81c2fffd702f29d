//! The trainer crate of Strata.
