//! Runs side by side, best first: what differs between them above, what they share beneath.

use std::collections::HashSet;

use serde_json::Value;

use super::{Give, NARROWEST, NOTHING, grid, metric, seconds, value_text};
use crate::best::better_first;
use crate::part::Environment;
use crate::record::Record;

/// The least room for a run's column, in characters, before the runs are split over several tables.
const COLUMN: usize = 16;

/// Takes one number out of a record.
type Metric = fn(&Record) -> Option<f64>;

/// One attribute over all runs.
struct Row {
    label: String,
    /// As shown, a run each.
    shown: Vec<String>,
    /// Whether the exact values are the same, however they are rounded when shown.
    same: bool,
}

/// The runs side by side, a column each, the best first ([`better_first`] on validation accuracy and loss): metrics and
/// hyperparameters that differ in the table, those that are equal in all runs in a list beneath it.
///
/// With a `width` (a terminal's, in columns) the runs that do not fit beside each other follow in further tables;
/// without, one table holds all. Control characters in names and values are spelt out.
pub fn compare_table(records: &[Record], width: Option<usize>) -> String {
    if records.is_empty() {
        return "no runs to compare\n".to_owned();
    }
    let mut runs: Vec<&Record> = records.iter().collect();
    runs.sort_by(|a, b| {
        let merit = |r: &Record| (r.metrics.val_acc, r.metrics.val_loss);
        better_first(merit(a), merit(b))
    });
    let names = names(&runs);
    let (same, differing): (Vec<Row>, Vec<Row>) = rows(&runs).into_iter().partition(|row| row.same && runs.len() > 1);

    // The labels' column stays whole; the runs' columns share the rest.
    let label = differing.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let labels_whole = [Give::Down(label.min(NARROWEST / 2) as u16)];
    let beside = width.map_or(runs.len(), |width| (width.saturating_sub(label + 2) / (COLUMN + 2)).max(1));
    let mut text = String::new();
    for first in (0..runs.len()).step_by(beside) {
        let part = first..runs.len().min(first + beside);
        let mut header = vec![""];
        header.extend(names[part.clone()].iter().map(String::as_str));
        let cells = |row: &Row| {
            let mut cells = vec![row.label.clone()];
            cells.extend_from_slice(&row.shown[part.clone()]);
            cells
        };
        text += &grid(&header, &differing.iter().map(cells).collect::<Vec<_>>(), &labels_whole, width);
        text.push('\n');
    }
    if same.is_empty() {
        text.pop();
    } else {
        text += &format!("the same in all {} runs:\n", runs.len());
        let cells = |row: &Row| vec![row.label.clone(), row.shown[0].clone()];
        text += &grid(&[], &same.iter().map(cells).collect::<Vec<_>>(), &[], width);
    }
    text
}

/// The runs' names, with the identifier where two have the same.
fn names(runs: &[&Record]) -> Vec<String> {
    let twice = |name: &str| runs.iter().filter(|run| run.name == name).count() > 1;
    let name = |run: &&Record| {
        if twice(&run.name) { format!("{} {}", run.name, run.id) } else { run.name.clone() }
    };
    runs.iter().map(name).collect()
}

