//! What the program `strata` does, but for the networks that it is built with: its command line, its commands, and what to type where something is wrong.
//!
//! Apart from the program, which is the networks' types and a call of [`run`], so that a new network compiles nothing of this.

mod allocator;
mod asked;
mod cli;
mod commands;
mod commit;
mod data_hints;
mod export;
mod hints;
mod housekeeping;
mod log;
mod output;
mod predict;
mod reading;
mod signals;
mod start;
mod sweep;
mod sweep_members;
mod sweep_page;
mod sweep_plan;
mod sweep_slurm;

use std::process::ExitCode;

use strata_cli::{Layout, parse, print_error};
use strata_experiment::{CompiledNetwork, ConfigError, ExperimentError};
use strata_export::ExportError;
use strata_report::ReportError;
use strata_sweep::SweepError;

use crate::asked::Asked;
use crate::cli::{Cli, Command};
use crate::hints::hint;

/// Does what the command line says, by the networks that the program was built with.
///
/// Exit codes: 0 done, 1 failed, 2 the user's mistake, 130 interrupted.
pub fn run(networks: &'static [CompiledNetwork]) -> ExitCode {
    let command = match parse::<Cli>() {
        Ok(cli) => cli.command,
        Err(code) => return code,
    };
    if let Command::Experiment(arguments) = &command
        && let Some(message) = arguments.conflict()
    {
        print_error(anyhow::Error::msg(message).as_ref(), Layout::Line, None);
        return ExitCode::from(2);
    }
    if matches!(command, Command::Experiment(_) | Command::Resume(_) | Command::Reproduce(_)) {
        allocator::ask();
    }
    log::to_standard_error();
    let asked = Asked::of(&command);
    match commands::run(command, networks) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(error.as_ref(), layout(&error), hint(&error, asked).as_deref());
            ExitCode::from(exit_code(&error))
        }
    }
}

fn layout(error: &anyhow::Error) -> Layout {
    let of_config = error.is::<ConfigError>()
        || matches!(error.downcast_ref::<ExperimentError>(), Some(ExperimentError::Config(_)))
        || matches!(error.downcast_ref::<SweepError>(), Some(SweepError::Config(_)));
    if of_config { Layout::Excerpt } else { Layout::Line }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<ExperimentError>() {
        return error.exit_code();
    }
    if let Some(error) = error.downcast_ref::<SweepError>() {
        return error.exit_code();
    }
    let mistake = error.downcast_ref::<ReportError>().is_some_and(ReportError::is_usage)
        || error.downcast_ref::<ExportError>().is_some_and(ExportError::is_usage)
        || error.is::<ConfigError>();
    if mistake { 2 } else { 1 }
}
