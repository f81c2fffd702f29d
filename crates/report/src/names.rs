//! What the files of a run's folder are called, and the run.

use std::collections::HashSet;
use std::path::Path;

/// The resolved config, written before anything else.
pub(crate) const CONFIG: &str = "config.toml";
/// Which weights a run started from, written before its config: without it a run that is killed at once would begin from others.
pub(crate) const PARENT: &str = "parent.json";
pub(crate) const HISTORY: &str = "history.jsonl";
pub(crate) const TIMING: &str = "timing.jsonl";
/// What people say of the run: a line for each time that something was said.
pub(crate) const NOTES: &str = "notes.jsonl";
pub(crate) const RECORD: &str = "record.json";
pub(crate) const LOCK: &str = "lock";

/// The longest name a run may be given, in characters.
pub(crate) const MAX_NAME: usize = 100;

/// A run's name: its folder's real name, however the folder was named (`.`, a link).
pub(crate) fn name_of(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    real.file_name().unwrap_or(real.as_os_str()).to_string_lossy().into_owned()
}

/// `names`, each once: one that was there before is told from it by a number, as in `same#2`.
pub(crate) fn told_apart(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let apart = |name: String| {
        let mut unique = name.clone();
        let mut number = 2;
        while !seen.insert(unique.clone()) {
            unique = format!("{name}#{number}");
            number += 1;
        }
        unique
    };
    names.into_iter().map(apart).collect()
}
