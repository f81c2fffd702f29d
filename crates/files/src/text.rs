//! Text from files made safe to print: a hostile record or archive must not steer a terminal.

use std::path::Path;

/// The longest text of one cell or message, in characters.
const LONGEST: usize = 200;

/// `text` with every control, direction and zero-width character spelt out as `\u{…}`, cut at 200 characters.
#[must_use]
pub fn clean(text: &str) -> String {
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

/// A path as text that is safe to print; paths are shown whole.
#[must_use]
pub fn shown(path: &Path) -> String {
    let mut out = String::new();
    for c in path.to_string_lossy().chars() {
        push(&mut out, c);
    }
    out
}

fn push(out: &mut String, c: char) {
    if steers(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// Characters that move the cursor, start an escape code, reverse the writing direction or cannot be seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_and_direction_marks_are_spelt_out() {
        assert_eq!(clean("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(clean("\u{9b}2J\u{202e}x"), "\\u{9b}2J\\u{202e}x");
        assert_eq!(clean("größe 模型"), "größe 模型");
    }

    #[test]
    fn long_text_is_cut() {
        let cut = clean(&"x".repeat(1000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
    }
}
