//! The packages of this workspace, as their manifests describe them.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// A package of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// It has code for a CUDA build.
    pub(crate) has_cuda: bool,
    /// A library that is meant for others, and so has a README and examples.
    pub(crate) is_public: bool,
    /// It has a README.
    pub(crate) has_readme: bool,
    /// The programs that show its use, where it is meant for others.
    pub(crate) examples: Vec<String>,
}

/// Every package, by name.
pub(crate) fn read(root: &Path) -> anyhow::Result<Vec<Member>> {
    let crates = root.join("crates");
    let entries = fs::read_dir(&crates).with_context(|| format!("cannot read {}", crates.display()))?;
    let mut folders = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    folders.extend(["tests", "xtask"].map(|folder| root.join(folder)));
    let mut members = folders.iter().map(|folder| member(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

fn member(folder: &Path) -> anyhow::Result<Member> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let manifest: toml::Table = text.parse().with_context(|| path.display().to_string())?;
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.with_context(|| format!("{}: no package name", path.display()))?.to_owned();
    let has_cuda = manifest.get("features").is_some_and(|features| features.get("cuda").is_some());
    let is_library = folder.join("src/lib.rs").is_file();
    let publish = manifest.get("package").and_then(|package| package.get("publish")).and_then(toml::Value::as_bool);
    let is_public = is_library && publish != Some(false);
    let examples = if is_public { examples(folder)? } else { Vec::new() };
    let has_readme = folder.join("README.md").is_file();
    Ok(Member { name, has_cuda, is_public, has_readme, examples })
}

/// The names of the package's examples, sorted.
fn examples(folder: &Path) -> anyhow::Result<Vec<String>> {
    let folder = folder.join("examples");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        names.extend(name.filter(|_| path.extension().is_some_and(|end| end == "rs")));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn the_workspaces_packages_are_found() {
        let members = read(&workspace::root()).unwrap();
        let of = |name: &str| members.iter().find(|member| member.name == name).unwrap_or_else(|| panic!("{name}"));
        assert!(of("strata-trainer").has_cuda && of("strata-trainer").is_public);
        assert!(!of("strata-rng").has_cuda && of("strata-rng").is_public);
        assert_eq!(of("strata-rng").examples, ["pytorch_draws"]);
        assert_eq!(of("strata-fuzzing").examples, Vec::<String>::new(), "it is for no others");
        assert!(!of("xtask").is_public && !of("strata-tests").is_public);
    }
}
