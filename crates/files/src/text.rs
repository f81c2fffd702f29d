//! Text from files made safe to print: a hostile record or archive must not steer a terminal.

use std::path::Path;

/// The longest text of one cell or message, in characters.
const LONGEST: usize = 200;

/// `text` with every control, direction and zero-width character spelt out as `\u{…}`, cut at 200 characters.
#[must_use]
pub fn escape_truncated(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        push(&mut out, c);
    }
    out
}

/// `text` with every control, direction and zero-width character spelt out as `\u{…}`, whole.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// A path as text that is safe to print; paths are shown whole.
#[must_use]
pub fn escape_path(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

fn push(out: &mut String, c: char) {
    if is_terminal_control(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// Characters that move the cursor, start an escape code, reverse the writing direction or cannot be seen.
fn is_terminal_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_and_direction_marks_are_escaped() {
        assert_eq!(escape_truncated("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(escape_truncated("\u{9b}2J\u{202e}x"), "\\u{9b}2J\\u{202e}x");
        assert_eq!(escape_truncated("größe 模型"), "größe 模型");
        assert_eq!(escape_path(Path::new("a\u{1b}[2J")), "a\\u{1b}[2J");
    }

    #[test]
    fn long_text_is_cut() {
        let cut = escape_truncated(&"x".repeat(1000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
        assert_eq!(escape(&"x".repeat(1000)).len(), 1000);
    }
}
