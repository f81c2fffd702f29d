//! The page that sets runs side by side: curves over each other, a table to sort and filter, groups over seeds, parallel coordinates, differences.

mod compact;
mod importance;

use serde_json::{Value, json};
use strata_report::{Comparison, ComparisonRow, HistoryEntry};

use crate::UncommittedChange;
use crate::document::{COMPARE_SCRIPT, COMPARE_STYLE, Document};
use crate::html::{facts, text};
use compact::{Texts, curves};
pub use importance::{ShownKey, SweptKeys};

/// The most bytes of uncommitted changes that a page holds, each different one once.
const CHANGES: usize = 2 << 20;

/// A run of a comparison.
#[derive(Clone, Debug)]
pub struct ComparedRun<'a> {
    /// The initial evaluation, then an entry an epoch.
    pub history: &'a [HistoryEntry],
    /// The text of its resolved config.
    pub config: &'a str,
    /// What its sources were beyond their commits.
    pub changes: &'a [UncommittedChange],
}

/// Everything that the page of a comparison shows.
///
/// ```
/// use strata_pages::{ComparePage, ComparedRun};
/// use strata_report::{Comparison, Record, recorded_hyperparameters};
///
/// let records = ["a", "b"].map(|name| Record::new(name, vec![]));
/// let run = ComparedRun { history: &[], config: "", changes: &[] };
/// let comparison = Comparison::of(&records, &recorded_hyperparameters);
/// let page = ComparePage { comparison: &comparison, runs: &[run.clone(), run], config_keys: &[], swept: None };
/// assert!(page.html().starts_with("<!doctype html>"));
/// ```
#[derive(Clone, Debug)]
pub struct ComparePage<'a> {
    /// The runs side by side, the best first.
    pub comparison: &'a Comparison,
    /// The same runs in the same order.
    pub runs: &'a [ComparedRun<'a>],
    /// Which of the comparison's rows are keys of a config, by their labels.
    pub config_keys: &'a [String],
    /// Of a sweep's runs: the keys that it tried.
    pub swept: Option<SweptKeys<'a>>,
}

impl ComparePage<'_> {
    /// The page. Two thousand runs of fifty epochs take some 5 MB; of more or longer ones fewer points of each curve are drawn.
    pub fn html(&self) -> String {
        let names = &self.comparison.names;
        let title = match names.as_slice() {
            [one] => format!("1 run: {one}"),
            [one, other] => format!("{one} and {other}"),
            _ => format!("{} runs", names.len()),
        };
        Document {
            title: &title,
            style: COMPARE_STYLE,
            body: &self.body(&title),
            data: &self.data(),
            script: COMPARE_SCRIPT,
        }
        .html()
    }

    fn body(&self, title: &str) -> String {
        let same =
            self.same().map(|row| (row.label.as_str(), row.shown.first().map_or(String::new(), |value| text(value))));
        let note = self.comparison.note.as_ref().map_or(String::new(), |note| format!("<p>{}</p>", text(note)));
        let parts = [
            ("{title}", text(title)),
            ("{note}", note),
            ("{keys-link}", self.swept.as_ref().map_or("", |_| "<a href=\"#keys\">What mattered</a> ").to_owned()),
            ("{keys}", self.swept.as_ref().map_or_else(String::new, SweptKeys::section)),
            ("{same}", facts("The same in all runs", same)),
        ];
        filled(include_str!("compare_page.html"), &parts)
    }

    /// What all runs have in common, where there are several.
    fn same(&self) -> impl Iterator<Item = &ComparisonRow> {
        self.comparison.rows.iter().filter(|row| row.is_same && self.runs.len() > 1)
    }

    fn data(&self) -> Value {
        let comparison = self.comparison;
        let escaped = |text: &String| strata_files::escape(text);
        let cell = |(value, shown): (&Value, &String)| match value {
            Value::Null => Value::Null,
            Value::Number(_) => value.clone(),
            // The rate of a single phase is a number among others.
            Value::Array(of_phases) if matches!(of_phases.as_slice(), [Value::Number(_)]) => of_phases[0].clone(),
            _ => Value::from(escaped(shown)),
        };
        let columns = comparison.rows.iter().filter(|row| !row.is_same || self.runs.len() == 1).map(|row| {
            let is_key = self.config_keys.contains(&row.label);
            let is_metric = ["val_", "test_", "best_", "initial_"].iter().any(|before| row.label.starts_with(before))
                || row.label == "seconds";
            let kind = if is_key {
                "config"
            } else if is_metric {
                "metric"
            } else {
                "other"
            };
            let values: Vec<Value> = row.values.iter().zip(&row.shown).map(cell).collect();
            json!([escaped(&row.label), kind, values])
        });
        let columns: Vec<Value> = columns.collect();
        let same = self
            .same()
            .filter_map(|row| Some(json!([escaped(&row.label), cell((row.values.first()?, row.shown.first()?))])));
        let same: Vec<Value> = same.collect();
        let mut lines = Texts::default();
        let configs: Vec<Vec<usize>> =
            self.runs.iter().map(|run| run.config.lines().map(|line| lines.place(line)).collect()).collect();
        let mut changes = Texts::default();
        let change = |run: &ComparedRun<'_>| {
            let all: String = run.changes.iter().map(|change| change.text.as_str()).collect();
            if changes.bytes() + all.len() > CHANGES && !changes.has(&all) {
                return None;
            }
            Some(changes.place(&all))
        };
        let change: Vec<Option<usize>> = self.runs.iter().map(change).collect();
        json!({
            "names": comparison.names.iter().map(escaped).collect::<Vec<_>>(),
            "columns": columns,
            "same": same,
            "curves": curves(self.runs),
            "lines": lines.all(), "configs": configs, "changes": changes.all(), "change": change,
        })
    }
}

