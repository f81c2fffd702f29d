//! The published data sets, each a file of this folder, whose list `cargo xtask docs` writes.

mod cifar10;
mod cifar100;
mod emnist;
mod mnist;

use super::Source;

/// The sources of all files.
#[rustfmt::skip]
pub(super) const SOURCES: &[&[Source]] = &[
    cifar10::SOURCES,
    cifar100::SOURCES,
    emnist::SOURCES,
    mnist::SOURCES,
];
