//! Values that come from a command line and obey the config's rules.

use std::num::NonZeroUsize;

use strata_spec::ranges::THREADS;

use crate::{keys, valid_name};

/// A run's name.
///
/// # Errors
/// What is expected, in words, unless [`valid_name`].
pub fn parse_name(text: &str) -> Result<String, String> {
    if valid_name(text) { Ok(text.to_owned()) } else { Err(expected("name")) }
}

/// A number of worker threads.
///
/// # Errors
/// What is expected, in words, unless 1 to 1024.
pub fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    let within = |threads: &NonZeroUsize| i64::try_from(threads.get()).is_ok_and(|threads| THREADS.contains(threads));
    text.parse().ok().filter(within).ok_or_else(|| expected("threads"))
}

fn expected(key: &str) -> String {
    format!("expected {}", keys::expects(key))
}
