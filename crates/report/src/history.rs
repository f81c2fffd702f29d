//! A run's history: one line per epoch of what the seed decides, a line of how long it took, and both joined in the record.

mod difference;
mod row;

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize};
use strata_spec::HistoryRow;

pub use difference::{HistoryDifference, first_difference};
pub(crate) use row::{ReadRow, WrittenRow};

/// The most entries of a history, in the record and in its own file: more than the epochs that a config may ask for.
pub const MAX_HISTORY: usize = 1 << 17;

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

/// One entry of the record's history: a row, and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// What the seed decides.
    pub line: HistoryRow,
    /// Wall time in seconds; NaN where `timing.jsonl` lacks the epoch.
    pub seconds: f64,
}

impl HistoryEntry {
    /// A row of `history.jsonl` and how long it took.
    pub fn new(line: HistoryRow, seconds: f64) -> Self {
        Self { line, seconds }
    }
}

impl Deref for HistoryEntry {
    type Target = HistoryRow;

    fn deref(&self) -> &HistoryRow {
        &self.line
    }
}

impl DerefMut for HistoryEntry {
    fn deref_mut(&mut self) -> &mut HistoryRow {
        &mut self.line
    }
}

/// The record's history from its two files: each line with its epoch's seconds, NaN where the timing lacks the epoch.
pub fn join_history(history: &[HistoryRow], timing: &[TimingLine]) -> Vec<HistoryEntry> {
    let seconds: HashMap<Option<usize>, f64> = timing.iter().map(|t| (t.epoch, t.seconds)).collect();
    let entry =
        |line: &HistoryRow| HistoryEntry::new(line.clone(), seconds.get(&line.epoch).copied().unwrap_or(f64::NAN));
    history.iter().map(entry).collect()
}

/// JSON has no NaN: a number that is not finite is written as `null`.
pub(crate) fn null_is_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}
