//! Names of runs.

use std::path::Path;

use crate::values::Values;

/// A name's length in characters: it becomes part of a folder's name, which most file systems cap at 255 bytes.
const MAX_NAME: usize = 64;
/// What a run is called whose config's file can name none.
pub(crate) const DEFAULT_NAME: &str = "experiment";
pub(crate) const NAME_RULE: &str =
    "a string of 1 to 64 letters, digits, `.`, `_` and `-`, not starting with `.` or `-`";

/// Whether `name` can name a run: 1 to 64 of `a-z A-Z 0-9 . _ -`, not starting with a dot (hidden) or a hyphen (an
/// option to commands).
#[must_use]
pub fn valid_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The file's name without its ending.
pub(crate) fn file_stem(origin: &Path) -> Option<String> {
    origin.file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

/// The file's name without its ending, where that can name a run.
pub(crate) fn default_name(values: &Values) -> String {
    let stem = values.file_stem.as_deref().filter(|stem| valid_name(stem));
    stem.unwrap_or(DEFAULT_NAME).to_owned()
}
