//! Lists of networks: a line for each that the program is built with.
//!
//! With no other crate than `strata-spec`, because the program's build script compiles this file as a module of its own.

use strata_spec::NetworkSpec;

/// A line of a list that is no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The line, counted from 1.
    pub line: usize,
    /// The line as written, shortened where long.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, text, reason } = self;
        write!(f, "{line}: `{text}`: {reason}")
    }
}

impl std::error::Error for RowError {}

/// The networks of a list, in its order; empty lines and what follows `#` count for nothing. A chain of dense layers is a line of widths, from
/// the pixels to the classes (`3072 128 64 10`), any other network its text (`3072, 512 gelu, skip(512), 10`).
///
/// # Errors
///
/// The first line that is no network, or one that no program can be built with ([`NetworkSpec::check_limits`]).
pub fn parse_rows(text: &str) -> Result<Vec<NetworkSpec>, RowError> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim();
        if !content.is_empty() {
            let error = |reason| RowError { line: index + 1, text: content.chars().take(80).collect(), reason };
            rows.push(parse_row(content).map_err(error)?);
        }
    }
    Ok(rows)
}

fn parse_row(line: &str) -> Result<NetworkSpec, String> {
    let expected = || {
        "expected 2 to 34 widths from 1 to 65536 between spaces, as in `3072 128 64 10`, or a network's text".to_owned()
    };
    let network = if line.contains(',') {
        line.parse::<NetworkSpec>()
    } else {
        let widths: Option<Vec<usize>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
        match widths.as_deref() {
            Some([inputs, hidden @ .., classes]) => NetworkSpec::chain(*inputs, hidden, *classes),
            _ => return Err(expected()),
        }
    };
    let network = network.map_err(|error| error.to_string())?;
    network.check_limits().map_err(|error| error.to_string())?;
    Ok(network)
}

/// The line of a list that is `network`.
pub fn row_text(network: &NetworkSpec) -> String {
    if !network.is_chain() {
        return network.to_string();
    }
    network.widths().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
