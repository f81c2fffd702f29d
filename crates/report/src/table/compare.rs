//! Runs side by side, best first: what differs between them above, what they share beneath.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Give, NARROWEST, grid, metric, seconds, value_text};
use crate::best::{better_first, ranking};
use crate::names::told_apart;
use crate::part::Environment;
use crate::record::Record;

/// The least room for a run's column, in characters, before the runs are split over several tables.
const COLUMN: usize = 16;

/// What a run's record says of one hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameter {
    /// Its name.
    pub name: String,
    /// Its value; none where it had no effect.
    pub value: Option<Value>,
    /// Whether the record says so. Where it does not, the value is the most likely one, and not shown.
    pub is_recorded: bool,
}

/// Runs side by side, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The runs' names, with the identifier where two have the same; of a run and its copy with a number (`#2`).
    pub names: Vec<String>,
    /// The place of each of them among the records that were given.
    pub places: Vec<usize>,
    /// What is compared.
    pub rows: Vec<ComparisonRow>,
    /// Why the runs are not ordered by the metric that they choose their best epoch by.
    pub note: Option<String>,
}

/// One attribute over all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonRow {
    /// What is compared: `val_acc`, `lrs`, `device`.
    pub label: String,
    /// A run each; null where there is nothing.
    pub values: Vec<Value>,
    /// The same as text for people.
    pub shown: Vec<String>,
    /// Whether the exact values are the same, however they are rounded when shown.
    pub is_same: bool,
}

/// The runs side by side, a column each, the best first ([`better_first`] by the metric that all of them choose their best epoch by, else by the validation
/// accuracy): metrics and hyperparameters that differ in the table, those that are equal in all runs in a list beneath it.
///
/// With a `width` (a terminal's, in columns) the runs that do not fit beside each other follow in further tables;
/// without, one table holds all. Control characters in names and values are spelt out.
pub fn compare_table(records: &[Record], width: Option<usize>) -> String {
    Comparison::of(records, &recorded_hyperparameters).table(width)
}

/// The hyperparameters as the record has them.
pub fn recorded_hyperparameters(record: &Record) -> Vec<Hyperparameter> {
    let all = record.hyperparameters.iter();
    all.map(|(name, value)| Hyperparameter { name: name.clone(), value: Some(value.clone()), is_recorded: true })
        .collect()
}

impl Comparison {
    /// Compares `records`. `hyperparameters` says what each record's hyperparameters mean: [`recorded_hyperparameters`], or what a table of keys knows of
    /// defaults and of values without an effect.
    pub fn of(records: &[Record], hyperparameters: &dyn Fn(&Record) -> Vec<Hyperparameter>) -> Self {
        let (criterion, note) = ranking(records);
        let mut ordered: Vec<(usize, &Record)> = records.iter().enumerate().collect();
        ordered.sort_by(|(_, a), (_, b)| better_first(&criterion, a, b));
        let (places, runs): (Vec<usize>, Vec<&Record>) = ordered.into_iter().unzip();
        let hyperparameters: Vec<_> = runs.iter().map(|run| hyperparameters(run)).collect();
        Self { names: names(&runs), places, rows: rows(&runs, &hyperparameters), note }
    }

