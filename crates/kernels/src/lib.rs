//! The kernels crate of Strata.
