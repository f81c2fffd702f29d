//! The time of a whole training step: forward, cross entropy, backward, update, on a batch in memory.
//!
//! Prints one line of JSON: milliseconds a step (median and least), GFLOP/s at the median, peak memory.

use clap::Args;
use serde_json::json;
use strata_spec::{Named, Precision};

use crate::measure::{median, peak_megabytes, repeat};
use crate::networks::{batch, classifier_in, step_operations};
use crate::options::{Network, OptimizerName, Timing};
use crate::products;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) timing: Timing,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Samples a step.
    #[arg(long, default_value_t = 128)]
    pub(crate) batch: usize,
    /// Steps before the first that counts.
    #[arg(long, default_value_t = 5)]
    pub(crate) warmup: usize,
    /// What updates the weights; products are those of plain gradient descent.
    #[arg(long, value_enum, default_value = "sgd", conflicts_with = "products")]
    pub(crate) optimizer: OptimizerName,
    /// Of the products.
    #[arg(long, default_value = "f32", value_parser = precision, conflicts_with = "products")]
    pub(crate) precision: Precision,
    /// Time each product of the step instead of the whole.
    #[arg(long)]
    pub(crate) products: bool,
}

fn precision(name: &str) -> Result<Precision, String> {
    Precision::from_name(name).ok_or_else(|| format!("one of {}", Precision::NAMES.join(", ")))
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.timing.threads.start_silently()?;
    let network = options.network.network()?;
    if options.products {
        return products::run(&network, options.batch, options.timing.seconds, options.warmup);
    }
    let mut classifier = classifier_in(options.precision, &network, options.optimizer.optimizer())?;
    let batch = batch(&network, options.batch);
    let work = |batch| Ok(classifier.training_step(batch, 1e-3)?);
    let times = repeat(options.timing.seconds, options.warmup, || batch.clone(), work)?;
    let loss = classifier.training_score()?.mean_loss();
    anyhow::ensure!(loss.is_finite(), "the loss is {loss}");
    let seconds = median(&times);
    let line = json!({
        "median_ms": rounded(seconds * 1e3),
        "least_ms": rounded(times[0] * 1e3),
        "gflops": rounded(step_operations(&network.widths, options.batch) / seconds / 1e9),
        "steps": times.len(),
        "peak_mb": peak_megabytes().map(f64::round),
    });
    println!("{line}");
    Ok(())
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
