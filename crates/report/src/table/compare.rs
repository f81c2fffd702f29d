//! Runs side by side, best first: what differs between them above, what they share beneath.

use std::collections::HashSet;

use serde_json::Value;

use super::{Give, NARROWEST, NOTHING, grid, metric, seconds, value_text};
use crate::best::better_first;
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
    for key in keys(runs) {
        texts(key, &|r| r.hyperparameters.get(key).map_or_else(|| NOTHING.to_owned(), value_text));
    }
    texts("parameters", &|r| {
        if r.parameters == 0 { NOTHING.to_owned() } else { r.parameters.to_string() }
    });
    texts("dataset", &|r| present(&r.dataset.name));
    texts("dataset sha256", &|r| present(r.dataset.sha256.get(..16).unwrap_or(&r.dataset.sha256)));
    texts("split seed", &|r| {
        if r.dataset.split.method.is_empty() { NOTHING.into() } else { r.dataset.split.seed.to_string() }
    });
    texts("draws", &|r| present(&r.rng.scheme));
    texts("device", &|r| present(&r.environment.device));
    texts("precision", &|r| present(&r.environment.precision));
    texts("machine", &|r| present(&r.environment.machine));
    texts("strata", &|r| present(&r.environment.strata));
    texts("commit", &|r| {
        let commit = r.environment.commit.as_deref().unwrap_or(NOTHING);
        let dirty = if r.environment.dirty == Some(true) { " (dirty)" } else { "" };
        format!("{}{dirty}", commit.get(..12).unwrap_or(commit))
    });
    rows
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
mod tests {
    use super::*;
    use crate::record::Metrics;

    fn record(name: &str, lr: f64, val_acc: Option<f64>, val_loss: Option<f64>) -> Record {
        let mut record = Record::new(name, vec![]);
        let values = serde_json::json!({ "arch": "2 layers (64,10)", "lrs": [lr], "batch_size": 128 });
        record.hyperparameters = values.as_object().unwrap().clone();
        record.metrics = Metrics { val_acc, val_loss, seconds: Some(10.0), ..Metrics::default() };
        record.environment.device = "cpu".into();
        record
    }

    fn three() -> Vec<Record> {
        vec![
            record("diverged", 10.0, None, None),
            record("worse", 0.1, Some(0.55), Some(1.2)),
            record("better", 0.01, Some(0.57), Some(1.3)),
        ]
    }

    #[test]
    fn best_first_differences_above_and_what_is_shared_beneath() {
        insta::assert_snapshot!(compare_table(&three(), None), @r#"
                  better  worse   diverged
        val_acc   0.5700  0.5500  -
        val_loss  1.3000  1.2000  -
        lrs       0.01    0.1     10.0

        the same in all 3 runs:
        seconds     10.0
        status      running
        arch        2 layers (64,10)
        batch_size  128
        device      cpu
        "#);
    }

    #[test]
    fn runs_that_do_not_fit_follow_in_further_tables() {
        let table = compare_table(&three(), Some(50));
        insta::assert_snapshot!(table, @r#"
                  better  worse
        ──────────────────────────
        val_acc   0.5700  0.5500
        val_loss  1.3000  1.2000
        lrs       0.01    0.1

                  diverged
        ────────────────────
        val_acc   -
        val_loss  -
        lrs       10.0

        the same in all 3 runs:
        seconds     10.0
        status      running
        arch        2 layers (64,10)
        batch_size  128
        device      cpu
        "#);
        assert!(table.lines().all(|line| line.chars().count() <= 50));
    }

    #[test]
    fn one_run_is_shown_whole() {
        let table = compare_table(&three()[..1], None);
        assert!(table.contains("batch_size") && !table.contains("the same"), "{table}");
    }

    /// Both show 0.5700, but they are not the same.
    #[test]
    fn values_that_only_look_equal_are_among_the_differing_ones() {
        let runs = [record("a", 0.1, Some(0.570_01), None), record("b", 0.1, Some(0.570_02), None)];
        let table = compare_table(&runs, None);
        let shared = table.find("the same").unwrap();
        assert!(table.find("val_acc").unwrap() < shared && table.find("batch_size").unwrap() > shared, "{table}");
        assert!(table.find('b').unwrap() < table.find('a').unwrap(), "the better comes first\n{table}");
    }

    #[test]
    fn equal_names_are_told_apart_by_identifier() {
        let runs = [record("a", 0.1, Some(0.5), None), record("a", 0.2, Some(0.6), None)];
        let table = compare_table(&runs, None);
        assert!(runs.iter().all(|run| table.contains(&run.id)), "{table}");
    }

    #[test]
    fn hostile_keys_and_values_are_spelt_out() {
        let mut bad = record("a\u{1b}[2J", 0.1, None, None);
        bad.hyperparameters.insert("k\u{9b}\n".into(), serde_json::json!({ "x\u{7}": "\u{1b}" }));
        bad.environment.commit = Some("größe größe größe\r".into());
        bad.dataset.sha256 = "模模模模模模模模".into();
        for width in [None, Some(1), Some(80)] {
            let table = compare_table(&[bad.clone(), record("b", 0.1, None, None)], width);
            assert!(!table.chars().any(|c| c != '\n' && c.is_control()), "{table:?}");
        }
    }
}
