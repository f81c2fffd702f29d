//! Where a run takes place, and what its record says of its config.

use serde_json::{Map, Value, json};
use strata_config::{Experiment, OptimizerConfig};
use strata_model::Architecture;
use strata_report::{Environment, Phase, Rng, host_name};
use strata_trainer::Device;

/// The workspace pins it to this one.
const DFDX: &str = "0.13.0";

pub(crate) fn environment(device: Device) -> Environment {
    // The launcher knows the sources' commit; the program alone could only guess.
    let commit = std::env::var("STRATA_COMMIT").ok().filter(|commit| !commit.is_empty());
    let dirty = std::env::var("STRATA_DIRTY").ok().map(|dirty| dirty == "1").filter(|_| commit.is_some());
    Environment {
        strata: env!("CARGO_PKG_VERSION").into(),
        commit,
        dirty,
        rustc: env!("STRATA_RUSTC").into(),
        dfdx: DFDX.into(),
        os: operating_system(),
        arch: std::env::consts::ARCH.into(),
        cpu: processor().unwrap_or_else(|| "unknown".into()),
        machine: host_name(),
        threads: rayon::current_num_threads(),
        device: device.to_string(),
        precision: "f32".into(),
        driver: if device == Device::Cpu { None } else { driver() },
    }
}

fn operating_system() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim()).trim_end().to_owned()
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

fn driver() -> Option<String> {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    text.lines().next().map(|line| line.trim_start_matches("NVRM version:").trim().to_owned())
}

pub(crate) fn hyperparameters(experiment: &Experiment, architecture: &Architecture) -> Map<String, Value> {
    let model = &experiment.model;
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        map.insert(key.into(), value);
    };
    put("arch", json!(architecture.to_string()));
    put("hidden", json!(model.hidden));
    put("activation", json!(model.activation.as_str()));
    put("dropout", json!(model.dropout));
    put("lrs", json!(experiment.phases.iter().map(|phase| phase.lr).collect::<Vec<_>>()));
    put("epochs", json!(experiment.phases.iter().map(|phase| phase.epochs).collect::<Vec<_>>()));
    put("optimizer", json!(experiment.optimizer.kind()));
    match experiment.optimizer {
        OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
            put("momentum", json!(momentum));
            put("nesterov", json!(nesterov));
            put("weight_decay", json!(weight_decay));
        }
        OptimizerConfig::Adam { betas, eps, weight_decay } | OptimizerConfig::AdamW { betas, eps, weight_decay } => {
            put("betas", json!(betas));
            put("eps", json!(eps));
            put("weight_decay", json!(weight_decay));
        }
    }
    put("batch_size", json!(experiment.dataset.batch.get()));
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

pub(crate) fn phases(experiment: &Experiment) -> Vec<Phase> {
    experiment.phases.iter().map(|phase| Phase { epochs: phase.epochs, lr: phase.lr }).collect()
}

pub(crate) fn rng(experiment: &Experiment) -> Rng {
    let mut streams = std::collections::BTreeMap::new();
    if experiment.model.dropout > 0.0 {
        streams.insert("dropout: philox4x32-10".to_owned(), experiment.seed);
    }
    Rng {
        scheme: experiment.rng.as_str().into(),
        seed: experiment.seed,
        initialisation: "uniform in ±1/√inputs, as torch.nn.Linear".into(),
        streams,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_recorded_version_of_dfdx_is_the_one_that_is_pinned() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("dfdx = {{ version = \"={}\"", super::DFDX)));
    }
}
