//! Lists of architectures: a line of widths for each network that the program is built with.
//!
//! Written with `std` alone, because the program's build script compiles this file as a module of its own.

/// Widths from the pixels to the classes: `[3072, 2048, 1024, 64, 10]`.
pub type Widths = Vec<usize>;

/// A line of a list that is no architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The line, counted from 1.
    pub line: usize,
    /// The line as written, shortened where long.
    pub text: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, text } = self;
        write!(f, "{line}: `{text}`: expected 2 to 34 widths from 1 to 65536 between spaces, as in `3072 128 64 10`")
    }
}

impl std::error::Error for RowError {}

/// The architectures of a list, in its order; empty lines and what follows `#` count for nothing.
///
/// # Errors
///
/// The first line that is not 2 to 34 widths (pixels, at most 32 hidden layers, classes) from 1 to 65,536.
pub fn parse_rows(text: &str) -> Result<Vec<Widths>, RowError> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        let widths: Option<Widths> = content
            .split_whitespace()
            .map(|word| word.parse().ok().filter(|width| (1..=65_536).contains(width)))
            .collect();
        match widths {
            Some(widths) if (2..=34).contains(&widths.len()) => rows.push(widths),
            _ => {
                return Err(RowError { line: index + 1, text: content.chars().take(80).collect() });
            }
        }
    }
    Ok(rows)
}
