//! From a checked config to the parts of a run.

use std::sync::Arc;

use strata_config::Config;
use strata_dataset::{BatchContent, Dataset, ImageLoader, Images, Order, PixelScale, Split};
use strata_model::{Architecture, ByteSamples};
use strata_spec::{Activation, NetworkSpec};
use strata_trainer::{BuildClassifier, Classifier, ClassifierOptions, Device, Plan, TrainingStep};

use crate::ExperimentError;
use crate::LoaderAdapter;

/// A network that the program was built with.
#[derive(Clone, Copy, Debug)]
pub struct CompiledNetwork {
    /// Its text ([`NetworkSpec`]): what is in the parentheses of `net!`, `3072, 512 batch_norm gelu, skip(512), 10`.
    pub network: &'static str,
    /// Its constructor.
    pub build: BuildClassifier,
}

/// A run's images, served.
pub(crate) struct Loaders {
    pub(crate) train: LoaderAdapter,
    pub(crate) validation: LoaderAdapter,
    pub(crate) test: LoaderAdapter,
}

/// Serves the parts of the split and the test images. On a card the training part's batches are indices.
pub(crate) fn loaders(
    experiment: &Config,
    dataset: &Dataset,
    split: &Split,
    scale: &PixelScale,
    device: Device,
) -> Result<Loaders, ExperimentError> {
    let settings = &experiment.dataset;
    let content = if device == Device::Cpu { BatchContent::Pixels } else { BatchContent::Indices };
    let (batch, evaluation) = (settings.batch.get(), settings.evaluation_batch.get());
    let (train, test) = (&dataset.train, &dataset.test);
    let transform = scale.transform(train.shape())?;
    let part = |images: &Arc<_>, indices, batch, order, content| {
        ImageLoader::new(Arc::clone(images), indices, batch, order, Arc::clone(&transform), content).map(LoaderAdapter)
    };
    let all: Vec<u32> = (0..).take(test.len()).collect();
    Ok(Loaders {
        train: part(train, split.train.clone(), batch, Order::Shuffled, content)?,
        validation: part(train, split.validation.clone(), evaluation, Order::InOrder, content)?,
        test: part(test, all, evaluation, Order::InOrder, BatchContent::Pixels)?,
    })
}

/// How bytes become pixels. To normalise takes a pass over the training images.
pub(crate) fn scale(experiment: &Config, dataset: &Dataset) -> PixelScale {
    if !experiment.dataset.normalise {
        return PixelScale::Unit;
    }
    let statistics = dataset.train.channel_statistics();
    let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
    PixelScale::Normalised { mean: narrow(statistics.mean), deviation: narrow(statistics.deviation) }
}

/// The config's network.
pub(crate) fn architecture(experiment: &Config) -> Architecture {
    experiment.network().clone().into()
}

/// Builds the config's network, one of those that the program was built with; `images` are those to train on.
pub(crate) fn classifier(
    experiment: &Config,
    networks: &[CompiledNetwork],
    device: Device,
    images: &Images,
    scale: &PixelScale,
) -> Result<Box<dyn Classifier>, ExperimentError> {
    let network = experiment.network();
    let is_it =
        |compiled: &&CompiledNetwork| compiled.network.parse::<NetworkSpec>().is_ok_and(|found| found == *network);
    let Some(compiled) = networks.iter().find(is_it) else {
        return Err(ExperimentError::NetworkNotBuilt { network: network.clone() });
    };
    // A card takes the images as they are and looks their values up itself; nothing is copied here.
    let tables = match device {
        Device::Cpu => None,
        Device::Cuda(_) => Some(scale.tables(images.shape().channels)?),
    };
    let (activation, dropout) = activation_and_dropout(experiment);
    let classifier = (compiled.build)(ClassifierOptions {
        device,
        step: step(experiment),
        activation,
        dropout,
        seed: experiment.seed,
        resident: tables.as_ref().map(|tables| ByteSamples { bytes: images.pixels(), tables }),
    })?;
    let built = classifier.architecture().network();
    if built != network {
        return Err(ExperimentError::OtherNetwork { named: compiled.network, built: built.clone() });
    }
    Ok(classifier)
}

/// What follows each hidden layer of a chain; a network that says so itself is given nothing.
pub(crate) fn activation_and_dropout(experiment: &Config) -> (Activation, f32) {
    match experiment.network().is_chain() {
        true => (experiment.model.activation, experiment.model.dropout as f32),
        false => (Activation::Identity, 0.0),
    }
}

/// How the config's classifier learns.
pub(crate) fn step(experiment: &Config) -> TrainingStep {
    TrainingStep::from(&experiment.optimizer)
        .loss_of(experiment.loss)
        .clipping(experiment.clipping)
        .decayed(experiment.decayed)
        .averaging_of(experiment.averaging, experiment.steps())
}

pub(crate) fn plan(experiment: &Config) -> Plan {
    Plan {
        schedule: None,
        phases: experiment.phases.clone(),
        early_stopping: experiment.early_stopping,
        checkpoint_every: experiment.checkpoint.every_steps.map(Into::into),
    }
}
