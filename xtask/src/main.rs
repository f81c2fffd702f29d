//! What `cargo xtask` runs: makes the architecture's row, builds the right program, starts it; checks the tree.
//!
//! Light by rule: no tensor library here, so the first `cargo xtask` of a fresh clone answers in seconds.
//!
//! Exit codes: 0 done, 1 failed, 2 the user's mistake, 130 interrupted. A started program's own code passes through.

mod bench;
mod build_times;
mod card_pack;
mod cli;
mod cuda;
mod docs;
#[cfg(test)]
mod documented;
mod fault;
mod members;
mod program;
mod rows;
mod start;
mod step;
mod steps;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use strata_cli::{Layout, parse, print_error};
use strata_sweep::SweepError;

use crate::cli::{Cli, Command};
use crate::fault::Fault;

fn main() -> ExitCode {
    let cli = match parse::<Cli>() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    run(cli.command).unwrap_or_else(|error| {
        let fault = error.downcast_ref::<Fault>();
        let layout = if matches!(fault, Some(Fault::Config(_) | Fault::Sweep(SweepError::Config(_)))) {
            Layout::Excerpt
        } else {
            Layout::Line
        };
        print_error(error.as_ref(), layout, None);
        ExitCode::from(fault.map_or(1, Fault::exit_code))
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Experiment(arguments) => start::experiment(&arguments),
        Command::Resume { arguments } | Command::Reproduce { arguments } => start::resume(&arguments),
        Command::Sweep(arguments) => start::sweep(&arguments),
        Command::Runs { .. }
        | Command::Prune { .. }
        | Command::Remove { .. }
        | Command::Compare { .. }
        | Command::History { .. }
        | Command::Note { .. }
        | Command::Evaluate { .. }
        | Command::Report { .. }
        | Command::Dataset { .. }
        | Command::Export { .. }
        | Command::Predict { .. } => start::reader(),
        Command::Test { alone, extra } => steps::run(alone.as_deref(), &extra),
        Command::CardPack { to, config } => card_pack::run(&to, &config),
        Command::Bench { arguments } => bench::run(&arguments),
        Command::Docs { check } => docs::run(check),
        Command::Tidy => tidy::run(),
    }
}
