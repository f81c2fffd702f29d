//! What `xtask`, the program and the tests have in common has the same features in all three builds: else it is compiled for each.

use std::collections::BTreeMap;
use std::path::Path;

use crate::workspace;

/// A crate with its version, and the features that a build switches on.
type Features = BTreeMap<String, String>;

/// The crates that the tree at `root` would compile more than once.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let builds = ["--package xtask", "--package strata", "--workspace --exclude strata-tests --edges dev"];
    let builds = builds.map(|choice| features(root, choice));
    match &builds {
        [Ok(xtask), Ok(program), Ok(tests)] => {
            let pairs = [("xtask", xtask, "strata", program), ("strata", program, "the tests", tests)];
            pairs.into_iter().flat_map(|(one, a, other, b)| different(one, a, other, b)).collect()
        }
        _ => builds.into_iter().filter_map(Result::err).collect(),
    }
}

fn features(root: &Path, choice: &str) -> Result<Features, String> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{f}",
    ]);
    let output =
        cargo.args(choice.split(' ')).current_dir(root).output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree {choice}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// The lines of `cargo tree`, but for crates of ours, whose features are ours.
fn read(text: &str) -> Features {
    let crates = text.lines().filter_map(|line| line.split_once('|'));
    let foreign = crates.filter(|(name, _)| !name.contains(" (/") && !name.contains(":\\"));
    foreign.map(|(name, features)| (name.to_owned(), features.trim_end_matches(" (*)").to_owned())).collect()
}

fn different(one: &str, a: &Features, other: &str, b: &Features) -> Vec<String> {
    let shared = a.iter().filter_map(|(name, features)| Some((name, features, b.get(name)?)));
    let unequal = shared.filter(|(_, features, others)| features != others);
    let fault = |(name, features, others)| {
        format!(
            "{name} has the features [{features}] for {one} and [{others}] for {other}, and is compiled for each: name it in the manifest that has fewer"
        )
    };
    unequal.map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_of_other_features_is_found() {
        let a = read("xtask v0.1.0 (/clone/xtask)|\nserde v1.0.1|std\nlibc v0.2.1|\nlibc v0.2.1| (*)\n");
        let b = read("strata v0.1.0 (/clone/strata)|cuda\nserde v1.0.1|std\nlibc v0.2.1|default,std\n");
        let found = different("xtask", &a, "strata", &b);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("libc v0.2.1 has the features [] for xtask and [default,std] for strata"),
            "{found:?}"
        );
    }
}
