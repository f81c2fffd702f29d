//! What lies at the top of the tree, and that the workflow tests every crate.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::members::{self, Member};

/// Folders that may be committed; names with a dot first are tools' own.
const FOLDERS: &[&str] = &["configs", "crates", "docs", "tests", "xtask"];
/// The same of files.
const FILES: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
];
const WORKFLOW: &str = ".github/workflows/checks.yml";

/// What lies at the top and should not, and what the workflow leaves out.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut faults = Vec::from_iter(strangers(&committed(root)));
    match (std::fs::read_to_string(root.join(WORKFLOW)), members::read(root)) {
        (Ok(workflow), Ok(members)) => {
            faults.extend(unexplained(&members));
            let names = members.into_iter().map(|member| member.name).collect();
            faults.extend(untested(&workflow, &names));
        }
        (workflow, members) => {
            faults.extend(workflow.err().map(|error| format!("{WORKFLOW}: {error}")));
            faults.extend(members.err().map(|error| format!("{error:#}")));
        }
    }
    faults
}

/// The paths that git tracks, or, in a tree without git, none: then only a person could have put something there.
fn committed(root: &Path) -> Vec<String> {
    let git = Command::new("git").arg("-C").arg(root).args(["ls-files", "-z"]).stderr(Stdio::null()).output();
    let names = git.map(|output| output.stdout).unwrap_or_default();
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

fn strangers(paths: &[String]) -> BTreeSet<String> {
    let mut faults = BTreeSet::new();
    for path in paths {
        let (name, known) = match path.split_once('/') {
            Some((folder, _)) => (folder, FOLDERS),
            None => (path.as_str(), FILES),
        };
        if !name.starts_with('.') && !known.contains(&name) {
            faults.insert(format!(
                "{name}: the top of the tree holds {} and a few files; move it to the crate it serves",
                FOLDERS.join(", ")
            ));
        }
    }
    faults
}

/// Crates that others are to use, and that do not say how.
fn unexplained(members: &[Member]) -> Vec<String> {
    let public = members.iter().filter(|member| member.is_public);
    let lacks = public.flat_map(|member| {
        let readme =
            (!member.has_readme).then(|| format!("{}: write a README.md: what it is, an example", member.name));
        let examples = member.examples.is_empty().then(|| format!("{}: write an example in examples/", member.name));
        readme.into_iter().chain(examples)
    });
    lacks.collect()
}

/// The list under `package:`, against the packages that there are.
fn untested(workflow: &str, members: &BTreeSet<String>) -> Vec<String> {
    let list = workflow.lines().skip_while(|line| line.trim() != "package:").skip(1);
    let list = list.map_while(|line| line.trim().strip_prefix("- ").map(str::to_owned));
    let listed: BTreeSet<String> = list.collect();
    let missing = members.difference(&listed).map(|name| format!("{WORKFLOW}: add {name} to the packages"));
    let unknown = listed.difference(members).map(|name| format!("{WORKFLOW}: there is no package {name}"));
    missing.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unexpected_top_level_folders_are_found() {
        let paths = ["crates/fuzz/x", ".ci/run", ".gitignore", "Cargo.toml", "fuzz/run", "fuzz/README.md", "notes.txt"];
        let found: Vec<_> = strangers(&paths.map(str::to_owned)).into_iter().collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("fuzz: the top") && found[1].starts_with("notes.txt: the top"), "{found:?}");
    }

    #[test]
    fn a_public_crate_without_a_readme_or_an_example_is_found() {
        let member = |name: &str, is_public, has_readme, examples: &[&str]| Member {
            name: name.to_owned(),
            has_cuda: false,
            is_public,
            has_readme,
            examples: examples.iter().map(ToString::to_string).collect(),
        };
        let good = [member("a", true, true, &["x"]), member("b", false, false, &[])];
        assert_eq!(unexplained(&good), Vec::<String>::new());
        let found = unexplained(&[member("a", true, false, &[])]);
        assert_eq!(found, ["a: write a README.md: what it is, an example", "a: write an example in examples/"]);
    }

    #[test]
    fn packages_missing_from_the_workflow_or_unknown_are_found() {
        let workflow = "matrix:\n  system: [x]\n  package:\n    - a\n    - b\n  exclude:\n    - { package: c }\n";
        let members = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        assert_eq!(untested(workflow, &members(&["a", "b"])), Vec::<String>::new());
        let found = untested(workflow, &members(&["a", "c"]));
        assert_eq!(found, [format!("{WORKFLOW}: add c to the packages"), format!("{WORKFLOW}: there is no package b")]);
    }
}
