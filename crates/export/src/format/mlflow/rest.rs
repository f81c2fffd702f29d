//! Runs sent to an MLflow server.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::content::{Content, Metric};
use super::server::Server;
use crate::ExportError;

/// The most numbers, parameters and tags that a server takes at once.
const NUMBERS: usize = 1_000;
const WORDS: usize = 100;
/// The address of a store that the server itself keeps.
const OWN_STORE: &str = "mlflow-artifacts:";

/// Sends runs to the server at `url`.
pub(super) fn export(
    contents: &[Content],
    url: &str,
    experiment: &str,
    parent: Option<&str>,
) -> Result<Vec<String>, ExportError> {
    let server = Server::new(url)?;
    let experiment = experiment_id(&server, experiment)?;
    let start = contents.iter().map(|content| content.start).min().unwrap_or(0);
    let parent = match parent {
        Some(name) => Some(parent_id(&server, &experiment, name, start)?),
        None => None,
    };
    let mut made = Vec::new();
    for content in contents {
        let notes = send(&server, &experiment, content, parent.as_deref())?;
        made.extend(std::iter::once(notes).chain(content.notes.iter().cloned()));
    }
    Ok(made)
}

fn text(value: &Value, keys: &[&str]) -> String {
    let found = keys.iter().try_fold(value, |value, key| value.get(key));
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The experiment of this name, made where there is none.
fn experiment_id(server: &Server, name: &str) -> Result<String, ExportError> {
    let found = server.get("experiments/get-by-name", &[("experiment_name", name)])?;
    let Some(found) = found else {
        return Ok(text(&server.post("experiments/create", &json!({"name": name}))?, &["experiment_id"]));
    };
    if text(&found, &["experiment", "lifecycle_stage"]) == "deleted" {
        return Err(server
            .failed("experiments", &format!("its experiment {name:?} is deleted: restore it there, or name another")));
    }
    Ok(text(&found, &["experiment", "experiment_id"]))
}

/// A run of the experiment by a tag's value.
fn find(server: &Server, experiment: &str, tag: &str, value: &str) -> Result<Option<Value>, ExportError> {
    let filter = format!("tags.`{tag}` = '{}'", value.replace('\'', ""));
    let body = json!({"experiment_ids": [experiment], "filter": filter, "max_results": 1});
    let answer = server.post("runs/search", &body)?;
    Ok(answer.get("runs").and_then(|runs| runs.get(0)).cloned())
}

/// The run called `name` that others are children of.
fn parent_id(server: &Server, experiment: &str, name: &str, start: i64) -> Result<String, ExportError> {
    // A quote would end the text in the question.
    let tag: String = name.chars().filter(|c| *c != '\'').collect();
    if let Some(run) = find(server, experiment, "strata.parent", &tag)? {
        return Ok(text(&run, &["info", "run_id"]));
    }
    let tags = json!([{"key": "mlflow.runName", "value": name}, {"key": "strata.parent", "value": tag}]);
    let body = json!({"experiment_id": experiment, "run_name": name, "start_time": start, "tags": tags});
    let id = text(&server.post("runs/create", &body)?, &["run", "info", "run_id"]);
    server.post("runs/update", &json!({"run_id": id, "status": "FINISHED", "end_time": start}))?;
    Ok(id)
}

/// Sends what the server does not have of a run; gives a line on it.
fn send(server: &Server, experiment: &str, content: &Content, parent: Option<&str>) -> Result<String, ExportError> {
    let found = find(server, experiment, "strata.id", &content.id)?;
    let (run, is_new) = match found {
        Some(run) => (run, false),
        None => {
            let tags = json!([{"key": "strata.id", "value": content.id}]);
            let body = json!({"experiment_id": experiment, "run_name": content.name, "start_time": content.start, "tags": tags});
            let answer = server.post("runs/create", &body)?;
            (answer.get("run").cloned().unwrap_or_default(), true)
        }
    };
    let id = text(&run, &["info", "run_id"]);
    if id.is_empty() {
        return Err(server.failed("runs/create", "its answer names no run"));
    }
    let missing: Vec<&Metric> = match is_new {
        true => content.metrics.iter().collect(),
        false => missing(server, &id, content)?,
    };
    for numbers in missing.chunks(NUMBERS) {
        let numbers: Vec<Value> = numbers.iter().map(|metric| number(metric)).collect();
        server.post("runs/log-batch", &json!({"run_id": id, "metrics": numbers}))?;
    }
    let pair = |(key, value): &(String, String)| json!({"key": key, "value": value});
    for words in content.parameters.chunks(WORDS) {
        let words: Vec<Value> = words.iter().map(pair).collect();
        server.post("runs/log-batch", &json!({"run_id": id, "params": words}))?;
    }
    for tag in run["data"]["tags"].as_array().into_iter().flatten() {
        let key = text(tag, &["key"]);
        if content.has_dropped(&key) {
            server.post("runs/delete-tag", &json!({"run_id": id, "key": key}))?;
        }
    }
    let parent = parent.map(|parent| ("mlflow.parentRunId".to_owned(), parent.to_owned()));
    let tags: Vec<Value> = content.tags.iter().chain(&parent).map(pair).collect();
    for words in tags.chunks(WORDS) {
        server.post("runs/log-batch", &json!({"run_id": id, "tags": words}))?;
    }
    if let Some(dataset) = &content.dataset {
        let about = json!({
            "name": dataset.name, "digest": dataset.digest, "source_type": dataset.source_type, "source": dataset.source,
            "profile": dataset.profile,
        });
        let tags = json!([{"key": "mlflow.data.context", "value": "training"}]);
        server.post("runs/log-inputs", &json!({"run_id": id, "datasets": [{"tags": tags, "dataset": about}]}))?;
    }
    let files = send_files(server, &text(&run, &["info", "artifact_uri"]), content)?;
    server.post(
        "runs/update",
        &json!({"run_id": id, "status": content.status.word(), "end_time": content.end, "run_name": content.name}),
    )?;
    let (all, new) = (content.metrics.len(), missing.len());
    Ok(format!(
        "{}: {}: run {id}, {} parameters, {new} of {all} numbers new, {files}",
        server.shown(),
        content.name,
        content.parameters.len()
    ))
}

/// The numbers that the server does not have yet.
fn missing<'a>(server: &Server, id: &str, content: &'a Content) -> Result<Vec<&'a Metric>, ExportError> {
    let mut known: HashMap<&str, HashSet<i64>> = HashMap::new();
    for metric in &content.metrics {
        if known.contains_key(metric.key.as_str()) {
            continue;
        }
        let (mut steps, mut page) = (HashSet::new(), String::new());
        loop {
            let query = [
                ("run_id", id),
                ("metric_key", metric.key.as_str()),
                ("max_results", "25000"),
                ("page_token", page.as_str()),
            ];
            let query = if page.is_empty() { &query[..3] } else { &query[..] };
            let Some(answer) = server.get("metrics/get-history", query)? else { break };
            let points = answer.get("metrics").and_then(Value::as_array).into_iter().flatten();
            // Large numbers are texts in protobuf's JSON.
            let step = |point: &Value| match point.get("step") {
                Some(Value::String(text)) => text.parse().ok(),
                Some(step) => step.as_i64(),
                None => Some(0),
            };
            steps.extend(points.filter_map(step));
            page = text(&answer, &["next_page_token"]);
            if page.is_empty() {
                break;
            }
        }
        known.insert(&metric.key, steps);
    }
    Ok(content.metrics.iter().filter(|metric| !known[metric.key.as_str()].contains(&metric.step)).collect())
}

/// JSON has no NaN; protobuf's reader takes it as a text.
fn number(metric: &Metric) -> Value {
    let value = match metric.value {
        value if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    };
    json!({"key": metric.key, "value": value, "timestamp": metric.timestamp, "step": metric.step})
}

/// Sends the run's files to the server's own store; gives a word on them.
fn send_files(server: &Server, store: &str, content: &Content) -> Result<String, ExportError> {
    let Some(place) = store.strip_prefix(OWN_STORE) else {
        return Ok(format!("no files: the server keeps them at {store}, where only its own client can write"));
    };
    // An address of the server may stand before the path.
    let place = match place.strip_prefix("//") {
        Some(place) => place.split_once('/').map_or("", |(_, path)| path),
        None => place,
    };
    for path in &content.artifacts {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = strata_files::open_regular(path, u64::MAX).map_err(ExportError::io("reading", path))?;
        server.put(&format!("{}/{}", place.trim_matches('/'), percent(&name)), file)?;
    }
    Ok(format!("{} files", content.artifacts.len()))
}

/// A name as part of an address.
fn percent(name: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(encode).collect()
}
