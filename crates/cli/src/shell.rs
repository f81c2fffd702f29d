//! Quoting for what a person is told to type.

use std::path::Path;

/// `path` as one word of a shell's command line.
///
/// Plain words stay as they are; `'…'` holds whatever is printable; what is not, or is no UTF-8, is spelt in bash's, zsh's and ksh's
/// `$'…'`. A leading hyphen gets `./` before it, so that it is no option.
///
/// ```
/// use std::path::Path;
/// use strata_cli::quoted;
///
/// assert_eq!(quoted(Path::new("runs/a-2")), "runs/a-2");
/// assert_eq!(quoted(Path::new("my runs/o'brien")), r"'my runs/o'\''brien'");
/// assert_eq!(quoted(Path::new("-x")), "./-x");
/// assert_eq!(quoted(Path::new("a\nb")), r"$'a\nb'");
/// ```
#[must_use]
pub fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let before = if bytes.starts_with(b"-") { "./" } else { "" };
    let text = std::str::from_utf8(bytes).ok();
    match text {
        Some(text) if !text.is_empty() && text.bytes().all(is_plain) => format!("{before}{text}"),
        Some(text) if strata_files::escape(text) == text => format!("'{before}{}'", text.replace('\'', r"'\''")),
        _ => format!("$'{before}{}'", spelt(bytes)),
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte)
}

/// Each byte as `$'…'` takes it.
fn spelt(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str(r"\n"),
            b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            // Three octal digits end by themselves, where `\x1bc` would be read on.
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use super::*;

    /// By the shell itself, for every kind of path.
    #[test]
    fn a_quoted_path_is_read_back_by_a_shell() {
        let paths: &[&[u8]] = &[
            b"a",
            b"a b",
            b"o'brien",
            b"$HOME`x`\"",
            b"a\\b",
            b"\xff\xfe7",
            b"a\nb",
            b"\x1b[31m9",
            "é\u{202e}".as_bytes(),
            b"*?[a]~",
            b"'",
        ];
        for bytes in paths {
            let word = quoted(Path::new(OsStr::from_bytes(bytes)));
            assert_eq!(word, strata_files::escape(&word), "it can be printed");
            let Ok(read) = Command::new("bash").args(["-c", &format!("printf %s {word}")]).output() else { return };
            assert_eq!(read.stdout, *bytes, "{word}");
        }
    }
}
