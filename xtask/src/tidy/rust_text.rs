//! Rust source as a row of tokens, enough of them to find imports and texts without a compiler.

/// A token that the rules look at; numbers, lifetimes and single characters' literals are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// `::`.
    Path,
    /// A string's contents as they are written, with the line where it begins.
    Text(String, usize),
    /// Any other character.
    Mark(char),
}

/// The tokens of a file without its comments, and without what `#[cfg(test)]` stands before.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    without_tests(scan(text))
}

fn scan(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let rest = &text[at..];
        let end = match bytes[at] {
            b'/' if rest.starts_with("//") => at + rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => at + rest.find("*/").map_or(rest.len(), |end| end + 2),
            b'"' => {
                let length = string_length(rest);
                tokens.push(Token::Text(rest[1..length.saturating_sub(1).max(1)].to_owned(), line));
                at + length
            }
            b'r' | b'b' if raw_string(rest).is_some() => {
                let (contents, length) = raw_string(rest).unwrap_or_default();
                tokens.push(Token::Text(contents.to_owned(), line));
                at + length
            }
            b'\'' => at + character_length(rest),
            b':' if rest.starts_with("::") => {
                tokens.push(Token::Path);
                at + 2
            }
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                if !byte.is_ascii_digit() {
                    tokens.push(Token::Word(rest[..length].to_owned()));
                }
                at + length
            }
            _ => {
                let mark = rest.chars().next().unwrap_or(' ');
                if !mark.is_whitespace() {
                    tokens.push(Token::Mark(mark));
                }
                at + mark.len_utf8()
            }
        };
        line += text[at..end].matches('\n').count();
        at = end;
    }
    tokens
}

/// The bytes of the string that `rest` begins with, its quotes included.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The contents and the length of a raw string, `r#"…"#`, or of one with a prefix, `b"…"`.
fn raw_string(rest: &str) -> Option<(&str, usize)> {
    let prefix = rest.find(|c| c != 'r' && c != 'b')?;
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let open = prefix + hashes;
    if prefix > 2 || !rest[open..].starts_with('"') {
        return None;
    }
    if !rest[..prefix].contains('r') {
        let length = string_length(&rest[open..]);
        return (hashes == 0).then(|| (&rest[open + 1..open + length - 1], open + length));
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = rest[open + 1..].find(&close)? + open + 1;
    Some((&rest[open + 1..end], end + close.len()))
}

/// The bytes of a character's literal, or of a lifetime's quote alone.
fn character_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(1, |end| {
            // The escaped quote itself: '\''.
            if end == 0 { 4 } else { end + 3 }
        }),
        Some(_) => characters.next().filter(|(_, next)| *next == '\'').map_or(1, |(end, _)| end + 1),
        None => 1,
    }
}

/// Leaves out each item that follows a `#[cfg(test)]`, up to its closing brace or semicolon.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mark = |token: Option<&Token>, expected: char| token == Some(&Token::Mark(expected));
    let word = |token: Option<&Token>, expected: &str| matches!(token, Some(Token::Word(word)) if word == expected);
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let is_attribute =
            mark(tokens.get(at), '#') && mark(tokens.get(at + 1), '[') && word(tokens.get(at + 2), "cfg");
        let close = (at..tokens.len()).find(|place| mark(tokens.get(*place), ']')).unwrap_or(tokens.len());
        // `cfg(test)` and `cfg(all(test, unix))`, but neither `cfg(not(test))` nor `cfg(any(feature = "x", test))`.
        let mut condition = tokens[at..close].iter();
        let of_test = condition.clone().any(|token| word(Some(token), "test"));
        let only = !condition.any(|token| word(Some(token), "not") || word(Some(token), "any"));
        if !(is_attribute && of_test && only) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let (mut depth, mut end) = (0, close + 1);
        while let Some(token) = tokens.get(end) {
            match token {
                Token::Mark('{' | '(' | '[') => depth += 1,
                Token::Mark('}' | ')' | ']') => depth -= 1,
                _ => {}
            }
            end += 1;
            if depth == 0 && matches!(token, Token::Mark('}' | ';')) {
                break;
            }
        }
        at = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let of = |token| if let Token::Word(word) = token { Some(word) } else { None };
        tokens(text).into_iter().filter_map(of).collect()
    }

    #[test]
    fn comments_and_literals_hold_no_identifiers() {
        assert_eq!(words("a // b\n/* c\n */ d"), ["a", "d"]);
        assert_eq!(words(r##"a "b \" c" d r#"e " f"# g b"h" i"##), ["a", "d", "g", "i"]);
        assert_eq!(
            words(r"a 'b' c '\'' d '\n' e '\u{1b}' f<'g>(x: &'g str) 0x1f"),
            ["a", "c", "d", "e", "f", "g", "x", "g", "str"]
        );
    }

    #[test]
    fn string_literals_know_their_line() {
        let text = tokens("a\n\n(\"b\\n--c\")").into_iter().find(|token| matches!(token, Token::Text(..)));
        assert_eq!(text, Some(Token::Text("b\\n--c".to_owned(), 3)));
    }

    #[test]
    fn test_code_is_left_out() {
        assert_eq!(words("a; #[cfg(test)] mod tests { fn b() { c } } d"), ["a", "d"]);
        assert_eq!(words("#[cfg(all(test, unix))] mod tests; d"), ["d"]);
        assert_eq!(words("#[cfg(test)] #[rustfmt::skip] fn b(c: [u8; 3]) -> u8 { d } e"), ["e"]);
        let kept = words("#[cfg(any(feature = \"cuda\", test))] mod b;");
        assert_eq!(kept.last().map(String::as_str), Some("b"));
    }
}
