//! The report crate of Strata.
