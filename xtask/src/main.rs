//! What `cargo xtask` runs: makes the architecture's row, builds the right program, starts it; checks the tree.
//!
//! Light by rule: no tensor library here, so the first `cargo xtask` of a fresh clone answers in seconds.
//!
//! Exit codes: 0 done, 1 failed, 2 the user's mistake, 130 interrupted. A started program's own code passes through.

mod bench;
mod build_times;
mod cli;
mod cuda;
mod fault;
mod members;
mod program;
mod rows;
mod start;
mod steps;
mod tidy;
mod tools;
mod workspace;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use strata_config::told_once;

use crate::cli::{Cli, Command};
use crate::fault::Fault;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // Where nobody can be told, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {}", told_once(error.as_ref()));
            ExitCode::from(error.downcast_ref::<Fault>().map_or(1, Fault::exit_code))
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Experiment(arguments) => start::experiment(&arguments),
        Command::Resume { arguments } => start::resume(&arguments),
        Command::Runs { .. } | Command::Compare { .. } | Command::Dataset { .. } => start::reader(),
        Command::Test { alone, extra } => steps::run(alone.as_deref(), &extra),
        Command::Bench { arguments } => bench::run(&arguments),
        Command::Tidy => tidy::run(),
    }
}
