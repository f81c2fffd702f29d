//! A library says what is wrong; what to type is the program's to say: another program has other options.

use std::path::Path;

use super::rust_text::Token;
use super::sources;

/// The crates whose texts are the program's.
const OF_THE_PROGRAM: &[&str] = &["strata", "commands", "cli", "bench", "fuzzing"];
/// What only this program knows.
const WORDS: &[&str] =
    &["cargo xtask", "--data", "--runs", "--name", "--threads", "--device", "--out", "--part", "strata experiment"];

/// Every text of a library that holds a word of the program.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for crate_root in sources::crate_roots(root) {
        let place = crate_root.strip_prefix(root).unwrap_or(&crate_root);
        let mut parts = place.iter().map(|part| part.to_string_lossy());
        let is_library = parts.next().is_some_and(|folder| folder == "crates")
            && parts.next().is_some_and(|name| !OF_THE_PROGRAM.contains(&&*name))
            && place.ends_with("src/lib.rs");
        if !is_library {
            continue;
        }
        for file in sources::read(&crate_root) {
            for token in &file.tokens {
                let Token::Text(text, line) = token else { continue };
                for word in WORDS.iter().filter(|word| text.contains(**word)) {
                    let path = file.path.strip_prefix(root).unwrap_or(&file.path).display();
                    faults
                        .push(format!("{path}:{line}: `{word}` is the program's to say; a library says what is wrong"));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn command_line_words_are_found_in_library_texts_only() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("crates/x/src/lib.rs", "mod a;\n/// `--data`: \"--data\"\n");
        write(
            "crates/x/src/a.rs",
            "const A: &str =\n    \"name another folder with --data\";\n#[cfg(test)] const B: &str = \"--data\";",
        );
        write("crates/commands/src/lib.rs", "const A: &str = \"--data\";");
        write("crates/x/src/main.rs", "const A: &str = \"--data\";");
        let expected = "crates/x/src/a.rs:2: `--data` is the program's to say; a library says what is wrong";
        assert_eq!(faults(folder.path()), [expected]);
    }
}
