//! Values that come from a command line and obey the config's rules.

use std::num::NonZeroUsize;

use crate::valid_name;

/// A run's name.
///
/// # Errors
/// What is expected, in words, unless [`valid_name`].
pub fn parse_name(text: &str) -> Result<String, String> {
    let expected = "expected 1 to 64 letters, digits, `.`, `_` and `-`, not starting with `.` or `-`";
    if valid_name(text) { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

/// A number of worker threads.
///
/// # Errors
/// What is expected, in words, unless 1 to 1024.
pub fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse::<NonZeroUsize>().ok().filter(|threads| threads.get() <= 1024);
    threads.ok_or_else(|| "expected an integer from 1 to 1024".to_owned())
}
