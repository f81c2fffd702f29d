//! Files of a crate that import each other, directly or through others: they can only be understood together.
//!
//! A module and the modules within it are one subject and may know each other; every other circle is a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::rust_text::Token;
use super::sources::{self, Module, declared};

/// A file of a crate.
struct Source {
    path: PathBuf,
    /// What it names: paths from the crate's root.
    names: Vec<Module>,
    /// Names that it gives on, and where they are from.
    given_on: BTreeMap<String, Module>,
}

/// Every circle in the crates of the tree at `root`.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for crate_root in sources::crate_roots(root) {
        let sources = read(&crate_root);
        for circle in circles(&edges(&sources)) {
            let place = |module: &&Module| {
                let path = &sources[*module].path;
                path.strip_prefix(root).unwrap_or(path).display().to_string()
            };
            let files: Vec<_> = circle.iter().map(place).collect();
            faults.push(format!(
                "{} import each other; move what they share into a file that imports none of them",
                files.join(", ")
            ));
        }
    }
    faults
}

fn read(crate_root: &Path) -> BTreeMap<Module, Source> {
    let files = sources::read(crate_root).into_iter();
    let source = |file: sources::File| {
        let (names, given_on) = imports(&file.module, &file.tokens, &declared(&file.tokens));
        (file.module, Source { path: file.path, names, given_on })
    };
    files.map(source).collect()
}

/// What the tokens name of their own crate, and the names that their `use` lines bring in.
fn imports(module: &Module, tokens: &[Token], parts: &[String]) -> (Vec<Module>, BTreeMap<String, Module>) {
    let (mut names, mut given_on) = (Vec::new(), BTreeMap::new());
    let mut at = 0;
    while at < tokens.len() {
        let is_use = tokens[at] == Token::Word("use".to_owned());
        let start = at + usize::from(is_use);
        at += 1;
        if is_use {
            let mut leaves = Vec::new();
            at = tree(tokens, start, &mut Vec::new(), &mut leaves);
            for (mut path, name) in leaves {
                if parts.contains(&path[0]) {
                    path.insert(0, "self".to_owned());
                }
                if let Some(path) = absolute(module, &path) {
                    given_on.insert(name, path.clone());
                    names.push(path);
                }
            }
        } else if matches!(&tokens[start], Token::Word(word) if word == "crate" || word == "super" || word == "self") {
            let mut path = Vec::new();
            let mut place = start;
            while let Some(Token::Word(word)) = tokens.get(place) {
                path.push(word.clone());
                if tokens.get(place + 1) != Some(&Token::Path) {
                    break;
                }
                place += 2;
            }
            names.extend(absolute(module, &path).filter(|_| path.len() > 1));
            at = place.max(start) + 1;
        }
    }
    (names, given_on)
}

