//! MLflow's file store: a folder an experiment, in it a folder a run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::content::{Content, DatasetInput, Metric, RunStatus, identifier};
use crate::ExportError;

/// Writes runs into the store in the folder `to`.
pub(super) fn export(
    contents: &[Content],
    to: &Path,
    experiment: &str,
    parent: Option<&str>,
) -> Result<Vec<String>, ExportError> {
    fs::create_dir_all(to).map_err(ExportError::io("making the folder", to))?;
    // Its addresses are absolute.
    let store = fs::canonicalize(to).map_err(ExportError::io("looking for", to))?;
    let start = contents.iter().map(|content| content.start).min().unwrap_or(0);
    let experiment = Experiment::open(&store, experiment, start)?;
    let parent = match parent {
        Some(name) => Some(experiment.parent(name, start)?),
        None => None,
    };
    let run = |content: &Content| -> Result<Vec<String>, ExportError> {
        let folder = experiment.run(content, parent.as_deref())?;
        let first =
            format!("{}: {} parameters, {} numbers", folder.display(), content.parameters.len(), content.metrics.len());
        Ok(std::iter::once(first).chain(content.notes.iter().cloned()).collect())
    };
    Ok(contents.iter().map(run).collect::<Result<Vec<_>, _>>()?.concat())
}

/// An experiment's folder, named by its number.
struct Experiment {
    folder: PathBuf,
    id: String,
}

impl Experiment {
    /// The experiment called `name`, made where there is none.
    fn open(store: &Path, name: &str, time: i64) -> Result<Self, ExportError> {
        let of = |id: String| Self { folder: store.join(&id), id };
        let mut entries = fs::read_dir(store).map_err(ExportError::io("listing", store))?.flatten();
        let found = entries.find(|entry| {
            let meta = fs::read_to_string(entry.path().join("meta.yaml")).unwrap_or_default();
            meta.lines().any(|line| line.strip_prefix("name:").is_some_and(|found| unquoted(found.trim()) == name))
        });
        if let Some(entry) = found {
            return Ok(of(entry.file_name().to_string_lossy().into_owned()));
        }
        // Eighteen digits, as MLflow's own are.
        let digits = u64::from_str_radix(&identifier(&["experiment", name])[..15], 16).unwrap_or(0);
        let experiment = of(format!("{:018}", 100_000_000_000_000_000 + digits % 900_000_000_000_000_000));
        let meta = json!({
            "artifact_location": file_uri(&experiment.folder),
            "creation_time": time,
            "experiment_id": experiment.id,
            "last_update_time": time,
            "lifecycle_stage": "active",
            "name": name,
        });
        write(&experiment.folder.join("meta.yaml"), &yaml(&meta))?;
        Ok(experiment)
    }

    /// The run called `name` that others are children of; gives its identifier.
    fn parent(&self, name: &str, start: i64) -> Result<String, ExportError> {
        let id = identifier(&["parent", &self.id, name]);
        let folder = self.folder.join(&id);
        if !folder.join("meta.yaml").exists() {
            write(&folder.join("tags/mlflow.runName"), name)?;
            make_folders(&folder)?;
            self.meta(&folder, &id, name, RunStatus::Finished, (start, Some(start)))?;
        }
        Ok(id)
    }

    /// Writes a run; what others added to it, such as notes, stays.
    fn run(&self, content: &Content, parent: Option<&str>) -> Result<PathBuf, ExportError> {
        let id = identifier(&["run", &content.id]);
        let folder = self.folder.join(&id);
        make_folders(&folder)?;
        for (key, value) in &content.parameters {
            write(&folder.join("params").join(key), value)?;
        }
        remove_dropped(&folder.join("tags"), content)?;
        let parent = parent.map(|parent| ("mlflow.parentRunId".to_owned(), parent.to_owned()));
        for (key, value) in content.tags.iter().chain(&parent) {
            write(&folder.join("tags").join(key), value)?;
        }
        let mut keys: Vec<&str> = content.metrics.iter().map(|metric| metric.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let points = content.metrics.iter().filter(|metric| metric.key == key);
            write(&folder.join("metrics").join(key), &points.map(point).collect::<String>())?;
        }
        if let Some(dataset) = &content.dataset {
            self.input(&folder, &id, dataset)?;
        }
        let artifacts = folder.join("artifacts");
        for path in &content.artifacts {
            let to = artifacts.join(path.file_name().unwrap_or_default());
            let mut from = strata_files::open_regular(path, u64::MAX).map_err(ExportError::io("reading", path))?;
            let copy = |out: &mut dyn std::io::Write| std::io::copy(&mut from, out).map(drop);
            strata_files::write_atomically(&to, copy).map_err(ExportError::io("writing", &to))?;
        }
        // Last: without it there is no run, so that nobody sees half of one.
        self.meta(&folder, &id, &content.name, content.status, (content.start, content.end))?;
        Ok(folder)
    }

