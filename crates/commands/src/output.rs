//! What a command prints.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;

use anyhow::Context;
use strata_cli::escape_lines;

/// The terminal's width, where standard output is one.
pub(crate) fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = terminal_width().or_else(|| std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()));
    Some(columns.unwrap_or(120))
}

fn terminal_width() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(usize::from(columns))
}

/// Writes to standard output, made safe; a reader that went away (`| head`) is no error.
pub(crate) fn show(text: &str) -> anyhow::Result<()> {
    show_part(text).map(|_| ())
}

/// As [`show`], of an output that is made part by part: breaks where nobody reads any further, and what is left need not be made.
pub(crate) fn show_part(text: &str) -> anyhow::Result<ControlFlow<()>> {
    let mut out = std::io::stdout();
    match out.write_all(escape_lines(text).as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error).context("cannot write the output"),
    }
}
