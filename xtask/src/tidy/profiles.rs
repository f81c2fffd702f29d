//! Every crate that a build profile names is one that is built.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// The crates of Cargo.toml's profiles that Cargo.lock does not have: their level acts on nothing.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let table = |name: &str| {
        let text = fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}"))?;
        text.parse::<Table>().map_err(|error| format!("{name}: {error}"))
    };
    match (table("Cargo.toml"), table("Cargo.lock")) {
        (Ok(manifest), Ok(lock)) => unknown(&manifest, &lock),
        (Err(error), _) | (_, Err(error)) => vec![error],
    }
}

fn unknown(manifest: &Table, lock: &Table) -> Vec<String> {
    let packages = lock.get("package").and_then(Value::as_array).into_iter().flatten();
    let built: BTreeSet<&str> = packages.filter_map(|package| package.get("name")?.as_str()).collect();
    let mut faults = Vec::new();
    for (profile, settings) in manifest.get("profile").and_then(Value::as_table).into_iter().flatten() {
        let named = settings.get("package").and_then(Value::as_table).into_iter().flat_map(Table::keys);
        let unknown = named.filter(|name| *name != "*" && !built.contains(name.as_str()));
        faults.extend(unknown.map(|name| {
            format!("Cargo.toml: [profile.{profile}.package.{name}] names no crate of Cargo.lock; remove it")
        }));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_a_crate_that_is_not_built_is_found() {
        let lock = "[[package]]\nname = \"syn\"\n[[package]]\nname = \"toml\"\n".parse().unwrap();
        let manifest = "[profile.dev.package.\"*\"]\nopt-level = 0\n[profile.release.package.toml]\nopt-level = 0\n\
                        [profile.release.package.tomle]\nopt-level = 0\n";
        let found = unknown(&manifest.parse().unwrap(), &lock);
        assert_eq!(found, ["Cargo.toml: [profile.release.package.tomle] names no crate of Cargo.lock; remove it"]);
    }
}
