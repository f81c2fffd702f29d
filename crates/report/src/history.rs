//! A run's history: a line an epoch of what the seed decides, a line of how long it took, and both joined in the record.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};

/// The most entries of a history, in the record and in its own file: more than the epochs that a config may ask for.
pub const MAX_HISTORY: usize = 1 << 17;

/// One line of `history.jsonl`: only what config and seed decide, so that two equal runs have equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// The phase, 0-based; `None` for the initial evaluation.
    pub phase: Option<usize>,
    /// The epoch, 0-based over the run; `None` for the initial evaluation.
    pub epoch: Option<usize>,
    /// The learning rate.
    pub lr: Option<f64>,
    /// Mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// Training accuracy over the epoch's steps, 0..1, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_acc: Option<f64>,
    /// Validation loss after the epoch.
    #[serde(deserialize_with = "null_is_nan")]
    pub val_loss: f64,
    /// Validation accuracy after the epoch, 0..1.
    #[serde(deserialize_with = "null_is_nan")]
    pub val_acc: f64,
}

impl HistoryLine {
    /// The record's entry for this line.
    pub fn with_seconds(&self, seconds: f64) -> HistoryEntry {
        HistoryEntry {
            phase: self.phase,
            epoch: self.epoch,
            lr: self.lr,
            train_loss: self.train_loss,
            train_acc: self.train_acc,
            val_loss: self.val_loss,
            val_acc: self.val_acc,
            seconds,
        }
    }
}

/// One line of `timing.jsonl`: what differs between two equal runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimingLine {
    /// The epoch, 0-based over the run; `None` for the initial evaluation.
    pub epoch: Option<usize>,
    /// Wall time in seconds from the start of the epoch's training to the end of its validation, without the time between a stop and
    /// the resume (of the initial evaluation: its own).
    #[serde(deserialize_with = "null_is_nan")]
    pub seconds: f64,
    /// The part of it that was training: neither validation nor the writing of checkpoints. None for the initial evaluation.
    #[serde(default)]
    pub training_seconds: Option<f64>,
    /// Samples trained on in a second of `training_seconds` (of the initial evaluation: evaluated in a second of `seconds`).
    #[serde(deserialize_with = "null_is_nan")]
    pub samples_per_second: f64,
    /// When it ended, RFC 3339 in UTC.
    pub finished: String,
}

/// One entry of the record's history: what the seed decides ([`HistoryLine`]), and how long it took. The fields are spelt out
/// again, since serde's `flatten` would hold every unknown key of a crafted entry in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The phase, 0-based; `None` for the initial evaluation.
    pub phase: Option<usize>,
    /// The epoch, 0-based over the run; `None` for the initial evaluation.
    pub epoch: Option<usize>,
    /// The learning rate.
    pub lr: Option<f64>,
    /// Mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// Training accuracy over the epoch's steps, 0..1, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_acc: Option<f64>,
    /// Validation loss after the epoch.
    #[serde(deserialize_with = "null_is_nan")]
    pub val_loss: f64,
    /// Validation accuracy after the epoch, 0..1.
    #[serde(deserialize_with = "null_is_nan")]
    pub val_acc: f64,
    /// Wall time in seconds; NaN where `timing.jsonl` lacks the epoch.
    #[serde(deserialize_with = "null_is_nan")]
    pub seconds: f64,
}

impl HistoryEntry {
    /// The line of `history.jsonl` that it was made of.
    pub fn line(&self) -> HistoryLine {
        HistoryLine {
            phase: self.phase,
            epoch: self.epoch,
            lr: self.lr,
            train_loss: self.train_loss,
            train_acc: self.train_acc,
            val_loss: self.val_loss,
            val_acc: self.val_acc,
        }
    }
}

/// The record's history from its two files: each line with its epoch's seconds, NaN where the timing lacks the epoch.
pub fn join_history(history: &[HistoryLine], timing: &[TimingLine]) -> Vec<HistoryEntry> {
    let seconds: HashMap<Option<usize>, f64> = timing.iter().map(|t| (t.epoch, t.seconds)).collect();
    let entry = |line: &HistoryLine| line.with_seconds(seconds.get(&line.epoch).copied().unwrap_or(f64::NAN));
    history.iter().map(entry).collect()
}

/// JSON has no NaN: a number that is not finite is written as `null`.
pub(crate) fn null_is_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}
