//! Evaluation against the products it consists of, by batch: what is left is activations, loss, memory.

use clap::Args;
use strata_kernels::{GemmShape, activate, affine};
use strata_model::Weights;
use strata_spec::Activation;

use crate::measure::{head, row, short, typical};
use crate::networks::{self, NOTEBOOK, SGD, evaluation_operations};
use crate::options::Timing;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    timing: Timing,
    /// Networks, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = NOTEBOOK)]
    widths: Vec<String>,
    /// Samples at a time, separated by commas; by default a config's evaluation batch is twice its batch.
    #[arg(long, value_delimiter = ',', default_value = "64,128,256,512,1024,2048")]
    batch: Vec<usize>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.timing.threads.start()?;
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
    for (name, samples) in networks::pairs(&options.widths, &options.batch) {
        let network = networks::network(name)?;
        let mut classifier = networks::classifier(&network, SGD)?;
        let batch = networks::batch(&network, samples);
        let evaluate = |batch| Ok(classifier.validation_step(batch)?);
        let whole = typical(options.timing.seconds, || batch.clone(), evaluate)?;
        let (weights, _) = classifier.snapshot()?;
        let products = products(options.timing.seconds, &weights, batch.features)?;
        let operations = evaluation_operations(&network.widths, samples);
        row(&[
            name.to_owned(),
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

/// Seconds of the forward products on each layer's own input, zeros where ReLU left them, since the products skip those.
fn products(seconds: f64, weights: &Weights, features: Vec<f32>) -> anyhow::Result<f64> {
    let samples = features.len() / weights.architecture.widths()[0];
    let mut layers = Vec::new();
    let mut x = features;
    for ((inputs, outputs), layer) in weights.architecture.weights().zip(weights.layers()) {
        let shape = GemmShape { batch: samples, inputs, outputs };
        let mut y = vec![0.0; samples * outputs];
        affine(shape, &x, &layer.weight, &layer.bias, &mut y);
        let mut next = y.clone();
        activate(Activation::Relu, &mut next);
        layers.push((shape, layer, std::mem::replace(&mut x, next), y));
    }
    let work = |()| {
        for (shape, layer, x, y) in &mut layers {
            affine(*shape, x, &layer.weight, &layer.bias, y);
        }
        Ok(())
    };
    typical(seconds, || (), work)
}
