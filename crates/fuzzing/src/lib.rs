//! What the fuzz targets do with their bytes, one function a target, so that tests can replay a seed without a fuzzer.
//!
//! Each function panics where a reader breaks its word: a panic of the reader's own, a value that its type's documents rule
//! out, or one that does not come back from being written and read again. It gives back whether the reader took the bytes, so that a test
//! can tell a right seed that is read from one that is refused before anything of interest happens.

#![allow(clippy::expect_used, reason = "a target ends where a reader breaks its word")]

mod cifar10;
mod config;
mod run;
mod tensors;

pub use cifar10::{archive, cifar_files, gzip, pickle};
pub use config::config;
pub use run::{history, record};
pub use tensors::{checkpoint, weights};

use tempfile::TempDir;

/// A fresh folder, in memory where the system has such a place.
fn scratch() -> TempDir {
    let made = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    made.expect("a folder for the target's files")
}
