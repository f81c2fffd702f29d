//! What a person is told: safe to print, and never a reason to fail.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use strata_files::escape;

/// Exit code of the user's mistakes, clap's too.
const MISTAKE: u8 = 2;

/// Reads the command line. Help and version are printed, a mistake is told.
///
/// # Errors
/// The exit code to end with: 0 after help or version, 2 after a mistake.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    T::try_parse().map_err(|error| {
        if !error.use_stderr() {
            // A reader that went away (`| head`) is no error.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        // Without clap's colours: the text quotes arguments as they came, and is made safe as a whole.
        let text = escape_lines(&error.render().to_string());
        let _ = write!(std::io::stderr(), "{text}");
        ExitCode::from(MISTAKE)
    })
}

/// The error and its causes on one line, without those that the error's own text says already.
#[must_use]
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = error.source();
    }
    text
}

/// How an error's text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One line: a line break in it comes from outside.
    Line,
    /// A config's error, which has lines of the config under it, each made safe already.
    Excerpt,
}

/// Prints `error: `, the error with its causes, and `hint` where there is one.
pub fn print_error(error: &(dyn Error + 'static), layout: Layout, hint: Option<&str>) {
    let text = error_chain(error);
    let text = match layout {
        Layout::Line => escape(&text),
        Layout::Excerpt => escape_lines(&text),
    };
    let hint = hint.map_or_else(String::new, |hint| format!("; {}", escape(hint)));
    // Where nobody can be told, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "error: {text}{hint}");
}

/// Prints a line on standard error, made safe. `eprintln!` would panic where nobody can be told.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escape(text));
}

/// `text` made safe to print, its lines kept.
#[must_use]
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Failure {
        text: &'static str,
        source: Option<Box<Failure>>,
    }

    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.text)
        }
    }

    impl Error for Failure {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.source.as_deref().map(|source| source as _)
        }
    }

    #[test]
    fn print_error_adds_only_causes_that_the_error_does_not_name() {
        let error = |text| {
            let last = Failure { text: "no space left", source: None };
            Failure { text, source: Some(Box::new(last)) }
        };
        assert_eq!(error_chain(&error("cannot write a.toml")), "cannot write a.toml: no space left");
        assert_eq!(error_chain(&error("cannot write a.toml: no space left")), "cannot write a.toml: no space left");
    }

    #[test]
    fn terminal_controls_but_line_breaks_are_escaped() {
        assert_eq!(escape_lines("a\u{1b}[2J\nb\rc\u{202e}\n"), "a\\u{1b}[2J\nb\\u{d}c\\u{202e}\n");
    }
}
