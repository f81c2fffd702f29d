//! What MLflow gets to know of a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use strata_report::{HistoryEntry, Record, Status};

use crate::flat::flatten;
use crate::{ExportError, RecordedRun};

/// The longest parameter that MLflow takes, in characters.
const LONGEST_PARAMETER: usize = 6_000;
/// The longest tag.
const LONGEST_TAG: usize = 5_000;
/// The longest name of a parameter, metric or tag.
const LONGEST_NAME: usize = 250;
/// What of a run's folder is of no use elsewhere: who writes it, what only a resume reads, and events that another exporter takes.
const LEFT_OUT: &[&str] = &["lock", "checkpoints", "tensorboard"];

/// A number at a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    pub(super) key: String,
    pub(super) value: f64,
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    /// Epochs that were trained.
    pub(super) step: i64,
}

/// What a run was trained on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DatasetInput {
    pub(super) name: String,
    pub(super) digest: String,
    /// Where it lay, as JSON.
    pub(super) source: String,
    pub(super) source_type: &'static str,
    /// Counts, as JSON.
    pub(super) profile: String,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    /// The run's own identifier.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: RunStatus,
    /// Milliseconds since 1970.
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) metrics: Vec<Metric>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) dataset: Option<DatasetInput>,
    /// Files of the run's folder.
    pub(super) artifacts: Vec<PathBuf>,
    /// What could not be told, in words.
    pub(super) notes: Vec<String>,
}

/// How a run went, in MLflow's words and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunStatus {
    Running,
    Finished,
    Failed,
    Killed,
}

impl RunStatus {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }

    pub(super) fn number(self) -> u32 {
        match self {
            Self::Running => 1,
            Self::Finished => 3,
            Self::Failed => 4,
            Self::Killed => 5,
        }
    }
}

impl Content {
    /// # Errors
    /// [`ExportError::Unsupported`] where the run has names that MLflow does not take; [`ExportError::Io`] where its folder cannot be listed.
    pub(super) fn of(run: &RecordedRun) -> Result<Self, ExportError> {
        let record = run.record();
        let mut content = Self {
            id: record.id.clone(),
            name: record.name.clone(),
            status: match record.status {
                Status::Running => RunStatus::Running,
                Status::Finished => RunStatus::Finished,
                Status::Failed => RunStatus::Failed,
                Status::Interrupted => RunStatus::Killed,
            },
            start: milliseconds(&record.started).unwrap_or(0),
            end: record.ended.as_deref().and_then(milliseconds),
            parameters: Vec::new(),
            metrics: Vec::new(),
            tags: Vec::new(),
            dataset: dataset(record),
            artifacts: artifacts(run.folder())?,
            notes: Vec::new(),
        };
        for (key, value) in flatten(&record.hyperparameters) {
            content.parameter(key, text(value));
        }
        content.parameter("parameters".into(), record.parameters.to_string());
        let mut time = content.start;
        for entry in run.history() {
            let finished = run.timing().iter().find(|timing| timing.epoch == entry.epoch);
            time = finished.and_then(|timing| milliseconds(&timing.finished)).unwrap_or(time);
            content.line(entry, time);
        }
        let last = content.metrics.last().map_or(0, |metric| metric.step);
        let end = content.end.unwrap_or(time);
        for (key, value) in [("test_loss", record.metrics.test_loss), ("test_acc", record.metrics.test_acc)] {
            content.metrics.extend(value.map(|value| Metric { key: key.into(), value, timestamp: end, step: last }));
        }
        let further = record.metrics.values.iter().filter(|(key, _)| key.starts_with("test_"));
        let metric =
            |(key, value): (&String, &f64)| Metric { key: key.clone(), value: *value, timestamp: end, step: last };
        content.metrics.extend(further.map(metric));
        content.describe(record);
        let names = content.parameters.iter().chain(&content.tags).map(|(name, _)| name);
        if let Some(name) = names.chain(content.metrics.iter().map(|metric| &metric.key)).find(|name| !is_name(name)) {
            let reason =
                format!("{name:?} is no name that it takes: letters, digits, `_`, `-`, `.`, `:`, `/` and spaces");
            return Err(ExportError::Unsupported { run: run.folder().to_owned(), format: "MLflow", reason });
        }
        Ok(content)
    }

