//! From a checked config to the parts of a run.

use strata_config::{Config, keys};
use strata_dataset::Images;
use strata_kernels::{Mirror, WeightedCrossEntropy, bf16};
use strata_model::{Architecture, ByteSamples};
use strata_spec::{Activation, NetworkSpec, Precision};
use strata_trainer::{
    BuildClassifier, Classifier, ClassifierOptions, Device, Plan, TrainError, TrainingStep, check_precision,
};

use crate::ExperimentError;

/// A network that the program was built with.
#[derive(Clone, Copy, Debug)]
pub struct CompiledNetwork {
    /// Its text ([`NetworkSpec`]): what is in the parentheses of `net!`, `3072, 512 batch_norm gelu, skip(512), 10`.
    pub network: &'static str,
    /// Its constructor.
    pub build: BuildClassifier,
}

/// The config's network.
pub(crate) fn architecture(experiment: &Config) -> Architecture {
    experiment.network().clone().into()
}

/// The config's loss with a weight for each class, of which there are so many images to train on; none where all count the same.
pub(crate) fn weighted_loss(
    experiment: &Config,
    images: &Images,
    indices: &[u32],
) -> Result<Option<WeightedCrossEntropy>, ExperimentError> {
    let Some(weights) = experiment.get(&keys::CLASS_WEIGHTS) else { return Ok(None) };
    let mut counts = vec![0; images.classes()];
    indices.iter().for_each(|index| counts[usize::from(images.labels()[*index as usize])] += 1);
    let weights = weights.of(&counts).map_err(|class| ExperimentError::NoWeight { class })?;
    let label_smoothing = experiment.get(&keys::LABEL_SMOOTHING).unwrap_or_default() as f32;
    Ok(weights.map(|weights| WeightedCrossEntropy {
        label_smoothing,
        weights: weights.into_iter().map(|weight| weight as f32).collect(),
    }))
}

/// Builds the config's network, one of those that the program was built with; `images` are those to train on, at `indices`, which a card with `tables` takes as they are and
/// looks their values up itself; `mirror` is what mirroring does to its inputs, where it asks for that.
pub(crate) fn classifier(
    experiment: &Config,
    networks: &[CompiledNetwork],
    device: Device,
    (images, indices): (&Images, &[u32]),
    tables: Option<&[[f32; 256]]>,
    mirror: Option<Mirror>,
) -> Result<Box<dyn Classifier>, ExperimentError> {
    let network = experiment.network();
    let is_it =
        |compiled: &&CompiledNetwork| compiled.network.parse::<NetworkSpec>().is_ok_and(|found| found == *network);
    let Some(compiled) = networks.iter().find(is_it) else {
        return Err(ExperimentError::NetworkNotBuilt { network: network.clone() });
    };
    let (activation, dropout) = activation_and_dropout(experiment);
    // In memory already, unless they lie in a file.
    let bytes = tables.map(|_| images.pixels()).transpose()?;
    let classifier = (compiled.build)(ClassifierOptions {
        device,
        step: match weighted_loss(experiment, images, indices)? {
            Some(loss) => step(experiment).loss(loss),
            None => step(experiment),
        },
        activation,
        dropout,
        seed: experiment.seed,
        precision: precision(experiment),
        mirror,
        resident: tables.zip(bytes.as_deref()).map(|(tables, bytes)| ByteSamples { bytes, tables }),
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

/// Whether `device` can train as the config says.
pub(crate) fn check_device(experiment: &Config, device: Device) -> Result<(), TrainError> {
    step(experiment).check_on(device)?;
    check_precision(device, precision(experiment))?;
    if device != Device::Cpu && experiment.accumulate.get() > 1 {
        return Err(TrainError::OnlyOnCpu { what: "accumulation of gradients".into() });
    }
    if device != Device::Cpu && experiment.get(&keys::CLASS_WEIGHTS).is_some() {
        return Err(TrainError::OnlyOnCpu { what: "weights of classes".into() });
    }
    Ok(())
}

/// Of the products of dense layers.
pub(crate) fn precision(experiment: &Config) -> Precision {
    experiment.get(&keys::PRECISION).unwrap_or_default()
}

/// What a person should know who asked for bfloat16 because it is fast.
pub(crate) fn remark_on_precision(experiment: &Config) -> Option<&'static str> {
    let is_slow = precision(experiment) == Precision::Bf16 && !bf16::is_native();
    is_slow.then_some(
        "bf16: without the instructions for bfloat16 (AVX-512 BF16), which are not there or not to be used, steps take about one and a half times as long as in f32; the results are the same bits",
    )
}

/// How the config's classifier learns.
pub(crate) fn step(experiment: &Config) -> TrainingStep {
    TrainingStep::from(&experiment.optimizer)
        .loss_of(experiment.loss)
        .clipping(experiment.clipping)
        .decayed(experiment.decayed)
        .averaging_of(experiment.averaging, experiment.steps())
        .measuring(experiment.metrics.iter().filter_map(|name| strata_metrics::find(name)).collect())
}

pub(crate) fn plan(experiment: &Config) -> Plan {
    Plan {
        schedule: None,
        phases: experiment.phases.clone(),
        best: experiment.checkpoint.best.clone(),
        early_stopping: experiment.early_stopping.clone(),
        checkpoint_every: experiment.checkpoint.every_steps.map(Into::into),
        accumulate: Some(experiment.accumulate),
    }
}
