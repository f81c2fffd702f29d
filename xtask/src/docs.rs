//! `cargo xtask docs`: the files that are made from the code, written or, with `--check`, compared: the document of the config's keys,
//! and the lists of what is a file each in a folder of its kind: published data sets, exporters, layers.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use anyhow::Context;
use strata_spec::{LayerKind, Named};

use crate::workspace;

/// The folder whose files are a published data set each.
const DATA_SETS: &str = "crates/dataset/src/source/published";
const LIST_OF_DATA_SETS: &str = "crates/dataset/src/source/published/mod.rs";
/// The same of exporters.
const EXPORTERS: &str = "crates/export/src/format";
const LIST_OF_EXPORTERS: &str = "crates/export/src/format/mod.rs";
const LIST_OF_LAYERS: &str = "crates/model/src/layer/kind/mod.rs";

/// Each generated file with its text.
fn documents(root: &Path) -> io::Result<[(&'static str, String); 4]> {
    let data_sets = list_of_data_sets(&modules(&root.join(DATA_SETS))?);
    Ok([
        ("docs/config.md", strata_config::reference()),
        (LIST_OF_DATA_SETS, data_sets),
        (LIST_OF_EXPORTERS, list_of_exporters(&modules(&root.join(EXPORTERS))?)),
        (LIST_OF_LAYERS, list_of_layers()),
    ])
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

/// Globs of the files import what every one of them has, too.
const SAME_NAMES: &str = "#![allow(unused_qualifications, reason = \"every file has a constant of the same name\")]";

fn list_of_data_sets(modules: &[String]) -> String {
    let declared: String = modules.iter().map(|module| format!("mod {module};\n")).collect();
    let listed: String = modules.iter().map(|module| format!("    {module}::SOURCES,\n")).collect();
    format!(
        "//! The published data sets, each a file of this folder, whose list `cargo xtask docs` writes.\n\n{declared}\n\
         use super::Source;\n\n/// The sources of all files.\n#[rustfmt::skip]\n\
         pub(super) const SOURCES: &[&[Source]] = &[\n{listed}];\n"
    )
}

fn list_of_exporters(modules: &[String]) -> String {
    let each = |line: fn(&str) -> String| modules.iter().map(|module| line(module)).collect::<String>();
    let declared = each(|module| format!("mod {module};\n"));
    let used = each(|module| format!("pub use {module}::*;\n"));
    let listed = each(|module| format!("    {module}::EXPORTER,\n"));
    format!(
        "//! What runs are exported as, each a file of this folder, whose list `cargo xtask docs` writes.\n\n{SAME_NAMES}\n\n\
         {declared}\n{used}\nuse crate::Exporter;\n\n/// Every exporter.\n#[rustfmt::skip]\n\
         pub const EXPORTERS: &[&dyn Exporter] = &[\n{listed}];\n"
    )
}

/// A file for each kind of layer, under its word.
fn list_of_layers() -> String {
    let mut kinds = LayerKind::ALL;
    kinds.sort_by_key(|kind| kind.as_str());
    let each = |line: fn(LayerKind, &str) -> String| kinds.map(|kind| line(kind, kind.as_str())).concat();
    let declared = each(|_, word| format!("mod {word};\n"));
    let used = each(|_, word| format!("pub use {word}::*;\n"));
    let listed = each(|kind, word| format!("        LayerKind::{kind:?} => {word}::AT_RUN_TIME,\n"));
    let items = each(|_, word| {
        format!(
            "    ($width:tt {word} $($rest:tt)*) => {{ $crate::__layers!(@word $width {word}, None, $($rest)*) }};\n"
        )
    });
    format!(
        "//! The layers that a word calls, each a file of this folder, whose list `cargo xtask docs` writes.\n\n\
         {SAME_NAMES}\n\n{declared}\n{used}use strata_spec::LayerKind;\n\nuse super::word::AtRunTime;\n\n\
         /// What a kind of layer is where its sizes are known at run time only.\n\
         pub(crate) const fn at_run_time(kind: LayerKind) -> AtRunTime {{\n    match kind {{\n{listed}    }}\n}}\n\n\
         /// An item of a network that begins with a word, or else a width; a part of [`net!`](crate::net).\n\
         #[doc(hidden)]\n#[macro_export]\n#[rustfmt::skip]\nmacro_rules! __item {{\n{items}\
         \x20   ($width:tt $($item:tt)+) => {{ $crate::__layers!(@dense $width $($item)+) }};\n}}\n"
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
        fs::create_dir_all(root.join(EXPORTERS)).unwrap();
        fs::create_dir_all(root.join(LIST_OF_LAYERS).parent().unwrap()).unwrap();
        fs::write(root.join(DATA_SETS).join("digits.rs"), "").unwrap();
        assert_eq!(faults(root).unwrap().len(), 4, "none is there");
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