    /// As text for people.
    pub fn table(&self, width: Option<usize>) -> String {
        let runs = self.names.len();
        if runs == 0 {
            return "no runs to compare\n".to_owned();
        }
        let (same, differing): (Vec<&ComparisonRow>, Vec<_>) =
            self.rows.iter().partition(|row| row.is_same && runs > 1);

        // The labels' column stays whole; the runs' columns share the rest.
        let label = differing.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
        let labels_whole = [Give::Down(label.min(NARROWEST / 2) as u16)];
        let beside = width.map_or(runs, |width| (width.saturating_sub(label + 2) / (COLUMN + 2)).max(1));
        let mut text = self.note.as_ref().map_or_else(String::new, |note| format!("{note}\n\n"));
        for first in (0..runs).step_by(beside) {
            let part = first..runs.min(first + beside);
            let mut header = vec![""];
            header.extend(self.names[part.clone()].iter().map(String::as_str));
            let cells = |row: &&ComparisonRow| {
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
            text += &format!("the same in all {runs} runs:\n");
            let cells = |row: &&ComparisonRow| vec![row.label.clone(), row.shown[0].clone()];
            text += &grid(&[], &same.iter().map(cells).collect::<Vec<_>>(), &[], width);
        }
        text
    }
}

/// The runs' names, with the identifier where two have the same, which a copy of a run has too.
fn names(runs: &[&Record]) -> Vec<String> {
    let twice = |name: &str| runs.iter().filter(|run| run.name == name).count() > 1;
    let name = |run: &&Record| {
        if twice(&run.name) { format!("{} {}", run.name, run.id) } else { run.name.clone() }
    };
    told_apart(runs.iter().map(name))
}

fn rows(runs: &[&Record], hyperparameters: &[Vec<Hyperparameter>]) -> Vec<ComparisonRow> {
    let mut rows = Vec::new();
    let mut add = |label: &str, values: Vec<Value>, show: &dyn Fn(&Value) -> String| {
        // What no run has is no row.
        if values.iter().any(|value| !value.is_null()) {
            let is_same = values.iter().all(|value| *value == values[0]);
            let shown = values.iter().map(show).collect();
            rows.push(ComparisonRow { label: label.to_owned(), values, shown, is_same });
        }
    };
    for key in metric_keys(runs) {
        let values = runs.iter().map(|run| json!(run.metrics.get(&key))).collect();
        add(&key, values, &|value| metric(value.as_f64()));
    }
    add("best_epoch", runs.iter().map(|run| json!(run.metrics.best_epoch)).collect(), &value_text);
    add("seconds", runs.iter().map(|run| json!(run.duration())).collect(), &|value| seconds(value.as_f64()));
    add("status", runs.iter().map(|run| json!(run.status.as_str())).collect(), &value_text);
    rows.extend(hyperparameter_rows(hyperparameters));
    let mut add = |label: &str, of: &dyn Fn(&Record) -> Value| {
        let values: Vec<Value> = runs.iter().map(|run| of(run)).collect();
        if values.iter().any(|value| !value.is_null()) {
            let is_same = values.iter().all(|value| *value == values[0]);
            let shown = values.iter().map(value_text).collect();
            rows.push(ComparisonRow { label: label.to_owned(), values, shown, is_same });
        }
    };
    add("parameters", &|r| number(r.parameters));
    add("initialisation", &|r| present(&r.rng.initialisation));
    add("draws", &|r| present(&r.rng.scheme));
    add("further draws", &|r| {
        let streams: Vec<_> = r.rng.streams.iter().map(|(name, seed)| format!("{name}, seed {seed}")).collect();
        present(&streams.join("; "))
    });
    add("dataset", &|r| present(&r.dataset.name));
    add("dataset sha256", &|r| present(short(&r.dataset.sha256)));
    add("training samples", &|r| number(r.dataset.train as u64));
    add("validation samples", &|r| number(r.dataset.validation as u64));
    add("test samples", &|r| number(r.dataset.test as u64));
    add("split", &|r| present(&r.dataset.split.method));
    add("split seed", &|r| if r.dataset.split.method.is_empty() { Value::Null } else { json!(r.dataset.split.seed) });
    add("split sha256", &|r| present(short(&r.dataset.split.sha256)));
    // Each value that any part of a run had; threads are not among them, since no result depends on them.
    let mut parts = |label: &str, of: &dyn Fn(&Environment) -> String| add(label, &|run| of_all_parts(run, of));
    parts("device", &|e| e.device.clone());
    parts("driver", &|e| e.driver.clone().unwrap_or_default());
    // `precision` is the key of the config: what products take.
    parts("numbers", &|e| e.precision.clone());
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
    parts("uncommitted change", &|e| e.change.clone().unwrap_or_default());
    parts("compiler", &|e| e.rustc.clone());
    parts("dfdx", &|e| e.dfdx.clone());
    rows
}

/// Every metric of any run: of the weights that were saved, tested, of the best epoch, before the first step; the accuracy and the loss first.
fn metric_keys(runs: &[&Record]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for prefix in ["val_", "test_", "best_val_", "initial_val_"] {
        keys.extend(["acc", "loss"].map(|name| format!("{prefix}{name}")));
        let further = runs.iter().flat_map(|run| run.metrics.values.keys());
        let mut further: Vec<_> = further.filter(|key| key.starts_with(prefix)).cloned().collect();
        further.sort();
        keys.extend(further);
    }
    let others = runs.iter().flat_map(|run| run.metrics.values.keys()).cloned();
    let mut seen = HashSet::new();
    keys.into_iter().chain(others).filter(|key| seen.insert(key.clone())).collect()
}

/// Every hyperparameter of any run, in the order in which they first appear.
fn hyperparameter_rows(runs: &[Vec<Hyperparameter>]) -> Vec<ComparisonRow> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for name in runs.iter().flatten().map(|hyperparameter| &hyperparameter.name) {
        if !seen.insert(name) {
            continue;
        }
        let find = |run: &Vec<Hyperparameter>| run.iter().find(|other| other.name == *name).cloned();
        let found: Vec<Option<Hyperparameter>> = runs.iter().map(find).collect();
        let likely: Vec<Option<&Value>> = found.iter().map(|run| run.as_ref()?.value.as_ref()).collect();
        let is_same = likely.iter().all(|value| value.unwrap_or(&Value::Null) == likely[0].unwrap_or(&Value::Null));
        // Where a run does not say and nothing speaks for a difference, there is nothing to tell.
        let is_silent = |run: &Option<Hyperparameter>| run.as_ref().is_some_and(|run| !run.is_recorded);
        if is_same && found.iter().any(is_silent) {
            continue;
        }
        let told = |run: Option<Hyperparameter>| run.filter(|run| run.is_recorded).and_then(|run| run.value);
        let values: Vec<Value> = found.into_iter().map(|run| told(run).unwrap_or(Value::Null)).collect();
        if values.iter().any(|value| !value.is_null()) {
            let shown = values.iter().map(value_text).collect();
            rows.push(ComparisonRow { label: name.clone(), values, shown, is_same });
        }
    }
    rows
}

/// The values of a run's parts, each once, in order.
fn of_all_parts(run: &Record, of: impl Fn(&Environment) -> String) -> Value {
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

fn number(count: u64) -> Value {
    if count == 0 { Value::Null } else { json!(count) }
}

fn present(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

#[cfg(test)]
mod tests;
