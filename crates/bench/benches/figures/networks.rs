//! Networks and batches to be timed, and how much arithmetic they are.

use anyhow::Context;
use strata_dataset::{Images, Synthetic};
use strata_rng::TorchRng;
use strata_spec::{NetworkSpec, OptimizerSpec, Precision};
use strata_trainer::{Batch, BuildClassifier, Classifier, ClassifierOptions};

use crate::compiled::NETWORKS;

/// The notebook's network.
pub(crate) const NOTEBOOK: &str = "3072-2048-1024-64-10";

/// Gradient descent as the notebook has it.
pub(crate) const SGD: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
/// With its velocity: one buffer a parameter.
pub(crate) const MOMENTUM: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 };
/// Two buffers a parameter.
pub(crate) const ADAM: OptimizerSpec = OptimizerSpec::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 };

/// A network that this program was built with, a chain of layers.
pub(crate) struct Chain {
    /// Its text.
    pub(crate) text: &'static str,
    pub(crate) widths: Vec<usize>,
    pub(crate) is_chain: bool,
    pub(crate) build: BuildClassifier,
}

/// The network of widths such as `3072-2048-1024-64-10`, or `192-512bn-256bn-10` with batch normalisation and a rectifier where it says so.
pub(crate) fn network(name: &str) -> anyhow::Result<Chain> {
    let width = |layer: &str| layer.trim_end_matches("bn").parse();
    let widths: Vec<usize> =
        name.split('-').map(width).collect::<Result<_, _>>().with_context(|| format!("widths {name}"))?;
    let asked: NetworkSpec = name.replace('-', ", ").replace("bn", " batch_norm relu").parse()?;
    let compiled = NETWORKS.iter().find(|compiled| compiled.network.parse() == Ok(asked.clone()));
    let compiled = compiled
        .with_context(|| format!("this program has no network {name}; `cargo xtask bench` builds one that has"))?;
    Ok(Chain { text: compiled.network, widths, is_chain: asked.is_chain(), build: compiled.build })
}

/// Each network with each batch.
pub(crate) fn pairs<'a>(names: &'a [String], batches: &'a [usize]) -> impl Iterator<Item = (&'a str, usize)> {
    names.iter().flat_map(|name| batches.iter().map(|batch| (name.as_str(), *batch)))
}

/// A network initialised at seed 43.
pub(crate) fn classifier(network: &Chain, optimizer: OptimizerSpec) -> anyhow::Result<Box<dyn Classifier>> {
    classifier_in(Precision::F32, network, optimizer)
}

/// The same, its products in another precision.
pub(crate) fn classifier_in(
    precision: Precision,
    network: &Chain,
    optimizer: OptimizerSpec,
) -> anyhow::Result<Box<dyn Classifier>> {
    let options =
        if network.is_chain { ClassifierOptions::new(optimizer) } else { ClassifierOptions::of_net(optimizer) };
    let mut classifier = (network.build)(ClassifierOptions { seed: 43, precision, ..options })?;
    classifier.initialise(&mut TorchRng::new(43))?;
    Ok(classifier)
}

/// Uniform features in `0..1` and labels.
pub(crate) fn batch(network: &Chain, samples: usize) -> Batch {
    let (inputs, classes) = ends(network);
    let mut rng = TorchRng::new(1);
    let mut features = vec![0.0; samples * inputs];
    rng.fill_uniform(&mut features, 0.0, 1.0);
    let labels = (0..samples).map(|_| (rng.next_u32() as usize % classes.min(256)) as u8).collect();
    Batch { indices: (0..).take(samples).collect(), features, labels, mix: None }
}

fn ends(network: &Chain) -> (usize, usize) {
    (network.widths[0], network.widths[network.widths.len() - 1])
}

/// `3072-2048-1024-64-10`.
pub(crate) fn name(widths: &[usize]) -> String {
    widths.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

/// Weights and biases.
pub(crate) fn parameters(widths: &[usize]) -> usize {
    widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
}

/// Multiplications and additions of a training step: two products of each layer, and the input's gradient of each but the
/// first; `2 · batch · inputs · outputs` each.
pub(crate) fn step_operations(widths: &[usize], batch: usize) -> f64 {
    let products = |place| if place == 0 { 2.0 } else { 3.0 };
    let layers = widths.windows(2).enumerate();
    layers.map(|(place, pair)| products(place) * 2.0 * (batch * pair[0] * pair[1]) as f64).sum()
}

/// Those of an evaluation: a product a layer.
pub(crate) fn evaluation_operations(widths: &[usize], batch: usize) -> f64 {
    widths.windows(2).map(|pair| 2.0 * (batch * pair[0] * pair[1]) as f64).sum()
}

/// Images of CIFAR-10's size.
pub(crate) fn images(count: usize) -> anyhow::Result<std::sync::Arc<Images>> {
    Ok(Synthetic { seed: 1, train: count, test: 1, ..Synthetic::default() }.generate()?.train)
}
