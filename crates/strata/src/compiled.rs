//! The networks that this program was built with.

use strata_experiment::CompiledNetwork;

/// A [`CompiledNetwork`] for each text, features of a sample, classes, and the layers of `net!`.
macro_rules! networks {
    ($($text:literal, $inputs:literal, $classes:literal, ($($layers:tt)+);)*) => {
        &[$(CompiledNetwork {
            network: $text,
            build: strata_trainer::build::<strata_model::net!($($layers)+), $inputs, $classes>,
        }),*]
    };
}

/// Generated from `architectures.txt` and the user's own list by the build script.
pub(crate) const NETWORKS: &[CompiledNetwork] = include!(concat!(env!("OUT_DIR"), "/architectures.rs"));
