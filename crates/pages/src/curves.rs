//! The curves of a history: a chart for each thing that was measured, and all of it as a table.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use strata_report::HistoryEntry;

use crate::chart::{Chart, Line, Mark};
use crate::html::{self, text};
use crate::number::{evenly, metric, short};

/// Of a longer history as many evaluations are shown, evenly spread.
const SHOWN: usize = 400;
/// The beginnings of more phases than this would be a grey area.
const MARKED_PHASES: usize = 60;

/// The charts and the table as HTML, and the values for the script.
pub(crate) struct Curves {
    pub(crate) html: String,
    pub(crate) data: Value,
}

/// A chart's identifier, title, limits and the history's keys that it shows.
struct Content {
    title: String,
    limits: (f64, f64),
    keys: Vec<(String, String)>,
}

pub(crate) fn curves(history: &[HistoryEntry]) -> Curves {
    let rows = evenly(history, SHOWN);
    let places: Vec<f64> = rows.iter().map(|row| row.epoch.map_or(0.0, |epoch| epoch as f64 + 1.0)).collect();
    let marks = marks(history);
    let mut html = String::from("<div class=\"charts\">");
    let mut data = serde_json::Map::new();
    for (number, content) in contents(history).into_iter().enumerate() {
        let id = format!("chart{number}");
        let line = |(key, name): &(String, String)| Line {
            name: name.clone(),
            values: rows.iter().map(|row| of(row, key)).collect(),
        };
        let lines: Vec<Line> = content.keys.iter().map(line).collect();
        let values = |line: &Line| {
            json!([
                strata_files::escape(&line.name),
                line.values.iter().map(|value| value.map(rounded)).collect::<Vec<_>>()
            ])
        };
        data.insert(id.clone(), lines.iter().map(values).collect());
        html +=
            &Chart { id: &id, title: &content.title, places: &places, lines, marks: &marks, limits: content.limits }
                .figure();
    }
    html += "</div>";
    if rows.len() < history.len() {
        html += &format!(
            "<p>{} of {} evaluations are shown, evenly spread; history.jsonl has all.</p>",
            rows.len(),
            history.len()
        );
    }
    html += "<details><summary>The curves as a table</summary>";
    html += &table(&rows);
    html += "</details>";
    let label = |row: &&HistoryEntry| row.epoch.map_or("before training".to_owned(), |epoch| format!("epoch {epoch}"));
    let labels: Vec<String> = rows.iter().map(label).collect();
    Curves { html, data: json!({"places": places, "labels": labels, "charts": data}) }
}

/// Six significant digits are more than a chart shows.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn of(row: &HistoryEntry, key: &str) -> Option<f64> {
    let value = match key {
        "lr" => row.learning_rate,
        "train_loss" => row.train_loss,
        "val_loss" => Some(row.val_loss),
        "val_acc" => Some(row.val_acc),
        "seconds" => Some(row.seconds).filter(|_| row.epoch.is_some()),
        key => row.values.get(key).copied(),
    };
    value.filter(|value| value.is_finite())
}

/// Loss, accuracy, each further metric, the learning rate, the seconds of an epoch: what the history has of them.
fn contents(history: &[HistoryEntry]) -> Vec<Content> {
    let measured: BTreeSet<&str> = history.iter().flat_map(|row| row.values.keys()).map(String::as_str).collect();
    let pair = |name: &str| {
        let keys = [("train_", "training"), ("val_", "validation")]
            .map(|(part, title)| (format!("{part}{name}"), title.to_owned()));
        keys.into_iter()
            .filter(|(key, _)| {
                matches!(key.as_str(), "train_loss" | "val_loss" | "val_acc") || measured.contains(key.as_str())
            })
            .collect()
    };
    let all = (f64::NEG_INFINITY, f64::INFINITY);
    let content = |title: &str, limits, keys| Content { title: title.to_owned(), limits, keys };
    let mut contents = vec![content("Loss", all, pair("loss")), content("Accuracy", (0.0, 1.0), pair("acc"))];
    let further = measured.iter().filter_map(|key| key.strip_prefix("val_"));
    contents.extend(further.map(|name| content(name, all, pair(name))));
    let known = |key: &&str| !key.starts_with("val_") && !key.starts_with("train_") && *key != "lr_last";
    contents.extend(
        measured
            .iter()
            .filter(|key| known(key))
            .map(|key| content(key, all, vec![((*key).to_owned(), (*key).to_owned())])),
    );
    let mut rates = vec![("lr".to_owned(), "first step of the epoch".to_owned())];
    if measured.contains("lr_last") {
        rates.push(("lr_last".to_owned(), "last step".to_owned()));
    }
    contents.push(content("Learning rate", all, rates));
    if history.iter().any(|row| of(row, "seconds").is_some()) {
        contents.push(content("Seconds an epoch", all, vec![("seconds".to_owned(), "seconds".to_owned())]));
    }
    contents
}

