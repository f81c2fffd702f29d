//! The texts that make up one config, the file and each `--set`, under one count of bytes.
//!
//! Spans of the merged table would be ambiguous with several texts: each text therefore starts where the one before
//! ended, so a span names its text, its line and its column.

use std::ops::Range;
use std::path::Path;

use strata_files::{escape, escape_path, hide_credentials, mask_credentials};

use crate::error::{ConfigError, Invalid};

/// Longest value and line that an error quotes, in characters.
const QUOTED: usize = 60;
const EXCERPT: usize = 120;

struct Source {
    origin: String,
    text: String,
    /// What errors quote: the text without the passwords of its URLs, character for character in the same place.
    masked: String,
    start: usize,
    is_file: bool,
}

/// The file's text and the `--set` arguments.
pub(crate) struct Document {
    sources: Vec<Source>,
}

impl Document {
    pub(crate) fn new(path: &Path, text: &str, sets: &[String]) -> Self {
        let source = |origin, text: &str, start, is_file| {
            let masked = mask_credentials(text);
            Source { origin, text: text.to_owned(), masked, start, is_file }
        };
        let mut sources = vec![source(escape_path(path), text, 0, true)];
        let mut start = text.len() + 1;
        for set in sets {
            let origin = format!("--set {}", quoted(&hide_credentials(set), 2 * EXCERPT));
            sources.push(source(origin, set, start, false));
            start += set.len() + 1;
        }
        Self { sources }
    }

    /// The file's text.
    pub(crate) fn file(&self) -> &str {
        &self.sources[0].text
    }

    /// Each `--set` with the place where its text starts.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (usize, &str)> {
        self.sources[1..].iter().map(|source| (source.start, source.text.as_str()))
    }

    /// Whether the text at `span` stands in the file.
    pub(crate) fn is_file(&self, span: Range<usize>) -> bool {
        self.locate(&span).0.is_file
    }

    /// The text at `span`, without the passwords of its URLs.
    pub(crate) fn text(&self, span: Range<usize>) -> &str {
        let (source, local) = self.locate(&span);
        source.masked_part(&local)
    }

    /// The error that `key` (if the fault lies in one) is wrong at `span`, quoting the value found there.
    pub(crate) fn wrong(&self, span: Range<usize>, key: &str, message: impl Into<String>) -> ConfigError {
        let mut error = self.at(span.clone(), Some(key), message);
        let (source, local) = self.locate(&span);
        let value = source.masked_part(&local);
        error.value = Some(quoted(value, QUOTED)).filter(|value| !value.is_empty());
        ConfigError::Invalid(Box::new(error))
    }

    /// The error that the key at `span`, or the text where `key` is `None`, is wrong; its value is not quoted.
    pub(crate) fn fault(&self, span: Range<usize>, key: Option<&str>, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid(Box::new(self.at(span, key, message)))
    }

    /// The error that `key` is written nowhere.
    pub(crate) fn missing(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid(Box::new(Invalid {
            origin: self.sources[0].origin.clone(),
            line: None,
            key: Some(key.to_owned()),
            value: None,
            message: message.into(),
            excerpt: None,
        }))
    }

    fn at(&self, span: Range<usize>, key: Option<&str>, message: impl Into<String>) -> Invalid {
        let (source, local) = self.locate(&span);
        let before = source.text.get(..local.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Invalid {
            origin: source.origin.clone(),
            line: source.is_file.then_some(line),
            key: key.map(|key| quoted(key, QUOTED)),
            value: None,
            message: hide_credentials(&message.into()),
            excerpt: source.is_file.then(|| excerpt(&source.masked, line, &source.masked_range(&local))),
        }
    }

    fn locate(&self, span: &Range<usize>) -> (&Source, Range<usize>) {
        let index = self.sources.partition_point(|source| source.start <= span.start).saturating_sub(1);
        let source = &self.sources[index];
        // A syntax error may point into the middle of a character.
        let clip = |at: usize| source.text.floor_char_boundary(at.saturating_sub(source.start));
        (source, clip(span.start)..clip(span.end))
    }
}

impl Source {
    /// The bytes of the masked text that stand for `range` of the text.
    fn masked_range(&self, range: &Range<usize>) -> Range<usize> {
        if self.masked.len() == self.text.len() {
            return range.clone();
        }
        let at = |place: usize| {
            let characters = self.text[..place].chars().count();
            self.masked.char_indices().nth(characters).map_or(self.masked.len(), |(at, _)| at)
        };
        at(range.start)..at(range.end)
    }

    fn masked_part(&self, range: &Range<usize>) -> &str {
        self.masked.get(self.masked_range(range)).unwrap_or_default()
    }
}

/// `text` on one line, no longer than `most` characters before those that steer a terminal are spelt out.
fn quoted(text: &str, most: usize) -> String {
    let line: String = text.chars().take(most).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let mut line = escape(&line);
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

/// A character of a line that is shown over carets: as wide as the caret below it.
fn printable(c: char) -> char {
    if escape(c.encode_utf8(&mut [0; 4])).chars().count() == 1 { c } else { '\u{fffd}' }
}

/// The line numbered `line` with carets under the part of it that `span` covers.
fn excerpt(text: &str, line: usize, span: &Range<usize>) -> String {
    let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let content = text[start..].lines().next().unwrap_or_default();
    let column = text[start..span.start].chars().count();
    // A long line is shown from a little before the fault.
    let skipped = if column < EXCERPT / 2 { 0 } else { column - EXCERPT / 4 };
    let shown: String = content.chars().skip(skipped).take(EXCERPT).map(|c| if c == '\t' { ' ' } else { c }).collect();
    let shown: String = shown.trim_end().chars().map(printable).collect();
    let marked = text[span.clone()].lines().next().map_or(0, |part| part.chars().count());
    let room = shown.chars().count().saturating_sub(column - skipped);
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let (blank, carets) = (" ".repeat(column - skipped), "^".repeat(marked.clamp(1, room.max(1))));
    format!("{gutter} |\n{number} | {shown}\n{gutter} | {blank}{carets}")
}
