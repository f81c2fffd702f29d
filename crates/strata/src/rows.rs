//! The networks that this program was built with.

use strata_experiment::Row;

/// A [`Row`] for each list of widths.
macro_rules! rows {
    ($(($($width:literal),+))*) => { &[$(row!([$($width),+] [] $($width),+)),*] };
}

/// Builds a row, after walking to the last of the widths, the number of classes.
macro_rules! row {
    // [all the widths] [inputs, once known] the widths still to walk
    ([$($width:literal),+] [] $inputs:literal, $($rest:literal),+) => { row!([$($width),+] [$inputs] $($rest),+) };
    ([$($width:literal),+] [$inputs:literal] $classes:literal) => {
        Row { widths: &[$($width),+], build: strata_trainer::build::<strata_model::mlp!($($width),+), $inputs, $classes> }
    };
    ([$($width:literal),+] [$inputs:literal] $hidden:literal, $($rest:literal),+) => {
        row!([$($width),+] [$inputs] $($rest),+)
    };
}

/// Generated from `architectures.txt` and the user's own list by the build script.
pub(crate) const ROWS: &[Row] = include!(concat!(env!("OUT_DIR"), "/architectures.rs"));
