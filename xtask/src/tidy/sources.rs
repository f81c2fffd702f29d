//! The files of a crate that are compiled without tests, found as the compiler finds them.

use std::fs;
use std::path::{Path, PathBuf};

use super::rust_text::{Token, tokens};

/// A module's path in its crate: `["table", "runs"]`, empty for the root.
pub(super) type Module = Vec<String>;

/// A file of a crate.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) module: Module,
    pub(super) tokens: Vec<Token>,
}

/// The first file of each library, program, bench and test of more than one file, in the tree at `root`.
pub(super) fn crate_roots(root: &Path) -> Vec<PathBuf> {
    let folders = |folder: PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect::<Vec<_>>()
    };
    let mut packages = folders(root.join("crates"));
    packages.extend([root.join("xtask"), root.join("tests")]);
    let mut roots = Vec::new();
    for package in packages {
        roots.extend(["src/lib.rs", "src/main.rs"].map(|file| package.join(file)));
        let more = ["benches", "tests"].map(|folder| folders(package.join(folder)));
        roots.extend(more.into_iter().flatten().map(|folder| folder.join("main.rs")));
        roots.push(package.join("outside/main.rs"));
    }
    roots.retain(|file| file.is_file());
    roots.sort();
    roots
}

/// The files of the crate that begins with `crate_root`, by their `mod` lines.
pub(super) fn read(crate_root: &Path) -> Vec<File> {
    let folder = crate_root.parent().unwrap_or(crate_root);
    let mut files = Vec::new();
    let mut open = vec![(Module::new(), crate_root.to_owned())];
    while let Some((module, path)) = open.pop() {
        // A file that cannot be read is another rule's fault.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let tokens = tokens(&text);
        for name in declared(&tokens) {
            let inner = [module.as_slice(), &[name]].concat();
            let file = folder.join(inner.iter().collect::<PathBuf>());
            let places = [file.with_extension("rs"), file.join("mod.rs")];
            open.extend(places.into_iter().find(|file| file.is_file()).map(|file| (inner, file)));
        }
        files.push(File { path, module, tokens });
    }
    files
}

/// The names of `mod x;`.
pub(super) fn declared(tokens: &[Token]) -> Vec<String> {
    let lines = tokens.windows(3).filter_map(|three| match three {
        [Token::Word(keyword), Token::Word(name), Token::Mark(';')] if keyword == "mod" => Some(name.clone()),
        _ => None,
    });
    lines.collect()
}
