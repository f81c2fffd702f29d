//! `cargo xtask docs`: the documents that are made from the tables of the code, written or, with `--check`, compared.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::workspace;

/// Each generated document with its text.
fn documents() -> [(&'static str, String); 1] {
    [("docs/config.md", strata_config::reference())]
}

/// Writes the documents; with `check` says instead which are not as they would be written.
pub(crate) fn run(check: bool) -> anyhow::Result<ExitCode> {
    let root = workspace::root();
    if check {
        let faults = faults(&root);
        faults.iter().for_each(|fault| strata_cli::note(&format!("error: {fault}")));
        return Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for (place, text) in documents() {
        let path = root.join(place);
        strata_files::write_atomically(&path, |file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The documents that are not what the code says.
pub(crate) fn faults(root: &Path) -> Vec<String> {
    let is_current = |place: &str, text: &str| fs::read_to_string(root.join(place)).is_ok_and(|found| found == text);
    let stale = documents().into_iter().filter(|(place, text)| !is_current(place, text));
    stale.map(|(place, _)| format!("{place} is not what the code says; `cargo xtask docs` writes it again")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_says_otherwise_is_found() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(faults(folder.path()).len(), documents().len(), "none is there");
        for (place, text) in documents() {
            fs::create_dir_all(folder.path().join(place).parent().unwrap()).unwrap();
            fs::write(folder.path().join(place), &text).unwrap();
        }
        assert_eq!(faults(folder.path()), Vec::<String>::new());
        let (place, text) = &documents()[0];
        fs::write(folder.path().join(place), text.replace("128", "129")).unwrap();
        assert!(faults(folder.path())[0].starts_with("docs/config.md is not what the code says"));
    }
}
