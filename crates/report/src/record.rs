//! The schema of `record.json`: everything a run was, and what came of it.
//!
//! **Numbers that are not finite** (a loss that overflowed) are written as `null`, since JSON has no NaN; the record's
//! `reason` says why. A required number that is `null` is read back as NaN, an optional one as `None`.
//!
//! **Versions.** `schema` is `100 × major + minor`. A minor step only adds keys: readers ignore keys they do not know and
//! fill in ones they miss. A major step changes a meaning: older readers refuse it and say so.

mod data;
mod parent;

pub use data::{DatasetRecord, FrequencyRecord, PixelRecord, SplitRecord, ValueRecord};
pub use parent::ParentRecord;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use strata_spec::Criterion;

use crate::extra::Extra;
use crate::history::{HistoryEntry, MAX_HISTORY, null_is_nan};
use crate::metrics::{Best, Metrics};
use crate::part::{Environment, Part};
use crate::schema::SCHEMA;
use crate::{bounded, clock};

/// The longest text of `hyperparameters`, in bytes: a parsed value takes some forty times its text. A thousand phases take a quarter.
const MAX_HYPERPARAMETERS: usize = 1 << 17;

/// The most arguments of a command, and times that a run was resumed: more than a system takes, and than anybody does.
const MAX_WORDS: usize = 1 << 19;
/// The most phases, classes and streams.
pub(crate) const MAX_NAMED: usize = 10_000;
/// The most parts that a run was trained in.
const MAX_PARTS: usize = 1 << 15;

/// `record.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The schema's version, `100 × major + minor`: [`SCHEMA`] in a record written by this program.
    pub schema: u32,
    /// Unique, sortable by time: when it started, in UTC, and eight random hexadecimal digits, `20261123T225119Z-1f6a09c3`.
    pub id: String,
    /// The run's name: its folder's, whatever the file says; a copied or renamed folder is a run of its own name.
    pub name: String,
    /// How far the run got.
    pub status: Status,
    /// Why it ended as it did: the error, the signal, early stopping.
    pub reason: Option<String>,
    /// When it started, RFC 3339 in UTC.
    pub started: String,
    /// When it ended; may be before `started` where the clock was set back.
    pub ended: Option<String>,
    /// The command line that started it, one element an argument.
    #[serde(default, deserialize_with = "bounded::list::<MAX_WORDS, _, _>")]
    pub command: Vec<String>,
    /// SHA-256 of `config.toml` as it was written, lower-case hexadecimal.
    #[serde(default)]
    pub config_sha256: String,
    /// `arch` ("4 layers (2048,1024,64,10)"), `hidden`, `lrs`, `epochs`, `optimizer`, `batch_size`, `seed` and more.
    #[serde(default, deserialize_with = "bounded_map")]
    pub hyperparameters: Map<String, Value>,
    /// What the run reached.
    #[serde(default)]
    pub metrics: Metrics,
    /// How many parameters the network has.
    #[serde(default)]
    pub parameters: u64,
    /// Where it was started; where it was resumed, `parts` say.
    #[serde(default)]
    pub environment: Environment,
    /// What it was trained on.
    #[serde(default)]
    pub dataset: DatasetRecord,
    /// The weights that it started from, where they were not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentRecord>,
    /// The phases as planned.
    #[serde(default, deserialize_with = "bounded::list::<MAX_NAMED, _, _>")]
    pub phases: Vec<PhaseRecord>,
    /// By what the best epoch is chosen; where the record does not say, the validation accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Every seed and how numbers were drawn from it.
    #[serde(default)]
    pub rng: Rng,
    /// The epoch whose weights the run gives, the last or the best; none until it is trained.
    pub chosen: Option<Chosen>,
    /// When the run was resumed, RFC 3339 in UTC, oldest first.
    #[serde(default, deserialize_with = "bounded::list::<MAX_WORDS, _, _>")]
    pub resumed: Vec<String>,
    /// The parts that the run was trained in, the first one first. Empty in a record of schema 100.
    #[serde(default, deserialize_with = "bounded::list::<MAX_PARTS, _, _>")]
    pub parts: Vec<Part>,
    /// The weights file, once it is written.
    pub model: Option<ModelFile>,
    /// The initial evaluation, then one entry an epoch.
    #[serde(default, deserialize_with = "bounded::list::<MAX_HISTORY, _, _>")]
    pub history: Vec<HistoryEntry>,
    /// What a person added to the file ([`read_record_to_write`](crate::read_record_to_write)); written again.
    #[serde(skip)]
    pub extra: Extra,
}

