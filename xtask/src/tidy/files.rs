//! Rules about single files: an opening comment, a bearable length, no path of somebody's machine.

use std::fs;
use std::path::{Path, PathBuf};

/// A file that is read in one go; documents may be longer, a log grows.
const MAX_LINES: usize = 300;
/// The most of a file of tests: one subject's cases stand together.
const MAX_TEST_LINES: usize = 400;
/// The most of an example, which is read before it is copied.
const MAX_EXAMPLE: usize = 60;
/// Folders that hold nothing of ours, or nothing committed.
const SKIPPED: &[&str] = &["target", "runs", ".git", ".venv"];
/// What is checked line by line; the lock file is cargo's.
const TEXTS: &[&str] = &["rs", "toml", "md", "txt", "sh", "py", "json", "yml"];

/// Everything in files that breaks a rule.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let mut paths = Vec::new();
    if let Err(error) = collect(root, root, &mut paths) {
        faults.push(format!("{}: {error}", root.display()));
    }
    paths.sort();
    for path in paths {
        match fs::read(root.join(&path)) {
            Ok(bytes) => {
                if let Ok(text) = String::from_utf8(bytes) {
                    check(&path, &text, &mut faults);
                }
            }
            Err(error) => faults.push(format!("{}: {error}", path.display())),
        }
    }
    faults
}

/// The texts below `folder`, relative to `root`.
fn collect(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() && !SKIPPED.iter().any(|name| entry.file_name() == *name) {
            collect(root, &path, paths)?;
        }
        let is_text = path.extension().is_none_or(|end| TEXTS.iter().any(|text| end == *text));
        if kind.is_file() && is_text {
            paths.extend(path.strip_prefix(root).map(Path::to_path_buf));
        }
    }
    Ok(())
}

/// Whether a file is of tests alone.
fn is_test(path: &Path) -> bool {
    let is_named_so =
        path.file_stem().is_some_and(|name| name == "tests" || name.to_string_lossy().ends_with("_tests"));
    is_named_so || path.iter().any(|part| part == "tests")
}

fn check(path: &Path, text: &str, faults: &mut Vec<String>) {
    let place = path.display();
    let is_rust = path.extension().is_some_and(|end| end == "rs");
    if is_rust && !text.starts_with("//! ") {
        faults.push(format!("{place}:1: a module opens with `//!` and what it is for"));
    }
    let lines = text.lines().count();
    // Those of the fuzzing crate make its seeds.
    let is_example = is_rust && path.iter().any(|part| part == "examples") && !path.starts_with("crates/fuzzing");
    if is_example && lines > MAX_EXAMPLE {
        faults.push(format!("{place}: {lines} lines; an example has at most {MAX_EXAMPLE}"));
    }
    let is_prose_or_data = path.extension().is_some_and(|end| end == "md" || end == "txt" || end == "json");
    let most = if is_test(path) { MAX_TEST_LINES } else { MAX_LINES };
    if lines > most && !is_prose_or_data {
        faults.push(format!("{place}: {lines} lines; split it by subject, {most} are the most"));
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(home) = home_path(line) {
            faults.push(format!("{place}:{}: `{home}` is a path of one machine; write a relative one", index + 1));
        }
    }
}

/// A path into a home folder, if `line` has one.
fn home_path(line: &str) -> Option<&'static str> {
    // Put together here, so that this file does not hold what it looks for.
    const HOMES: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    HOMES.into_iter().find(|home| {
        // Part of an address or of a longer path, it is no path from the root.
        line.match_indices(home).any(|(at, _)| {
            line[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && !"._-~}".contains(before))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        faults(folder.path())
    }

    #[test]
    fn a_module_without_its_comment_is_found_wherever_it_is() {
        assert_eq!(found("src/a.rs", "//! Why.\n"), Vec::<String>::new());
        assert_eq!(found("src/a.rs", "\n//! Late.\n").len(), 1);
        assert_eq!(found("src/a/b/c.rs", "")[0], "src/a/b/c.rs:1: a module opens with `//!` and what it is for");
        assert_eq!(found("target/a.rs", ""), Vec::<String>::new());
    }

    #[test]
    fn long_source_files_are_found_and_long_documents_allowed() {
        let lines = |count: usize| "//! x\n".repeat(count);
        assert_eq!(found("a.rs", &lines(300)), Vec::<String>::new());
        assert!(found("a.rs", &lines(301))[0].starts_with("a.rs: 301 lines"));
        for tests in ["crates/a/tests/b.rs", "crates/a/src/b/tests.rs"] {
            assert_eq!(found(tests, &lines(400)), Vec::<String>::new());
            assert!(found(tests, &lines(401))[0].ends_with("400 are the most"));
        }
        assert_eq!(found("docs/log.md", &lines(401)), Vec::<String>::new());
        assert_eq!(found("crates/a/examples/b.rs", &lines(60)), Vec::<String>::new());
        assert!(found("crates/a/examples/b.rs", &lines(61))[0].ends_with("61 lines; an example has at most 60"));
    }

    #[test]
    fn home_folders_in_texts_are_found_and_urls_allowed() {
        let home = concat!("/ho", "me/somebody/x");
        assert!(found("a.toml", &format!("x = 1\npath = \"{home}\"\n"))[0].starts_with("a.toml:2: "));
        assert!(found("run", &format!("cd {home}\n"))[0].starts_with("run:1: "));
        assert_eq!(found("a.md", &format!("https://example.org{home}\n")), Vec::<String>::new());
    }
}