    /// The data set, and that the run read it.
    fn input(&self, run: &Path, id: &str, dataset: &DatasetInput) -> Result<(), ExportError> {
        let dataset_id = identifier(&["dataset", &dataset.name, &dataset.digest]);
        let meta = json!({
            "digest": dataset.digest,
            "name": dataset.name,
            "profile": dataset.profile,
            "schema": null,
            "source": dataset.source,
            "source_type": dataset.source_type,
        });
        write(&self.folder.join("datasets").join(&dataset_id).join("meta.yaml"), &yaml(&meta))?;
        let meta = json!({
            "destination_id": id,
            "destination_type": "RUN",
            "source_id": dataset_id,
            "source_type": "DATASET",
            "tags": {"mlflow.data.context": "training"},
        });
        write(&run.join("inputs").join(identifier(&["input", id, &dataset_id])).join("meta.yaml"), &yaml(&meta))
    }

    fn meta(
        &self,
        folder: &Path,
        id: &str,
        name: &str,
        status: RunStatus,
        (start, end): (i64, Option<i64>),
    ) -> Result<(), ExportError> {
        let meta = json!({
            "artifact_uri": file_uri(&folder.join("artifacts")),
            "end_time": end,
            "entry_point_name": "",
            "experiment_id": self.id,
            "lifecycle_stage": "active",
            "run_id": id,
            "run_name": name,
            "source_name": "",
            "source_type": 4,
            "source_version": "",
            "start_time": start,
            "status": status.number(),
            "tags": [],
            "user_id": "",
        });
        write(&folder.join("meta.yaml"), &yaml(&meta))
    }
}

/// A line of a metric's file. Python reads `NaN` and `inf`.
fn point(metric: &Metric) -> String {
    format!("{} {} {}\n", metric.timestamp, metric.value, metric.step)
}

/// One line a key: a value as JSON is a value of YAML.
fn yaml(value: &Value) -> String {
    let lines = value.as_object().into_iter().flatten().map(|(key, value)| format!("{key}: {value}\n"));
    lines.collect()
}

/// A text of YAML on one line, as MLflow writes names.
fn unquoted(text: &str) -> String {
    if let Ok(Value::String(text)) = serde_json::from_str(text) {
        return text;
    }
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(text) => text.replace("''", "'"),
        None => text.to_owned(),
    }
}

/// An absolute path as an address.
fn file_uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

/// The folders without which MLflow takes a run for none.
fn make_folders(run: &Path) -> Result<(), ExportError> {
    ["artifacts", "metrics", "params", "tags"].iter().try_for_each(|name| make(&run.join(name)))
}

fn make(folder: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(folder).map_err(ExportError::io("making the folder", folder))
}

fn write(path: &Path, text: &str) -> Result<(), ExportError> {
    if let Some(folder) = path.parent() {
        make(folder)?;
    }
    strata_files::write_atomically(path, |out| out.write_all(text.as_bytes())).map_err(ExportError::io("writing", path))
}

fn remove_dropped(tags: &Path, content: &Content) -> Result<(), ExportError> {
    for entry in fs::read_dir(tags).map_err(ExportError::io("looking into", tags))? {
        let path = entry.map_err(ExportError::io("looking into", tags))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if content.has_dropped(name) {
            fs::remove_file(&path).map_err(ExportError::io("removing", &path))?;
        }
    }
    Ok(())
}