/// Reads a `use` tree from `at` on: each leaf's path and the name it gets. Where it ends.
fn tree(tokens: &[Token], mut at: usize, prefix: &mut Module, leaves: &mut Vec<(Module, String)>) -> usize {
    let length = prefix.len();
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Word(word) if word == "as" => {
                if let (Some((_, name)), Some(Token::Word(new))) = (leaves.last_mut(), tokens.get(at + 1)) {
                    new.clone_into(name);
                }
                at += 2;
                continue;
            }
            Token::Word(word) => {
                prefix.push(word.clone());
                if tokens.get(at + 1) != Some(&Token::Path) {
                    leaves.push((prefix.clone(), word.clone()));
                }
            }
            Token::Mark('*') => leaves.push((prefix.clone(), "*".to_owned())),
            Token::Mark('{') => {
                at = tree(tokens, at + 1, prefix, leaves);
                continue;
            }
            Token::Mark(',') => prefix.truncate(length),
            Token::Mark('}' | ';') => {
                prefix.truncate(length);
                return at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

/// `path` from the crate's root, where it leads into this crate.
fn absolute(module: &Module, path: &[String]) -> Option<Module> {
    let mut base = match path.first()?.as_str() {
        "crate" => Module::new(),
        "self" | "super" => module.clone(),
        _ => return None,
    };
    for word in path {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            _ => base.push(word.clone()),
        }
    }
    Some(base)
}

/// Who imports whom, but for modules within each other.
fn edges(sources: &BTreeMap<Module, Source>) -> BTreeMap<&Module, BTreeSet<&Module>> {
    let mut edges = BTreeMap::new();
    for (from, source) in sources {
        let targets = source.names.iter().filter_map(|path| target(sources, path, 0));
        let others = targets.filter(|to| !from.starts_with(to) && !to.starts_with(from));
        edges.insert(from, others.collect());
    }
    edges
}

/// The file that defines what `path` names: a name that a module gives on is followed to where it is from.
fn target<'a>(sources: &'a BTreeMap<Module, Source>, path: &[String], depth: usize) -> Option<&'a Module> {
    let (module, source) = (0..=path.len()).rev().find_map(|length| sources.get_key_value(&path[..length]))?;
    let next = path.get(module.len()).and_then(|name| source.given_on.get(name));
    match next {
        Some(next) if depth < 8 => target(sources, next, depth + 1),
        _ => Some(module),
    }
}

/// The sets of modules each of which reaches all others of its set.
fn circles<'a>(edges: &BTreeMap<&'a Module, BTreeSet<&'a Module>>) -> Vec<Vec<&'a Module>> {
    let reached = |from: &'a Module| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for next in &edges[module] {
                if reached.insert(*next) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let all: BTreeMap<_, _> = edges.keys().map(|module| (*module, reached(module))).collect();
    let mut circles: Vec<Vec<_>> = Vec::new();
    for (module, reaches) in &all {
        if reaches.contains(module) && !circles.iter().any(|circle| circle.contains(module)) {
            circles.push(reaches.iter().filter(|other| all[**other].contains(module)).copied().collect());
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join("crates/x/src").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        faults(folder.path())
    }

    #[test]
    fn files_that_import_each_other_are_found_in_every_way_to_write_it() {
        let root = ("lib.rs", "mod a; mod b; pub use b::B;");
        for (a, b) in [
            ("use crate::b::B;", "use crate::a::A;"),
            ("use crate::{b::{self, B}, other};", "use super::a;"),
            ("fn f() { crate::b::f(); }", "fn f(x: &super::a::A) {}"),
            // Through the name that the root gives on.
            ("use crate::B;", "use crate::a::A as C;"),
            ("use super::B;", "pub use self::super::a::A;"),
        ] {
            let found = found(&[root, ("a.rs", a), ("b.rs", b)]);
            assert_eq!(found.len(), 1, "{a} {b}: {found:?}");
            assert!(found[0].starts_with("crates/x/src/a.rs, crates/x/src/b.rs import each other"), "{found:?}");
        }
    }

    #[test]
    fn indirect_import_circles_are_found_and_chains_are_not() {
        let root = ("lib.rs", "mod a; mod b; mod c;");
        let row = [root, ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c::C;"), ("c.rs", "use other::a;")];
        assert_eq!(found(&row), Vec::<String>::new());
        let circle = [&row[..3], &[("c.rs", "use crate::a::A;")]].concat();
        assert!(found(&circle)[0].starts_with("crates/x/src/a.rs, crates/x/src/b.rs, crates/x/src/c.rs import"));
    }

    #[test]
    fn parent_and_child_modules_and_tests_may_import_each_other() {
        let parts = [("lib.rs", "mod a;"), ("a.rs", "mod b; use b::B; use self::b::C;"), ("a/b.rs", "use super::A;")];
        assert_eq!(found(&parts), Vec::<String>::new());
        let tests = "#[cfg(test)] mod tests { use crate::a::A; } // use crate::a::A;\nconst X: &str = \"crate::a::A\";";
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", tests)];
        assert_eq!(found(&files), Vec::<String>::new());
    }
}
