//! Every figure of docs/performance.md but PyTorch's, as Markdown: `cargo xtask bench NAME`.
//!
//! The networks are compiled as the program's are (crates/strata/src/compiled.rs), any widths: `cargo xtask bench` adds one that is
//! missing, as `cargo xtask experiment` does.

// A network's text is matched word by word.
#![recursion_limit = "1024"]

#[path = "../../../commands/src/allocator.rs"]
mod allocator;
mod clocked;
#[path = "../../../strata/src/compiled.rs"]
mod compiled;
mod data;
mod dfdx_network;
mod epoch;
mod evaluation;
mod files;
#[path = "../../../experiment/tests/common/formula_images.rs"]
mod formula_images;
mod measure;
mod memory;
mod networks;
mod options;
mod products;
mod scaling;
mod step;
mod weights;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Times what the program does: each command prints a table of docs/performance.md.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A training step of one network and batch, as one line of JSON: what crates/bench/compare.py sets beside PyTorch's.
    Step(step::Options),
    /// Samples a second and GFLOP/s of steps and evaluation by batch, depth and width.
    Scaling(scaling::Options),
    /// Evaluation against its products alone, by batch.
    Evaluation(evaluation::Options),
    /// The loop with its data against the steps alone, by batch.
    Data(data::Options),
    /// Peak memory of runs against what their parts add up to.
    Memory(memory::Options),
    /// What of an epoch is not steps: waiting, evaluation, record and plots, checkpoints.
    Epoch(epoch::Options),
    /// Saving and loading of weights and checkpoints.
    Files(files::Options),
    /// Weights after some steps, Strata's and dfdx's own, into two files: what crates/bench/compare.py sets beside PyTorch's.
    Weights(weights::Options),
    /// One run of `memory`, in a process of its own.
    #[command(hide = true)]
    Run(memory::Run),
}

fn main() -> ExitCode {
    // As the program does it.
    allocator::ask();
    // Cargo says `--bench` to what it starts itself.
    let cli = Cli::parse_from(std::env::args_os().filter(|argument| argument != "--bench"));
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Step(options) => step::run(options),
        Command::Scaling(options) => scaling::run(options),
        Command::Evaluation(options) => evaluation::run(options),
        Command::Data(options) => data::run(options),
        Command::Memory(options) => memory::run(options),
        Command::Epoch(options) => epoch::run(options),
        Command::Files(options) => files::run(options),
        Command::Weights(options) => weights::run(options),
        Command::Run(options) => memory::run_one(options),
    }
}
