//! `cargo xtask docs`: the files that are made from the code, written or, with `--check`, compared: the document of the config's keys,
//! and the list of the published data sets, each of which is a file of one folder.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use anyhow::Context;

use crate::workspace;

/// The folder whose files are a published data set each.
const DATA_SETS: &str = "crates/dataset/src/source/published";
const LIST_OF_DATA_SETS: &str = "crates/dataset/src/source/published/mod.rs";

/// Each generated file with its text.
fn documents(root: &Path) -> io::Result<[(&'static str, String); 2]> {
    let data_sets = list_of_data_sets(&modules(&root.join(DATA_SETS))?);
    Ok([("docs/config.md", strata_config::reference()), (LIST_OF_DATA_SETS, data_sets)])
}

/// The modules that are files of `folder`, in the alphabet's order.
fn modules(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<io::Result<_>>()?;
    let modules = names.iter().filter_map(|name| name.strip_suffix(".rs"));
    let mut modules: Vec<String> = modules.filter(|name| *name != "mod").map(str::to_owned).collect();
    modules.sort();
    Ok(modules)
}

fn list_of_data_sets(modules: &[String]) -> String {
    let declared: String = modules.iter().map(|module| format!("mod {module};\n")).collect();
    let listed: String = modules.iter().map(|module| format!("    {module}::SOURCES,\n")).collect();
    format!(
        "//! The published data sets, each a file of this folder, whose list `cargo xtask docs` writes.\n\n{declared}\n\
         use super::Source;\n\n/// The sources of all files.\n#[rustfmt::skip]\n\
         pub(super) const SOURCES: &[&[Source]] = &[\n{listed}];\n"
    )
}

/// Writes the documents; with `check` says instead which are not as they would be written.
pub(crate) fn run(check: bool) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    if check {
        let faults = faults(&root)?;
        faults.iter().for_each(|fault| strata_cli::note(&format!("error: {fault}")));
        return Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for (place, text) in documents(&root)? {
        let path = root.join(place);
        strata_files::write_atomically(&path, |file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The files that are not what the code says.
pub(crate) fn faults(root: &Path) -> io::Result<Vec<String>> {
    let is_current = |place: &str, text: &str| fs::read_to_string(root.join(place)).is_ok_and(|found| found == text);
    let stale = documents(root)?.into_iter().filter(|(place, text)| !is_current(place, text));
    let fault = |place| format!("{place} is not what the code says; `cargo xtask docs` writes it again");
    Ok(stale.map(|(place, _)| fault(place)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_file_that_says_otherwise_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("docs")).unwrap();
        fs::create_dir_all(root.join(DATA_SETS)).unwrap();
        fs::write(root.join(DATA_SETS).join("digits.rs"), "").unwrap();
        assert_eq!(faults(root).unwrap().len(), 2, "neither is there");
        for (place, text) in documents(root).unwrap() {
            fs::write(root.join(place), &text).unwrap();
        }
        assert_eq!(faults(root).unwrap(), Vec::<String>::new());
        let config = root.join("docs/config.md");
        fs::write(&config, fs::read_to_string(&config).unwrap().replace("128", "129")).unwrap();
        // A data set that nobody listed.
        fs::write(root.join(DATA_SETS).join("letters.rs"), "").unwrap();
        let faults = faults(root).unwrap();
        assert!(faults[0].starts_with("docs/config.md is not what the code says"), "{faults:?}");
        assert!(faults[1].starts_with(LIST_OF_DATA_SETS), "{faults:?}");
    }
}
