//! Samples a second and GFLOP/s as batch, depth and width grow, of training steps and of evaluation.

use clap::Args;

use crate::measure::{head, row, short, typical};
use crate::networks::{self, NOTEBOOK, SGD, evaluation_operations, name, pairs, step_operations};
use crate::options::Timing;

/// From the smallest batch that anybody trains with to the largest.
const BATCHES: [usize; 8] = [32, 64, 128, 256, 512, 1024, 2048, 4096];
const WIDTHS: [usize; 8] = [64, 128, 256, 512, 1024, 2048, 4096, 8192];
const DEPTHS: std::ops::RangeInclusive<usize> = 1..=6;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    timing: Timing,
    /// Networks, separated by commas, each timed with each batch; instead of the three tables of growth.
    #[arg(long, value_delimiter = ',')]
    widths: Vec<String>,
    /// Samples a step, separated by commas; 128 where networks are named, 32 to 4096 for the notebook's otherwise.
    #[arg(long, value_delimiter = ',')]
    batch: Vec<usize>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.timing.threads.start()?;
    let seconds = options.timing.seconds;
    if !options.widths.is_empty() {
        let batches = if options.batch.is_empty() { &[128][..] } else { &options.batch };
        return table(seconds, pairs(&options.widths, batches).map(|(widths, batch)| (widths.to_owned(), batch)));
    }
    let batches = if options.batch.is_empty() { &BATCHES[..] } else { &options.batch };
    table(seconds, batches.iter().map(|batch| (NOTEBOOK.to_owned(), *batch)))?;
    println!();
    table(seconds, DEPTHS.map(|depth| (format!("3072-{}10", "1024-".repeat(depth)), 128)))?;
    println!();
    table(seconds, WIDTHS.iter().map(|width| (format!("3072-{width}-10"), 128)))
}

fn table(seconds: f64, rows: impl Iterator<Item = (String, usize)>) -> anyhow::Result<()> {
    head(&[
        "network",
        "batch",
        "step, ms",
        "samples/s",
        "GFLOP/s",
        "evaluation, ms",
        "samples/s of evaluation",
        "GFLOP/s of evaluation",
    ]);
    for (widths, samples) in rows {
        let network = networks::network(&widths)?;
        let mut classifier = networks::classifier(&network, SGD)?;
        let batch = networks::batch(&network, samples);
        let step = |batch| Ok(classifier.training_step(batch, 1e-3)?);
        let step = typical(seconds, || batch.clone(), step)?;
        let evaluate = |batch| Ok(classifier.validation_step(batch)?);
        let evaluation = typical(seconds, || batch.clone(), evaluate)?;
        let rate = |operations: f64, seconds: f64| format!("{:.0}", operations / seconds / 1e9);
        row(&[
            name(&network.widths),
            samples.to_string(),
            short(step * 1e3),
            short(samples as f64 / step),
            rate(step_operations(&network.widths, samples), step),
            short(evaluation * 1e3),
            short(samples as f64 / evaluation),
            rate(evaluation_operations(&network.widths, samples), evaluation),
        ]);
    }
    Ok(())
}
