//! A run's history: one line per epoch of what the seed decides, a line of how long it took, and both joined in the record.

mod row;

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize};

/// The most entries of a history, in the record and in its own file: more than the epochs that a config may ask for.
pub const MAX_HISTORY: usize = 1 << 17;

/// One line of `history.jsonl`: only what config and seed decide, so that two equal runs have equal bytes. A flat object: whatever was measured
/// is a key.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryLine {
    /// The phase, 0-based; `None` for the initial evaluation.
    pub phase: Option<usize>,
    /// The epoch, 0-based over the run; `None` for the initial evaluation.
    pub epoch: Option<usize>,
    /// The learning rate of the epoch's first step; that of the last one, where it is another, is `lr_last` among `values`.
    pub lr: Option<f64>,
    /// Mean over the epoch's samples of the loss each had when it was trained on.
    pub train_loss: Option<f64>,
    /// Validation loss after the epoch.
    pub val_loss: f64,
    /// Validation accuracy after the epoch, 0..1.
    pub val_acc: f64,
    /// Whatever else was measured, by its key: `val_` and a metric's name. At most 64.
    pub values: BTreeMap<String, f64>,
}

impl HistoryLine {
    /// The record's entry for this line.
    pub fn with_seconds(&self, seconds: f64) -> HistoryEntry {
        HistoryEntry { line: self.clone(), seconds }
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

/// One entry of the record's history: a line, and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// What the seed decides.
    pub line: HistoryLine,
    /// Wall time in seconds; NaN where `timing.jsonl` lacks the epoch.
    pub seconds: f64,
}

impl Deref for HistoryEntry {
    type Target = HistoryLine;

    fn deref(&self) -> &HistoryLine {
        &self.line
    }
}

impl DerefMut for HistoryEntry {
    fn deref_mut(&mut self) -> &mut HistoryLine {
        &mut self.line
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