    /// Whether this is a tag of ours that an earlier export of the run left and that says nothing any more, such as why it was interrupted.
    pub(super) fn has_dropped(&self, tag: &str) -> bool {
        tag.starts_with("strata.") && self.tags.iter().all(|(key, _)| key != tag)
    }

    fn parameter(&mut self, key: String, value: String) {
        if value.chars().count() > LONGEST_PARAMETER {
            self.notes.push(format!(
                "{key} is longer than the {LONGEST_PARAMETER} characters of a parameter; config.toml has it"
            ));
        } else {
            self.parameters.push((key, value));
        }
    }

    fn line(&mut self, entry: &HistoryEntry, timestamp: i64) {
        let step = entry.epoch.map_or(0, |epoch| i64::try_from(epoch).unwrap_or(i64::MAX).saturating_add(1));
        let mut push = |key: &str, value: f64| self.metrics.push(Metric { key: key.into(), value, timestamp, step });
        push("val_loss", entry.val_loss);
        push("val_acc", entry.val_acc);
        let optional = [("lr", entry.learning_rate), ("train_loss", entry.train_loss)];
        optional.into_iter().filter_map(|(key, value)| Some((key, value?))).for_each(|(key, value)| push(key, value));
        entry.values.iter().for_each(|(key, value)| push(key, *value));
        if entry.seconds.is_finite() {
            push("seconds", entry.seconds);
        }
    }

    /// The tags: what the run was, and on what it ran.
    fn describe(&mut self, record: &Record) {
        let mut tag = |key: &str, value: &str| {
            let value: String = value.chars().take(LONGEST_TAG).collect();
            if !value.is_empty() {
                self.tags.push((key.to_owned(), value));
            }
        };
        tag("mlflow.runName", &record.name);
        tag("mlflow.source.type", "LOCAL");
        tag("mlflow.source.name", &record.command.join(" "));
        tag("strata.id", &record.id);
        tag("strata.reason", record.reason.as_deref().unwrap_or_default());
        tag("strata.config_sha256", &record.config_sha256);
        if let Ok(Value::Object(environment)) = serde_json::to_value(&record.environment) {
            for (key, value) in flatten(&environment) {
                let key = if key == "commit" { "mlflow.source.git.commit".into() } else { format!("strata.{key}") };
                tag(&key, &text(value));
            }
        }
        if let Some(model) = &record.model {
            tag("strata.model_sha256", &model.sha256);
        }
        if let Some(chosen) = &record.chosen {
            tag("strata.chosen", &format!("epoch {}: {}", chosen.epoch.map_or(0, |epoch| epoch + 1), chosen.rule));
        }
    }
}

/// An identifier of 32 hexadecimal digits, always the same for the same words.
pub(super) fn identifier(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    strata_files::hexadecimal(&hash.finalize()[..16])
}

/// Milliseconds since 1970 of an RFC 3339 time.
fn milliseconds(time: &str) -> Option<i64> {
    let since = humantime::parse_rfc3339_weak(time).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// A value as a person would write it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether MLflow takes a name. It is a file's path in its store, so none may lead out of it.
fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | ' ');
    let parts_are = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.chars().all(is_allowed) && name.split('/').all(parts_are) && name.chars().count() <= LONGEST_NAME
}

fn dataset(record: &Record) -> Option<DatasetInput> {
    let dataset = &record.dataset;
    let (source, source_type) = match &dataset.folder {
        Some(folder) => (json!({"uri": folder}), "local"),
        None => (json!({"tags": {"name": dataset.name}}), "code"),
    };
    let profile = json!({
        "train": dataset.train, "validation": dataset.validation, "test": dataset.test, "classes": dataset.classes.len(),
        "sha256": dataset.sha256, "split": dataset.split.method, "split_sha256": dataset.split.sha256,
    });
    (!dataset.name.is_empty()).then(|| DatasetInput {
        name: dataset.name.clone(),
        // MLflow's digests have 36 characters at most.
        digest: dataset.sha256.chars().take(32).collect(),
        source: source.to_string(),
        source_type,
        profile: profile.to_string(),
    })
}

/// The files of a run's folder that are of use elsewhere, by name.
fn artifacts(folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let failed = |source| ExportError::Io { action: "listing", path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_file() && !LEFT_OUT.contains(&name.as_str()) && !strata_files::is_temporary(name.as_ref()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
