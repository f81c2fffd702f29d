//! Who depends on whom: the absences that ARCHITECTURE.md promises, read from the manifests.
//!
//! Test dependencies do not count: a test may compare what the program itself keeps apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each package of ours with what its manifest names, ours and others'.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Neither may reach another of these.
const APART: &[&str] = &["strata-dataset", "strata-model", "strata-report"];
/// These depend on no crate of ours, but for the nouns.
const LEAVES: &[&str] = &[NOUNS, "strata-rng", "strata-kernels", "strata-files", "strata-metrics"];
/// Names alone, which depends on nothing and may be named by all.
const NOUNS: &str = "strata-spec";
/// These never see the tensor library.
const WITHOUT_TENSORS: &[&str] =
    &["strata-report", "strata-pages", "strata-dataset", "strata-config", "strata-sweep", "xtask"];
/// Made of what was recorded: these never see what trains, or what says how to.
const OF_RECORDS: &[&str] = &["strata-export", "strata-pages"];
const TRAINING: &[&str] = &["strata-trainer", "strata-dataset", "strata-config", "strata-experiment"];
const TENSORS: &[&str] = &["dfdx", "cudarc"];

/// Every dependency that must not be.
pub(super) fn faults(root: &Path) -> Vec<String> {
    match graph(root) {
        Ok(graph) => forbidden(&graph),
        Err(error) => vec![error],
    }
}

fn forbidden(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    let ours = |name: &String| graph.contains_key(name);
    let rule =
        |from: &str, to: &str, why: &str| format!("{from} must not depend on {to}, not through others either: {why}");
    for from in APART {
        let reached = reached(graph, from);
        for to in APART.iter().filter(|to| *to != from && reached.contains(**to)) {
            faults.push(rule(from, to, "data set, network and report know nothing of each other"));
        }
    }
    for from in LEAVES {
        for to in reached(graph, from).iter().filter(|name| ours(name) && *name != NOUNS) {
            faults.push(rule(from, to, "it is a leaf that anybody can use alone"));
        }
    }
    for from in WITHOUT_TENSORS {
        let reached = reached(graph, from);
        for to in TENSORS.iter().filter(|to| reached.contains(**to)) {
            faults.push(rule(from, to, "it must build in seconds"));
        }
    }
    for from in OF_RECORDS {
        let reached = reached(graph, from);
        for to in TRAINING.iter().filter(|to| reached.contains(**to)) {
            faults.push(rule(from, to, "an export is made of what was recorded"));
        }
    }
    let known = APART.iter().chain(LEAVES).chain(WITHOUT_TENSORS).chain(OF_RECORDS);
    let absent: BTreeSet<_> = known.filter(|name| !graph.contains_key(**name)).collect();
    faults.extend(
        absent.iter().map(|name| format!("there is no package {name}; mend the rules in xtask/src/tidy/edges.rs")),
    );
    faults
}

/// Everything that `from` depends on, through packages of ours too.
fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in graph.get(&name).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

fn graph(root: &Path) -> Result<Graph, String> {
    let crates = root.join("crates");
    let entries = fs::read_dir(&crates).map_err(|error| format!("{}: {error}", crates.display()))?;
    let mut folders: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    folders.push(root.join("xtask"));
    let mut graph = Graph::new();
    for folder in folders {
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let manifest: toml::Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        let name = name.ok_or_else(|| format!("{}: no package name", path.display()))?;
        graph.insert(name.to_owned(), named(&manifest));
    }
    Ok(graph)
}

/// The packages that a manifest names, for any platform, for the build script too.
fn named(manifest: &toml::Table) -> BTreeSet<String> {
    let mut tables = vec![manifest];
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    tables.extend(platforms.into_iter().flat_map(|table| table.values().filter_map(toml::Value::as_table)));
    let lists = tables.iter().flat_map(|table| ["dependencies", "build-dependencies"].map(|key| table.get(key)));
    let entries = lists.flatten().filter_map(toml::Value::as_table).flatten();
    // A renamed dependency tells its package apart from its name here.
    entries.map(|(name, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package and what it depends on.
    type Edges<'a> = (&'a str, &'a [&'a str]);

    fn tree(extra: &[Edges<'_>]) -> Graph {
        let mut graph: Graph = APART
            .iter()
            .chain(LEAVES)
            .chain(WITHOUT_TENSORS)
            .chain(OF_RECORDS)
            .map(|name| ((*name).to_owned(), BTreeSet::new()))
            .collect();
        for (from, to) in extra {
            graph.entry((*from).to_owned()).or_default().extend(to.iter().map(ToString::to_string));
        }
        graph
    }

    #[test]
    fn each_forbidden_edge_is_found_directly_and_through_others() {
        let through: &[Edges] = &[("strata-report", &["strata-glue"]), ("strata-glue", &["strata-model"])];
        let cases: [(&[Edges], &str); 7] = [
            (&[("strata-export", &["strata-trainer"])], "strata-export must not depend on strata-trainer"),
            (&[("strata-dataset", &["strata-model"])], "strata-dataset must not depend on strata-model"),
            (through, "strata-report must not depend on strata-model"),
            (&[("strata-rng", &["strata-kernels"])], "strata-rng must not depend on strata-kernels"),
            (&[("strata-config", &["dfdx"])], "strata-config must not depend on dfdx"),
            (&[("xtask", &["strata-model"]), ("strata-model", &["dfdx"])], "xtask must not depend on dfdx"),
            (&[("strata-dataset", &["cudarc"])], "strata-dataset must not depend on cudarc"),
        ];
        assert_eq!(forbidden(&tree(&[("strata-model", &["dfdx", "strata-rng"])])), Vec::<String>::new());
        for (edges, expected) in cases {
            let found = forbidden(&tree(edges));
            assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
        }
        let mut renamed = tree(&[]);
        renamed.remove("strata-rng");
        assert!(forbidden(&renamed)[0].starts_with("there is no package strata-rng"));
    }

    #[test]
    fn renamed_optional_and_platform_dependencies_are_seen_and_test_ones_are_not() {
        let manifest = r#"
            [dependencies]
            a.workspace = true
            tensors = { package = "dfdx", version = "1", optional = true }
            [build-dependencies]
            b = "1"
            [target.'cfg(unix)'.dependencies]
            c = "1"
            [dev-dependencies]
            d = "1"
        "#;
        let named = named(&manifest.parse().unwrap());
        assert_eq!(named.into_iter().collect::<Vec<_>>(), ["a", "b", "c", "dfdx"]);
    }
}