impl Record {
    /// The record of a run that starts now: a new identifier, status `running`, everything else empty.
    pub fn new(name: &str, command: Vec<String>) -> Self {
        Record {
            schema: SCHEMA,
            id: clock::new_id(),
            name: name.to_owned(),
            status: Status::Running,
            reason: None,
            started: clock::now(),
            ended: None,
            command,
            config_sha256: String::new(),
            hyperparameters: Map::new(),
            metrics: Metrics::default(),
            parameters: 0,
            environment: Environment::default(),
            dataset: DatasetRecord::default(),
            parent: None,
            phases: Vec::new(),
            best: None,
            rng: Rng::default(),
            chosen: None,
            resumed: Vec::new(),
            parts: Vec::new(),
            model: None,
            history: Vec::new(),
            extra: Extra::default(),
        }
    }

    /// The parts that the run was trained in. Of a record of schema 100, as far as it tells: when each started, the first one's command
    /// and the last one's environment.
    pub fn known_parts(&self) -> Vec<Part> {
        if !self.parts.is_empty() {
            return self.parts.clone();
        }
        let start = |started: &String| Part { started: started.clone(), ..Part::default() };
        let mut parts: Vec<Part> = std::iter::once(&self.started).chain(&self.resumed).map(start).collect();
        if let Some(first) = parts.first_mut() {
            first.command = self.command.clone();
            first.first_epoch = Some(0);
        }
        if let Some(last) = parts.last_mut() {
            last.environment = self.environment.clone();
            last.ended = self.ended.clone();
        }
        parts
    }

    /// What `text`, which this record was read from, holds beyond it.
    pub(crate) fn beyond(&self, text: &[u8]) -> serde_json::Result<Extra> {
        let known = serde_json::to_value(Record { history: Vec::new(), extra: Extra::default(), ..self.clone() })?;
        Extra::of(text, &known, &self.history)
    }

    /// What the run reached under a key of the history, of the weights that were saved; until they are, of the last epoch.
    pub fn reached(&self, key: &str) -> Option<f64> {
        let epoch = self.chosen.as_ref().map(|chosen| chosen.epoch);
        let of = |entry: &&HistoryEntry| epoch.is_none_or(|epoch| entry.epoch == epoch);
        self.metrics.get(key).or_else(|| self.history.iter().rfind(of)?.get(key))
    }

    /// By what the run's epochs are judged.
    pub fn judged_by(&self) -> Criterion {
        self.best.as_ref().map_or_else(Criterion::val_acc, Best::criterion)
    }

    /// How long the run took, in seconds: `metrics.seconds`, else from `started` to `ended`; never negative.
    pub fn duration(&self) -> Option<f64> {
        let measured = self.metrics.seconds.filter(|s| s.is_finite() && *s >= 0.0);
        measured.or_else(|| clock::seconds_between(&self.started, self.ended.as_deref()?))
    }
}

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is being trained, or its process died without a word: the lock tells which.
    Running,
    /// It did all it was asked to, early stopping included.
    Finished,
    /// It stopped on an error.
    Failed,
    /// It was stopped from outside and can be resumed.
    Interrupted,
}

impl Status {
    /// The word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Finished => "finished",
            Status::Failed => "failed",
            Status::Interrupted => "interrupted",
        }
    }
}

/// One phase: a number of epochs at one learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// How many epochs.
    pub epochs: usize,
    /// Their learning rate.
    #[serde(deserialize_with = "null_is_nan")]
    pub lr: f64,
}

/// Every seed of a run, and how numbers were drawn from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rng {
    /// The generator and the order of draws: `torch`.
    pub scheme: String,
    /// The seed in the config.
    pub seed: u64,
    /// How parameters were initialised.
    pub initialisation: String,
    /// Further seeds by what they are for and how they are drawn from: `dropout: philox4x32-10`.
    #[serde(deserialize_with = "bounded::map::<MAX_NAMED, _, _>")]
    pub streams: BTreeMap<String, u64>,
}

/// The epoch whose weights a run gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// 0-based over the run; `None` for the weights before the first step.
    pub epoch: Option<usize>,
    /// The rule that chose it.
    pub rule: String,
}

/// A run's weights file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its path in the run's folder.
    pub file: String,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// The one part of a record of any shape, bounded so that a crafted file cannot fill the memory.
fn bounded_map<'de, D: Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    let raw = <&RawValue>::deserialize(from)?;
    if raw.get().len() > MAX_HYPERPARAMETERS {
        let limit = MAX_HYPERPARAMETERS;
        return Err(serde::de::Error::custom(format!("hyperparameters take more than {limit} bytes")));
    }
    serde_json::from_str(raw.get()).map_err(|e| serde::de::Error::custom(format!("hyperparameters: {e}")))
}
