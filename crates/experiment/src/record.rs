//! What a run's record says before its first step.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use strata_config::{Config, Recorded};
use strata_model::Architecture;
use strata_report::{Best, DatasetRecord, PhaseRecord, Record, Rng, SplitRecord};
use strata_spec::{Initialisation, LayerKind, LayerSpec, Named, WeightInit};

use crate::environment::environment;
use crate::parent::short_name;
use crate::run::{Parts, Runner};

impl Runner<'_> {
    /// The record of a run that starts now; its name, its config's hash and its first part are filled in by the recorder.
    pub(crate) fn record(&self, experiment: &Config, parts: &Parts) -> Record {
        let architecture = parts.classifier.architecture();
        let (device, commit) = (parts.device, self.commit.as_ref());
        let environment = parts.threads.run(|| environment(device, commit));
        let parent = parts.parent.as_ref().map(|parent| parent.record.clone());
        let mut hyperparameters = hyperparameters(experiment, architecture);
        if let Some(parent) = &parent {
            hyperparameters.insert("started_from".into(), json!(short_name(parent)));
        }
        Record {
            hyperparameters,
            parent,
            parameters: architecture.parameters() as u64,
            environment,
            dataset: dataset(experiment, parts),
            phases: phases(experiment),
            best: Some(Best::of(&experiment.checkpoint.best)),
            rng: rng(experiment),
            ..Record::new("", self.command.clone())
        }
    }
}

fn dataset(experiment: &Config, parts: &Parts) -> DatasetRecord {
    let record = DatasetRecord {
        name: parts.dataset.name.clone(),
        sha256: parts.dataset_sha256.clone(),
        folder: parts.folder.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
        train: parts.split.train.len(),
        validation: parts.split.validation.len(),
        test: parts.dataset.test.len(),
        classes: parts.dataset.classes.clone(),
        split: SplitRecord {
            method: match parts.dataset.validation {
                Some(_) => "parts of their own".into(),
                None => "torch.utils.data.random_split".into(),
            },
            seed: experiment.seed,
            sha256: parts.split.sha256(),
        },
        ..DatasetRecord::default()
    };
    parts.inputs.record(parts.dataset.train.shape().channels, record)
}

/// The network in words, then every value of the config that can change the result, by the name that its key's entry gives it: a list
/// for a key of phases, an object for the keys of a section that is recorded as one.
fn hyperparameters(config: &Config, architecture: &Architecture) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("arch".into(), json!(architecture.to_string()));
    map.extend(recorded(config));
    map
}

/// The config's values that can change a result as a record's hyperparameters have them.
pub fn recorded(config: &Config) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, recorded) in config.recorded() {
        let value = match recorded {
            Recorded::One(value) => json(value),
            Recorded::OfPhases(values) => {
                Value::Array(values.into_iter().map(|value| value.map_or(Value::Null, json)).collect())
            }
        };
        match name.split_once('.') {
            None => drop(map.insert(name.into(), value)),
            Some((section, key)) => {
                let section = map.entry(section).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(section) = section {
                    section.insert(key.into(), value);
                }
            }
        }
    }
    map
}

/// A value of a config as the record has it.
pub(crate) fn json(value: strata_config::Value) -> Value {
    use strata_config::Value as Config;
    match value {
        Config::Integer(value) => json!(value),
        Config::Number(value) => json!(value),
        Config::Boolean(value) => json!(value),
        Config::Text(value) => json!(value),
        Config::Texts(values) => json!(values),
        Config::Integers(values) => json!(values),
        Config::Numbers(values) => json!(values),
    }
}

fn phases(experiment: &Config) -> Vec<PhaseRecord> {
    experiment.phases.iter().map(|phase| PhaseRecord { epochs: phase.epochs, lr: phase.learning_rate }).collect()
}

fn rng(experiment: &Config) -> Rng {
    let network = experiment.network();
    let mut drops = network.is_chain() && experiment.model.dropout > 0.0 && !experiment.model.hidden.is_empty();
    let mut leaves_out = false;
    network.for_each(&mut |_, layer| match layer {
        LayerSpec::SameWidth { kind: LayerKind::Dropout, argument } => drops |= *argument > 0.0,
        LayerSpec::SameWidth { kind: LayerKind::StochasticDepth, argument } => leaves_out |= *argument > 0.0,
        _ => {}
    });
    let mut streams = BTreeMap::new();
    for (used, name) in [(drops, "dropout"), (leaves_out, "stochastic depth")] {
        if used {
            streams.insert(format!("{name}: philox4x32-10"), experiment.seed);
        }
    }
    let initialisation = initialisation(experiment.model.initialisation);
    Rng { scheme: experiment.rng.as_str().into(), seed: experiment.seed, initialisation, streams }
}

fn initialisation(how: Initialisation) -> String {
    let mut text = match how.weights {
        WeightInit::Torch => "uniform in ±1/√inputs, as torch.nn.Linear".to_owned(),
        other => other.sentence().to_owned(),
    };
    if how.zero_residual {
        text.push_str("; the last layer of each skip connection zero");
    }
    text
}
