//! Files of tests that no `mod` line names: the compiler never sees them, and they would pass for ever.

use std::fs;
use std::path::Path;

use super::sources;

/// The forgotten files beside the first file of each program of tests in the tree at `root`.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let roots = sources::crate_roots(root).into_iter().filter(|path| path.ends_with("main.rs"));
    let tests = roots.filter(|path| !path.ends_with("src/main.rs"));
    tests.flat_map(|main| forgotten(root, &main)).collect()
}

fn forgotten(root: &Path, main: &Path) -> Vec<String> {
    let folder = main.parent().unwrap_or(main);
    let used: Vec<_> = sources::read(main).into_iter().map(|file| file.path).collect();
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut unused: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
    unused.retain(|path| !used.contains(path));
    unused.sort();
    let fault = |path: &Path| {
        let (path, main) = (path.strip_prefix(root).unwrap_or(path), main.strip_prefix(root).unwrap_or(main));
        format!("{}: nothing compiles it; name it in {}", path.display(), main.display())
    };
    unused.iter().map(|path| fault(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_no_line_names_is_found() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("crates/a/tests/all");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("main.rs", "mod used;"), ("used.rs", ""), ("lost.rs", "")] {
            fs::write(folder.join(name), text).unwrap();
        }
        let expected = "crates/a/tests/all/lost.rs: nothing compiles it; name it in crates/a/tests/all/main.rs";
        assert_eq!(faults(root.path()), [expected]);
    }
}
