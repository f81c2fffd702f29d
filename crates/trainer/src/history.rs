//! What is known after each epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Score;

/// One line of the history: the initial evaluation (`epoch` none), or an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// 0-based.
    pub phase: Option<usize>,
    /// 0-based over the run.
    pub epoch: Option<usize>,
    /// The learning rate of the epoch's first step; that of the last one, where it is another, is among `values` as `lr_last`.
    pub learning_rate: Option<f64>,
    /// The mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// The mean over the validation samples.
    pub val_loss: f64,
    /// In `0..=1`.
    pub val_acc: f64,
    /// Whatever else was measured, by its key in the history: `val_` and a metric's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, f64>,
}

impl Evaluation {
    pub(crate) fn initial(score: Score) -> Self {
        let (val_loss, val_acc) = (score.mean_loss(), score.accuracy());
        let mean = |sum: f64| sum / score.samples as f64;
        let values = score.sums.iter().map(|(name, sum)| (format!("val_{name}"), mean(*sum))).collect();
        Self { phase: None, epoch: None, learning_rate: None, train_loss: None, val_loss, val_acc, values }
    }
}
