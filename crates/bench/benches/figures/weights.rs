//! Weights after some steps from one start on the same batches, Strata's and dfdx's own, for `crates/bench/compare.py` to set
//! beside PyTorch's.
//!
//! The draws are the notebook's: split, layers, then a pass of the loader after the other.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use strata_dataset::{BatchContent, DataFolder, ImageLoader, Images, Order, PixelScale, Split, load};
use strata_experiment::LoaderAdapter;
use strata_model::{Activation, InputTransform, Precision, TrainedModel, Usage, Weights};
use strata_rng::TorchRng;
use strata_spec::{DatasetKind, DatasetSpec};
use strata_trainer::{Batch, LoadError, Loader as _};

use crate::dfdx_network;
use crate::formula_images::formula_images;
use crate::networks::{self, SGD};
use crate::options::{Network, Threads};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    network: Network,
    /// Samples a step.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// The learning rate.
    #[arg(long, default_value_t = 0.1)]
    lr: f64,
    /// How many steps.
    #[arg(long, default_value_t = 200)]
    steps: usize,
    /// What split, layers and batches are drawn from.
    #[arg(long, default_value_t = 43)]
    seed: u64,
    /// The folder of CIFAR-10's files; images from the formula of bench/pytorch/notebook.py where none is named.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many images the formula makes; a tenth of all images is split off and not used.
    #[arg(long, default_value_t = 10_000)]
    images: usize,
    /// Where strata.safetensors and dfdx.safetensors are written.
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.threads.start_silently()?;
    let network = options.network.network()?;
    let images = images(options)?;
    let mut rng = TorchRng::new(options.seed);
    let split = Split::random(images.len(), images.len() / 10, &mut rng)?;
    let mut classifier = networks::classifier(&network, SGD)?;
    classifier.initialise(&mut rng)?;
    let (start, _) = classifier.snapshot()?;
    let (scale, content) = (PixelScale::Unit.transform(images.shape())?, BatchContent::Pixels);
    let served = LoaderAdapter(ImageLoader::new(images, split.train, options.batch, Order::Shuffled, scale, content)?);
    let batches = || steps(&served, rng.clone(), options.steps);

    for batch in batches() {
        classifier.training_step(batch.map_err(anyhow::Error::from_boxed)?, options.lr)?;
    }
    let score = classifier.training_score()?;
    let (ours, _) = classifier.snapshot()?;
    let theirs = dfdx_network::train(start, batches(), options.lr as f32)?;
    std::fs::create_dir_all(&options.out)?;
    as_model(ours)?.save(&options.out.join("strata.safetensors"))?;
    as_model(theirs)?.save(&options.out.join("dfdx.safetensors"))?;
    println!("{}", json!({"steps": options.steps, "mean_loss": score.mean_loss()}));
    Ok(())
}

/// The first batches of one pass after the other, the last, smaller ones included.
fn steps(served: &LoaderAdapter, mut rng: TorchRng, count: usize) -> impl Iterator<Item = Result<Batch, LoadError>> {
    std::iter::repeat_with(move || served.pass(&mut rng, 0)).flatten().take(count)
}

fn images(options: &Options) -> anyhow::Result<Arc<Images>> {
    if let Some(folder) = &options.data {
        let spec = DatasetSpec::published(DatasetKind::Cifar10).context("CIFAR-10 is published")?;
        return Ok(load(&spec, &DataFolder::Existing(folder.clone()), &|| false, &mut |_| {})?.train);
    }
    Ok(Arc::new(formula_images(options.images)?))
}

/// A model of a bench's network: ReLU, features as they are, classes without names.
pub(crate) fn as_model(weights: Weights) -> anyhow::Result<TrainedModel> {
    let network = weights.architecture.network();
    let usage = Usage {
        activation: Activation::Relu,
        dropout: 0.0,
        input: vec![network.inputs()],
        classes: vec![String::new(); network.outputs()],
        transform: InputTransform::None,
        precision: Precision::F32,
    };
    Ok(TrainedModel::new(weights, usage)?)
}
