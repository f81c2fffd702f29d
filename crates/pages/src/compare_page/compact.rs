//! Many runs in few bytes: numbers of few digits, and each text once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Number, Value, json};
use strata_report::HistoryEntry;

use super::ComparedRun;
use crate::number::evenly;

/// The most numbers of all curves.
const NUMBERS: usize = 1_500_000;
/// Points of one curve, at most and at least.
const POINTS: (usize, usize) = (16, 400);
/// The most metrics whose curves are drawn.
const METRICS: usize = 12;

/// Texts, each once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    places: HashMap<String, usize>,
    all: Vec<String>,
    bytes: usize,
}

impl Texts {
    /// The place of `text` among all.
    pub(super) fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.places.insert(text.to_owned(), self.all.len());
        self.all.push(text.to_owned());
        self.bytes += text.len();
        self.all.len() - 1
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.places.contains_key(text)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of them in their order; what cannot be seen is spelt out.
    pub(super) fn all(&self) -> Vec<String> {
        let safe = |text: &String| text.split('\n').map(strata_files::escape).collect::<Vec<_>>().join("\n");
        self.all.iter().map(safe).collect()
    }
}

/// `{"epochs": [[…] a run, or none where they are 0, 1, 2, …], "lines": {"val_acc": [[…] a run], …}}`.
pub(super) fn curves(runs: &[ComparedRun<'_>]) -> Value {
    let further: BTreeSet<&String> =
        runs.iter().flat_map(|run| run.history).flat_map(|row| row.values.keys()).collect();
    let mut keys = vec!["val_acc", "val_loss", "train_loss"];
    keys.extend(further.iter().map(|key| key.as_str()).filter(|key| *key != "lr_last"));
    keys.truncate(METRICS);
    let points = (NUMBERS / (runs.len() * keys.len()).max(1)).clamp(POINTS.0, POINTS.1);
    let shown: Vec<Vec<&HistoryEntry>> = runs.iter().map(|run| evenly(run.history, points)).collect();
    let place = |row: &&HistoryEntry| row.epoch.map_or(0, |epoch| epoch + 1);
    let epochs = |rows: &Vec<&HistoryEntry>| {
        let places: Vec<usize> = rows.iter().map(place).collect();
        if places.iter().enumerate().all(|(at, place)| at == *place) { Value::Null } else { json!(places) }
    };
    let line = |key: &str, rows: &Vec<&HistoryEntry>| rows.iter().map(|row| digits(value(row, key))).collect::<Value>();
    let lines: BTreeMap<&str, Vec<Value>> =
        keys.iter().map(|key| (*key, shown.iter().map(|rows| line(key, rows)).collect())).collect();
    json!({"epochs": shown.iter().map(epochs).collect::<Vec<_>>(), "keys": keys, "lines": lines})
}

fn value(row: &HistoryEntry, key: &str) -> Option<f64> {
    match key {
        "val_acc" => Some(row.val_acc),
        "val_loss" => Some(row.val_loss),
        "train_loss" => row.train_loss,
        key => row.values.get(key).copied(),
    }
}

/// Five significant digits; nothing for what is not finite.
fn digits(value: Option<f64>) -> Value {
    let rounded = value.filter(|value| value.is_finite()).and_then(|value| format!("{value:.4e}").parse().ok());
    rounded.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
