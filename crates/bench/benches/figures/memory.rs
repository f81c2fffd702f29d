//! Peak memory of whole runs, each in a process of its own, against what their parts add up to.
//!
//! While a checkpoint is written no step is under way. Whether the memory that the steps gave back serves the checkpoint's
//! copies depends on the pieces' sizes, so the prediction has two ends: all of it does, none of it does.

use std::process::Command;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::epoch::{self, Parts};
use crate::measure::{head, peak_megabytes, resident_megabytes, row};
use crate::networks::{self, NOTEBOOK};
use crate::options::{OptimizerName, Threads};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    threads: Threads,
    /// Networks, separated by commas, each with each optimizer and batch; by default a chosen few.
    #[arg(long, value_delimiter = ',')]
    widths: Vec<String>,
    /// Samples a step of the networks named, separated by commas; evaluation takes twice as many.
    #[arg(long, value_delimiter = ',', default_value = "128", requires = "widths")]
    batch: Vec<usize>,
}

/// One run, told by the process above.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    threads: Threads,
    #[arg(long)]
    widths: String,
    #[arg(long)]
    batch: usize,
    #[arg(long, value_enum)]
    optimizer: OptimizerName,
}

/// Steps of the epoch that is run.
const STEPS: usize = 4;

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.threads.start()?;
    head(&[
        "network",
        "optimizer",
        "batch",
        "program",
        "images",
        "parameters",
        "optimizer's state",
        "steps and batches ahead",
        "checkpoint's copy",
        "predicted peak",
        "measured peak",
    ]);
    let chosen = if options.widths.is_empty() {
        vec![(NOTEBOOK, 128), (NOTEBOOK, 1024), ("3072-4096-4096-10", 128)]
    } else {
        networks::pairs(&options.widths, &options.batch).collect()
    };
    for (widths, batch) in chosen {
        for optimizer in OptimizerName::value_variants() {
            line(&options.threads, widths, batch, *optimizer)?;
        }
    }
    Ok(())
}

fn line(threads: &Threads, name: &str, batch: usize, optimizer: OptimizerName) -> anyhow::Result<()> {
    let widths = &networks::network(name)?.widths;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", "--widths", name, "--batch", &batch.to_string(), "--optimizer", optimizer.as_str()]);
    command.args(threads.threads.map(|threads| format!("--threads={threads}")));
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let measured: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    let number = |key: &str| measured[key].as_f64().unwrap_or(f64::NAN);

    let megabytes = |values: usize| 4.0 * values as f64 / 1e6;
    let program = number("program_mb");
    let images = (images(batch) * (3072 + 1)) as f64 / 1e6;
    let parameters = megabytes(networks::parameters(widths));
    let state = strata_trainer::optimizer_of(&optimizer.optimizer()).states().len() as f64 * parameters;
    let step = megabytes(step_values(widths, batch).max(evaluation_values(widths, 2 * batch)));
    let checkpoint = parameters + state;
    let always = program + images + parameters + state;
    let cell = |value: f64| format!("{value:.0}");
    row(&[
        name.to_owned(),
        optimizer.in_words().to_owned(),
        batch.to_string(),
        cell(program),
        cell(images),
        cell(parameters),
        cell(state),
        cell(step),
        cell(checkpoint),
        format!("{:.0} to {:.0}", always + step.max(checkpoint), always + step + checkpoint),
        cell(number("peak_mb")),
    ]);
    Ok(())
}

/// Values of a training step and of the batches that wait: four batches (two ready, one in preparation, one in the step),
/// each layer's output and the gradient of its sums, and the largest layer's input and output once more, in the order in
/// which the products read and write them.
fn step_values(widths: &[usize], batch: usize) -> usize {
    let outputs: usize = widths[1..].iter().sum();
    batch * (4 * widths[0] + 2 * outputs + largest_layer(widths))
}

/// Values of an evaluation step and of the batches that wait: a layer's input and output, and both once more.
fn evaluation_values(widths: &[usize], batch: usize) -> usize {
    batch * (3 * widths[0] + 2 * largest_layer(widths))
}

fn largest_layer(widths: &[usize]) -> usize {
    widths.windows(2).map(|pair| pair[0] + pair[1]).max().unwrap_or(0)
}

fn images(batch: usize) -> usize {
    // As many to validate on as two evaluation batches.
    STEPS * batch + 4 * batch
}

/// Trains an epoch of a few steps, records it, and tells the memory it took.
pub(crate) fn run_one(options: &Run) -> anyhow::Result<()> {
    options.threads.start_silently()?;
    let program = resident_megabytes();
    let folder = tempfile::tempdir()?;
    let parts = Parts {
        dataset: epoch::synthetic(images(options.batch), 4 * options.batch),
        widths: &options.widths,
        batch: options.batch,
        optimizer: options.optimizer,
        epochs: 1,
    };
    epoch::train(&parts, None, folder.path())?;
    println!("{}", json!({"program_mb": program, "peak_mb": peak_megabytes()}));
    Ok(())
}
