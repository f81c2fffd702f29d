//! What is known after each epoch.

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
    /// The epoch's learning rate.
    pub learning_rate: Option<f64>,
    /// The mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// The mean over the validation samples.
    pub val_loss: f64,
    /// In `0..=1`.
    pub val_acc: f64,
}

impl Evaluation {
    pub(crate) fn initial(score: Score) -> Self {
        let (val_loss, val_acc) = (score.mean_loss(), score.accuracy());
        Self { phase: None, epoch: None, learning_rate: None, train_loss: None, val_loss, val_acc }
    }
}
