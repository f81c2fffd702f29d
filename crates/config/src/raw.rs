//! What serde reads: every key optional, spans kept for the check that follows.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfig {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) seed: Option<Spanned<i64>>,
    pub(crate) rng: Option<Spanned<String>>,
    pub(crate) device: Option<Spanned<String>>,
    pub(crate) threads: Option<Spanned<i64>>,
    #[serde(default)]
    pub(crate) dataset: RawDataset,
    #[serde(default)]
    pub(crate) model: RawModel,
    #[serde(default)]
    pub(crate) optimizer: RawOptimizer,
    pub(crate) phases: Option<Spanned<Vec<Spanned<RawPhase>>>>,
    pub(crate) early_stopping: Option<Spanned<RawEarlyStopping>>,
    #[serde(default)]
    pub(crate) checkpoint: RawCheckpoint,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDataset {
    pub(crate) kind: Option<Spanned<String>>,
    pub(crate) url: Option<Spanned<String>>,
    pub(crate) sha256: Option<Spanned<String>>,
    pub(crate) train: Option<Spanned<i64>>,
    pub(crate) test: Option<Spanned<i64>>,
    pub(crate) seed: Option<Spanned<i64>>,
    pub(crate) validation: Option<Spanned<i64>>,
    pub(crate) batch: Option<Spanned<i64>>,
    pub(crate) evaluation_batch: Option<Spanned<i64>>,
    pub(crate) normalise: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawModel {
    pub(crate) hidden: Option<Spanned<Vec<Spanned<i64>>>>,
    pub(crate) activation: Option<Spanned<String>>,
    pub(crate) dropout: Option<Spanned<f64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOptimizer {
    pub(crate) kind: Option<Spanned<String>>,
    pub(crate) momentum: Option<Spanned<f64>>,
    pub(crate) nesterov: Option<Spanned<bool>>,
    pub(crate) betas: Option<Spanned<Vec<Spanned<f64>>>>,
    pub(crate) eps: Option<Spanned<f64>>,
    pub(crate) weight_decay: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPhase {
    pub(crate) epochs: Option<Spanned<i64>>,
    pub(crate) lr: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEarlyStopping {
    pub(crate) metric: Option<Spanned<String>>,
    pub(crate) patience: Option<Spanned<i64>>,
    pub(crate) min_delta: Option<Spanned<f64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCheckpoint {
    pub(crate) every_steps: Option<Spanned<i64>>,
}
