//! Evaluation against the products it consists of, by batch: what is left is activations, loss, memory.

use clap::Args;
use strata_kernels::{Dense, affine};

use crate::measure::{head, row, short, typical};
use crate::networks::{self, NOTEBOOK, SGD, evaluation_operations};
use crate::{Repetitions, Threads};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    repetitions: Repetitions,
    /// Networks, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = NOTEBOOK)]
    widths: Vec<String>,
    /// Samples at a time, separated by commas; a config's evaluation batch is twice its batch unless told.
    #[arg(long, value_delimiter = ',', default_value = "64,128,256,512,1024,2048")]
    batch: Vec<usize>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.threads.start()?;
    head(&[
        "network",
        "batch",
        "evaluation, ms",
        "samples/s",
        "GFLOP/s",
        "products alone, ms",
        "GFLOP/s alone",
        "ratio",
    ]);
    for (name, &samples) in options.widths.iter().flat_map(|name| options.batch.iter().map(move |batch| (name, batch)))
    {
        let network = networks::row(name)?;
        let mut classifier = networks::classifier(network, SGD)?;
        let batch = networks::batch(network, samples);
        let evaluate = |batch| Ok(classifier.validation_step(batch)?);
        let whole = typical(options.repetitions.seconds, || batch.clone(), evaluate)?;
        let products = products(options.repetitions.seconds, network.widths, &batch.features)?;
        let operations = evaluation_operations(network.widths, samples);
        row(&[
            name.clone(),
            samples.to_string(),
            short(whole * 1e3),
            short(samples as f64 / whole),
            format!("{:.0}", operations / whole / 1e9),
            short(products * 1e3),
            format!("{:.0}", operations / products / 1e9),
            format!("{:.3}", whole / products),
        ]);
    }
    Ok(())
}

/// Seconds of the forward products, one layer after the other into buffers that are there already.
fn products(seconds: f64, widths: &[usize], features: &[f32]) -> anyhow::Result<f64> {
    let samples = features.len() / widths[0];
    let mut layers: Vec<_> = widths
        .windows(2)
        .map(|pair| {
            let shape = Dense { batch: samples, inputs: pair[0], outputs: pair[1] };
            (shape, vec![1e-3; pair[0] * pair[1]], vec![0.0; pair[1]], vec![0.0; samples * pair[1]])
        })
        .collect();
    typical(
        seconds,
        || features.to_vec(),
        |features| {
            let mut x = &features;
            for (shape, weight, bias, y) in &mut layers {
                affine(*shape, x, weight, bias, y);
                x = y;
            }
            Ok(())
        },
    )
}
