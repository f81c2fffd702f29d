//! The program `strata`: trains, resumes, lists and compares experiments, and looks at their images.
//!
//! Exit codes: 0 done, 1 failed, 2 the user's mistake, 130 interrupted.

mod cli;
mod commands;
mod huge_pages;
mod rows;
mod signals;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use strata_config::told_once;
use strata_experiment::{ConfigError, ExperimentError};
use strata_report::ReportError;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Experiment(_) | Command::Resume(_)) {
        huge_pages::ask();
    }
    log_to_standard_error();
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody can be told, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {}", told_once(error.as_ref()));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// What `STRATA_LOG` asks for (`debug`, `info,strata_dataset=trace`), warnings unless told.
fn log_to_standard_error() {
    let wanted = std::env::var("STRATA_LOG").ok().filter(|wanted| !wanted.is_empty());
    let filter = wanted.map_or_else(Targets::new, |wanted| {
        wanted.parse().unwrap_or_else(|error| {
            eprintln!(
                "warning: STRATA_LOG={wanted}: {error}; expected debug, or strata_dataset=trace, or several with commas"
            );
            Targets::new()
        })
    });
    let default = filter.default_level().unwrap_or(LevelFilter::WARN);
    let mut lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        // Colours in a log file are escape codes.
        lines = lines.with_ansi(false);
    }
    tracing_subscriber::registry().with(lines.with_filter(filter.with_default(default))).init();
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<ExperimentError>() {
        return error.exit_code();
    }
    let mistake = error.downcast_ref::<ReportError>().is_some_and(ReportError::is_usage) || error.is::<ConfigError>();
    if mistake { 2 } else { 1 }
}