fn rows(runs: &[&Record]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |label: &str, shown: Vec<String>, exact: Vec<String>| {
        // What no run has is no row.
        if shown.iter().any(|cell| cell != NOTHING) {
            let same = exact.iter().all(|cell| *cell == exact[0]);
            rows.push(Row { label: label.to_owned(), shown, same });
        }
    };
    let metrics: [(&str, Metric); 8] = [
        ("val_acc", |r| r.metrics.val_acc),
        ("val_loss", |r| r.metrics.val_loss),
        ("test_acc", |r| r.metrics.test_acc),
        ("test_loss", |r| r.metrics.test_loss),
        ("best_val_acc", |r| r.metrics.best_val_acc),
        ("best_val_loss", |r| r.metrics.best_val_loss),
        ("initial_val_acc", |r| r.metrics.initial_val_acc),
        ("initial_val_loss", |r| r.metrics.initial_val_loss),
    ];
    for (label, of) in metrics {
        let values: Vec<Option<f64>> = runs.iter().map(|run| of(run)).collect();
        add(label, values.iter().map(|v| metric(*v)).collect(), values.iter().map(|v| format!("{v:?}")).collect());
    }
    let mut texts = |label: &str, of: &dyn Fn(&Record) -> String| {
        let values: Vec<String> = runs.iter().map(|run| of(run)).collect();
        add(label, values.clone(), values);
    };
    texts("best_epoch", &|r| optional(r.metrics.best_epoch));
    texts("seconds", &|r| seconds(r.duration()));
    texts("status", &|r| r.status.as_str().to_owned());
    for key in keys(runs).into_iter().filter(|key| is_told(runs, key)) {
        texts(key, &|r| {
            let value = r.hyperparameters.get(key).filter(|_| has_effect(r, key));
            value.map_or_else(|| NOTHING.to_owned(), value_text)
        });
    }
    texts("parameters", &|r| number(r.parameters));
    texts("initialisation", &|r| present(&r.rng.initialisation));
    texts("draws", &|r| present(&r.rng.scheme));
    texts("further draws", &|r| {
        let streams: Vec<_> = r.rng.streams.iter().map(|(name, seed)| format!("{name}, seed {seed}")).collect();
        present(&streams.join("; "))
    });
    texts("dataset", &|r| present(&r.dataset.name));
    texts("dataset sha256", &|r| present(short(&r.dataset.sha256)));
    texts("training samples", &|r| number(r.dataset.train as u64));
    texts("validation samples", &|r| number(r.dataset.validation as u64));
    texts("test samples", &|r| number(r.dataset.test as u64));
    texts("split", &|r| present(&r.dataset.split.method));
    texts("split seed", &|r| {
        if r.dataset.split.method.is_empty() { NOTHING.into() } else { r.dataset.split.seed.to_string() }
    });
    texts("split sha256", &|r| present(short(&r.dataset.split.sha256)));
    // Each value that any part of a run had; threads are not among them, since no result depends on them.
    let mut parts = |label: &str, of: &dyn Fn(&Environment) -> String| {
        let values: Vec<String> = runs.iter().map(|run| of_all_parts(run, of)).collect();
        add(label, values.clone(), values);
    };
    parts("device", &|e| e.device.clone());
    parts("driver", &|e| e.driver.clone().unwrap_or_default());
    parts("precision", &|e| e.precision.clone());
    parts("machine", &|e| e.machine.clone());
    parts("processor", &|e| e.cpu.clone());
    parts("architecture", &|e| e.arch.clone());
    parts("system", &|e| e.os.clone());
    parts("strata", &|e| e.strata.clone());
    parts("commit", &|e| {
        let commit = e.commit.as_deref().unwrap_or_default();
        let dirty = if e.dirty == Some(true) { " (dirty)" } else { "" };
        format!("{}{dirty}", commit.get(..12).unwrap_or(commit))
    });
    parts("compiler", &|e| e.rustc.clone());
    parts("dfdx", &|e| e.dfdx.clone());
    rows
}

/// The values of a run's parts, each once, in order.
fn of_all_parts(run: &Record, of: impl Fn(&Environment) -> String) -> String {
    let mut values: Vec<String> = Vec::new();
    for part in run.known_parts() {
        let value = of(&part.environment);
        if !value.is_empty() && !values.contains(&value) {
            values.push(value);
        }
    }
    present(&values.join(", then "))
}

fn short(sha256: &str) -> &str {
    sha256.get(..16).unwrap_or(sha256)
}

fn number(count: u64) -> String {
    if count == 0 { NOTHING.to_owned() } else { count.to_string() }
}

/// Keys that older programs did not record, whatever their value was.
const NOT_RECORDED_BY_100: [&str; 1] = ["evaluation_batch"];

/// Whether `key` is to be compared: not where only older runs lack it and the others agree, since nothing says that they differ.
fn is_told(runs: &[&Record], key: &str) -> bool {
    let told: Vec<_> = runs.iter().filter(|run| run.schema > 100).map(|run| run.hyperparameters.get(key)).collect();
    let agree = told.windows(2).all(|pair| pair[0] == pair[1]);
    !(NOT_RECORDED_BY_100.contains(&key) && told.len() < runs.len() && agree)
}

/// Whether a hyperparameter had an effect on the run; older programs recorded some that had none.
fn has_effect(run: &Record, key: &str) -> bool {
    let value = |key: &str| run.hyperparameters.get(key);
    match key {
        // They stand between hidden layers, of which there are none.
        "activation" | "dropout" => value("hidden").and_then(Value::as_array).is_none_or(|hidden| !hidden.is_empty()),
        "nesterov" => value("momentum").and_then(Value::as_f64) != Some(0.0),
        _ => true,
    }
}

/// Every hyperparameter of any run, in the order in which they first appear.
fn keys<'a>(runs: &[&'a Record]) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    let all = runs.iter().flat_map(|run| run.hyperparameters.iter());
    // A value that is null says nothing that a missing key does not.
    all.filter(|(key, value)| **value != Value::Null && seen.insert(key.as_str()))
        .map(|(key, _)| key.as_str())
        .collect()
}

fn present(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text.to_owned() }
}

fn optional(value: Option<usize>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |v| v.to_string())
}

#[cfg(test)]
mod tests;
