//! The house rules, as a check: what reviewers would otherwise have to look for.

mod circles;
mod edges;
mod features;
mod files;
mod forgotten;
mod layout;
mod listed;
mod profiles;
mod rust_text;
mod sources;
mod words;

use std::path::Path;
use std::process::ExitCode;

use crate::docs;
use crate::workspace;

/// `cargo xtask tidy`.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    Ok(if passes(&workspace::root()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what breaks a rule; whether nothing does.
pub(crate) fn passes(root: &Path) -> bool {
    let faults = faults(root);
    for fault in &faults {
        // A fault of a config has lines of the config under it.
        format!("error: {fault}").lines().for_each(strata_cli::note);
    }
    faults.is_empty()
}

/// Everything in the tree at `root` that breaks a rule, each with its place and its remedy.
fn faults(root: &Path) -> Vec<String> {
    let mut faults = files::faults(root);
    faults.extend(features::faults(root));
    faults.extend(forgotten::faults(root));
    faults.extend(listed::faults(root));
    faults.extend(profiles::faults(root));
    faults.extend(edges::faults(root));
    faults.extend(circles::faults(root));
    faults.extend(layout::faults(root));
    faults.extend(words::faults(root));
    faults.extend(docs::faults(root).unwrap_or_else(|error| vec![format!("generated files: {error}")]));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_obeys_the_house_rules() {
        assert_eq!(faults(&workspace::root()), Vec::<String>::new());
    }
}
