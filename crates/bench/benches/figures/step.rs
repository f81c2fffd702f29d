//! The time of a whole training step: forward, cross entropy, backward, update, on a batch in memory.
//!
//! Prints one line of JSON: milliseconds a step (median and least), GFLOP/s at the median, peak memory.

use clap::{Args, ValueEnum};
use serde_json::json;
use strata_trainer::Optimizer;

use crate::measure::{median, peak_megabytes, repeat};
use crate::networks::{ADAM, MOMENTUM, NOTEBOOK, SGD, batch, classifier, row, step_operations};
use crate::products;
use crate::{Repetitions, Threads};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) threads: Threads,
    #[command(flatten)]
    pub(crate) repetitions: Repetitions,
    /// The network's widths, from the pixels to the classes.
    #[arg(long, default_value = NOTEBOOK)]
    pub(crate) widths: String,
    /// Samples a step.
    #[arg(long, default_value_t = 128)]
    pub(crate) batch: usize,
    /// Steps before the first that counts.
    #[arg(long, default_value_t = 5)]
    pub(crate) warmup: usize,
    #[arg(long, value_enum, default_value = "sgd")]
    pub(crate) optimizer: Named,
    /// Time each product of the step instead of the whole.
    #[arg(long)]
    pub(crate) products: bool,
}

/// Optimizers with their usual numbers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Named {
    Sgd,
    Momentum,
    Adam,
}

impl Named {
    pub(crate) fn optimizer(self) -> Optimizer {
        match self {
            Self::Sgd => SGD,
            Self::Momentum => MOMENTUM,
            Self::Adam => ADAM,
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.threads.start_silently()?;
    if options.products {
        return products::run(options);
    }
    let row = row(&options.widths)?;
    let mut classifier = classifier(row, options.optimizer.optimizer())?;
    let batch = batch(row, options.batch);
    let work = |batch| Ok(classifier.training_step(batch, 1e-3)?);
    let times = repeat(options.repetitions.seconds, options.warmup, || batch.clone(), work)?;
    let loss = classifier.training_score()?.mean_loss();
    anyhow::ensure!(loss.is_finite(), "the loss is {loss}");
    let seconds = median(&times);
    let line = json!({
        "median_ms": rounded(seconds * 1e3),
        "least_ms": rounded(times[0] * 1e3),
        "gflops": rounded(step_operations(row.widths, options.batch) / seconds / 1e9),
        "steps": times.len(),
        "peak_mb": peak_megabytes().map(f64::round),
    });
    println!("{line}");
    Ok(())
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