/// Where each phase begins, with its first learning rate.
fn marks(history: &[HistoryEntry]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut current = None;
    for row in history.iter().filter(|row| row.phase.is_some()) {
        if row.phase != current {
            current = row.phase;
            let label = row.learning_rate.map_or(String::new(), |rate| format!("lr {}", short(rate)));
            marks.push(Mark { at: row.epoch.map_or(0.0, |epoch| epoch as f64), label });
        }
    }
    if marks.len() > MARKED_PHASES { Vec::new() } else { marks }
}

fn table(rows: &[&HistoryEntry]) -> String {
    let further: BTreeSet<&String> = rows.iter().flat_map(|row| row.values.keys()).collect();
    let mut header = vec!["epoch", "phase", "lr", "train_loss", "val_loss", "val_acc"];
    header.extend(further.iter().map(|key| key.as_str()));
    header.push("seconds");
    let number = |value: Option<f64>| value.map_or("–".to_owned(), metric);
    let row = |row: &&HistoryEntry| {
        let mut cells = vec![row.epoch.map_or("before".to_owned(), |epoch| epoch.to_string())];
        cells.push(row.phase.map_or("–".to_owned(), |phase| phase.to_string()));
        cells.push(row.learning_rate.map_or("–".to_owned(), |rate| text(&short(rate))));
        cells.extend(["train_loss", "val_loss", "val_acc"].map(|key| number(of(row, key))));
        cells.extend(further.iter().map(|key| match key.as_str() {
            "lr_last" => of(row, key).map_or("–".to_owned(), short),
            _ => number(of(row, key)),
        }));
        cells.push(
            Some(row.seconds)
                .filter(|seconds| seconds.is_finite())
                .map_or("–".to_owned(), |seconds| format!("{seconds:.2}")),
        );
        cells
    };
    html::table("What was measured after each epoch", &header, &rows.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use strata_report::HistoryRow;

    fn history(epochs: usize) -> Vec<HistoryEntry> {
        let row = |epoch: usize| HistoryRow {
            phase: Some(epoch / 2),
            epoch: Some(epoch),
            learning_rate: Some(0.1),
            train_loss: Some(2.0),
            val_loss: 1.9,
            val_acc: 0.4,
            values: [("val_top_5".to_owned(), 0.9)].into(),
        };
        let initial = HistoryEntry::new(HistoryRow::initial(2.3, 0.1), 0.5);
        std::iter::once(initial).chain((0..epochs).map(|epoch| HistoryEntry::new(row(epoch), 1.5))).collect()
    }

    #[test]
    fn each_thing_measured_has_a_chart_and_the_script_its_values() {
        let curves = curves(&history(4));
        for title in ["Loss", "Accuracy", "top_5", "Learning rate", "Seconds an epoch"] {
            assert_eq!(curves.html.matches(&format!(">{title}</figcaption>")).count(), 1, "{title}");
        }
        assert_eq!(curves.data["places"], json!([0.0, 1.0, 2.0, 3.0, 4.0]));
        assert_eq!(curves.data["charts"]["chart2"][0], json!(["validation", [null, 0.9, 0.9, 0.9, 0.9]]));
    }

    #[test]
    fn a_history_of_any_length_gives_a_page_of_bounded_size() {
        let curves = curves(&history(100_000));
        assert!(curves.html.len() + curves.data.to_string().len() < 300_000, "{}", curves.html.len());
        assert!(curves.html.contains("400 of 100001 evaluations") && !curves.html.contains("epoch 99999"));
        assert_eq!(curves.data["labels"][399], "epoch 99999");
    }
}
