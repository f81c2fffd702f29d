//! What a run's record says before its first step.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use strata_config::Experiment;
use strata_model::Architecture;
use strata_report::{DatasetRecord, PhaseRecord, Record, Rng, SplitRecord};
use strata_spec::{Named, OptimizerSpec};

use crate::environment::environment;
use crate::run::{Parts, Runner};

impl Runner<'_> {
    /// The record of a run that starts now; its name, its config's hash and its first part are filled in by the recorder.
    pub(crate) fn record(&self, experiment: &Experiment, parts: &Parts) -> Record {
        let architecture = parts.classifier.architecture();
        Record {
            hyperparameters: hyperparameters(experiment, architecture),
            parameters: architecture.parameters() as u64,
            environment: environment(parts.device, self.commit.as_ref()),
            dataset: dataset(experiment, parts),
            phases: phases(experiment),
            rng: rng(experiment),
            ..Record::new("", self.command.clone())
        }
    }
}

fn dataset(experiment: &Experiment, parts: &Parts) -> DatasetRecord {
    DatasetRecord {
        name: parts.dataset.name.clone(),
        sha256: parts.dataset_sha256.clone(),
        folder: parts.folder.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
        train: parts.split.train.len(),
        validation: parts.split.validation.len(),
        test: parts.dataset.test.len(),
        classes: parts.dataset.classes.clone(),
        split: SplitRecord {
            method: "torch.utils.data.random_split".into(),
            seed: experiment.seed,
            sha256: parts.split.sha256(),
        },
    }
}

fn hyperparameters(experiment: &Experiment, architecture: &Architecture) -> Map<String, Value> {
    let model = &experiment.model;
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        map.insert(key.into(), value);
    };
    put("arch", json!(architecture.to_string()));
    put("hidden", json!(model.hidden));
    // Both stand between hidden layers, and do nothing where there is none.
    if !model.hidden.is_empty() {
        put("activation", json!(model.activation.as_str()));
        put("dropout", json!(model.dropout));
    }
    put("lrs", json!(experiment.phases.iter().map(|phase| phase.learning_rate).collect::<Vec<_>>()));
    put("epochs", json!(experiment.phases.iter().map(|phase| phase.epochs).collect::<Vec<_>>()));
    put("optimizer", json!(experiment.optimizer.kind().as_str()));
    match experiment.optimizer {
        OptimizerSpec::Sgd { momentum, nesterov, weight_decay } => {
            put("momentum", json!(momentum));
            put("nesterov", json!(nesterov));
            put("weight_decay", json!(weight_decay));
        }
        OptimizerSpec::Adam { betas, eps, weight_decay } | OptimizerSpec::AdamW { betas, eps, weight_decay } => {
            put("betas", json!(betas));
            put("eps", json!(eps));
            put("weight_decay", json!(weight_decay));
        }
    }
    put("batch_size", json!(experiment.dataset.batch.get()));
    put("evaluation_batch", json!(experiment.dataset.evaluation_batch.get()));
    put("normalise", json!(experiment.dataset.normalise));
    put("seed", json!(experiment.seed));
    if let Some(stopping) = &experiment.early_stopping {
        let metric = stopping.metric.as_str();
        put(
            "early_stopping",
            json!({"metric": metric, "patience": stopping.patience, "min_delta": stopping.min_delta}),
        );
    }
    map
}

fn phases(experiment: &Experiment) -> Vec<PhaseRecord> {
    experiment.phases.iter().map(|phase| PhaseRecord { epochs: phase.epochs, lr: phase.learning_rate }).collect()
}

fn rng(experiment: &Experiment) -> Rng {
    let mut streams = BTreeMap::new();
    if experiment.model.dropout > 0.0 && !experiment.model.hidden.is_empty() {
        streams.insert("dropout: philox4x32-10".to_owned(), experiment.seed);
    }
    Rng {
        scheme: experiment.rng.as_str().into(),
        seed: experiment.seed,
        initialisation: "uniform in ±1/√inputs, as torch.nn.Linear".into(),
        streams,
    }
}