/// `template` with each `{name}` in it replaced once: what is put in may have braces too.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut html = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((at, name, value)) =
        parts.iter().filter_map(|(name, value)| Some((rest.find(name)?, name, value))).min_by_key(|(at, ..)| *at)
    {
        html += &rest[..at];
        html += value;
        rest = &rest[at + name.len()..];
    }
    html + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use strata_report::{HistoryRow, Record, recorded_hyperparameters};

    fn history(epochs: usize) -> Vec<HistoryEntry> {
        let entry = |epoch: usize| {
            let mut row = HistoryRow::initial(2.0 / (epoch + 1) as f64, 0.5);
            (row.epoch, row.train_loss) = (epoch.checked_sub(1), Some(1.0));
            HistoryEntry::new(row, 1.0)
        };
        (0..=epochs).map(entry).collect()
    }

    fn page(runs: usize, epochs: usize) -> String {
        let record = |number: usize| {
            let mut record = Record::new(&format!("</script><b>{number}"), vec![]);
            record.hyperparameters.insert("rate".into(), (number as f64 / 7.0).into());
            record.metrics.val_acc = Some(1.0 / (number + 1) as f64);
            record
        };
        let records: Vec<Record> = (0..runs).map(record).collect();
        let history = history(epochs);
        let config = "name = \"<a>\"\nrate = 0.1\n".repeat(30);
        let runs = vec![ComparedRun { history: &history, config: &config, changes: &[] }; runs];
        let comparison = Comparison::of(&records, &recorded_hyperparameters);
        ComparePage { comparison: &comparison, runs: &runs, config_keys: &["rate".to_owned()], swept: None }.html()
    }

    #[test]
    fn what_differs_is_in_the_data_and_nothing_from_outside_is_markup() {
        let html = page(3, 2);
        assert_eq!((html.matches("</script>").count(), html.matches("<b>").count()), (2, 0));
        let data = html.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["names"][0], "</script><b>0");
        let column =
            |label: &str| data["columns"].as_array().unwrap().iter().find(|column| column[0] == label).unwrap().clone();
        assert_eq!((&column("rate")[1], column("rate")[2].as_array().unwrap().len()), (&json!("config"), 3));
        assert_eq!((&column("val_acc")[1], &column("val_acc")[2][0]), (&json!("metric"), &json!(1.0)));
        assert_eq!(data["curves"]["lines"]["val_loss"][2], json!([2.0, 1.0, 0.66667]));
        assert_eq!(data["lines"], json!(["name = \"<a>\"", "rate = 0.1"]));
    }

    #[test]
    fn a_name_like_a_place_in_the_template_is_a_name() {
        let parts = [("{title}", "{note} {same}".to_owned()), ("{note}", "n".to_owned()), ("{same}", "s".to_owned())];
        assert_eq!(filled("<{title}>{note}|{same}{other}", &parts), "<{note} {same}>n|s{other}");
    }

    #[test]
    fn two_thousand_runs_of_fifty_epochs_are_below_twenty_megabytes_and_longer_ones_too() {
        for (runs, epochs) in [(2000, 50), (300, 3000)] {
            let html = page(runs, epochs);
            assert!(html.len() < 15_000_000, "{runs} runs of {epochs}: {} bytes", html.len());
        }
    }
}
