//! The tables that runs make for other programs: their fields, groups of them, a history, a comparison.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::history::HistoryEntry;
use crate::sheet::{Cell, Sheet};
use crate::table::{Comparison, metric};

/// What is known of a run by name: `val_acc`, `optimizer`, `seconds`.
pub type Fields = Map<String, Value>;

/// A row for each run with a column for everything that any of them has.
pub fn fields_sheet(runs: &[Fields]) -> Sheet {
    let mut seen = HashSet::new();
    let columns = runs.iter().flat_map(Map::keys).filter(|key| seen.insert(key.as_str()));
    let columns: Vec<String> = columns.cloned().collect();
    let mut sheet = Sheet::new(columns.clone());
    for run in runs {
        sheet.push(columns.iter().map(|key| Cell::new(run.get(key).cloned().unwrap_or(Value::Null))).collect());
    }
    sheet
}

/// A row for each combination of the values of `keys` that a run has, with the number of runs and the mean and the sample deviation (of n - 1) of each metric.
/// With `apart`, for other programs, each of the two has a column, and so has the number of runs that have the metric.
pub fn groups_sheet(runs: &[Fields], keys: &[String], apart: bool) -> Sheet {
    let value = |run: &Fields, key: &String| run.get(key).cloned().unwrap_or(Value::Null);
    let mut groups: Vec<(Vec<Value>, Vec<&Fields>)> = Vec::new();
    for run in runs {
        let of: Vec<Value> = keys.iter().map(|key| value(run, key)).collect();
        match groups.iter_mut().find(|(values, _)| *values == of) {
            Some((_, members)) => members.push(run),
            None => groups.push((of, vec![run])),
        }
    }
    let metrics = metrics_of(runs);
    let mut columns: Vec<String> = keys.to_vec();
    columns.push("n".to_owned());
    for metric in &metrics {
        match apart {
            true => columns.extend(["mean", "deviation", "n"].map(|part| format!("{metric}_{part}"))),
            false => columns.push(metric.clone()),
        }
    }
    let mut sheet = Sheet::new(columns);
    for (values, members) in groups {
        let mut row: Vec<Cell> = values.into_iter().map(Cell::new).collect();
        row.push(Cell::new(members.len()));
        for key in &metrics {
            let numbers: Vec<f64> = members.iter().filter_map(|run| run.get(key)?.as_f64()).collect();
            if apart {
                let (mean, deviation) = mean_and_deviation(&numbers);
                row.extend([Cell::metric(mean), Cell::metric(deviation), Cell::new(numbers.len())]);
            } else {
                row.push(mean_cell(&numbers, members.len()));
            }
        }
        sheet.push(row);
    }
    sheet
}

/// `0.5712 ± 0.0028`: the mean and the sample deviation of what some of `runs` runs have, and of how many where not all have it.
fn mean_cell(numbers: &[f64], runs: usize) -> Cell {
    let (mean, deviation) = mean_and_deviation(numbers);
    let spread = deviation.map_or_else(String::new, |one| format!(" ± {}", metric(Some(one))));
    let few = match numbers.len() {
        n if n == runs || n == 0 => String::new(),
        n => format!(" (of {n})"),
    };
    Cell::shown(json!(mean), format!("{}{spread}{few}", metric(mean)))
}

/// A row for each run, by its seed, and one with the mean and the sample deviation (of n - 1) over them of each metric, and their number.
pub fn seeds_sheet(runs: &[Fields]) -> Sheet {
    let metrics = metrics_of(runs);
    let mut sheet = Sheet::new(["seed".to_owned()].into_iter().chain(metrics.iter().cloned()));
    let number = |run: &Fields, key: &String| run.get(key).and_then(Value::as_f64);
    for run in runs {
        let mut row = vec![Cell::new(run.get("seed").cloned().unwrap_or(Value::Null))];
        row.extend(metrics.iter().map(|key| Cell::metric(number(run, key))));
        sheet.push(row);
    }
    let name = if runs.len() > 1 { "mean ± deviation" } else { "mean" };
    let mut row = vec![Cell::new(format!("{name}, n = {}", runs.len()))];
    for key in &metrics {
        row.push(mean_cell(&runs.iter().filter_map(|run| number(run, key)).collect::<Vec<_>>(), runs.len()));
    }
    sheet.push(row);
    sheet
}

/// The metrics of the weights that runs gave, the accuracies and losses first, and how long it took.
fn metrics_of(runs: &[Fields]) -> Vec<String> {
    let first = ["val_acc", "val_loss", "test_acc", "test_loss"].map(str::to_owned);
    let of_run = |key: &String| key.starts_with("val_") || key.starts_with("test_");
    let mut further: Vec<String> = runs.iter().flat_map(Map::keys).filter(|key| of_run(key)).cloned().collect();
    further.sort();
    let all = first.into_iter().chain(further).chain(["seconds".to_owned()]);
    let mut seen = HashSet::new();
    all.filter(|key| runs.iter().any(|run| run.get(key).is_some_and(Value::is_number)) && seen.insert(key.clone()))
        .collect()
}

/// The mean of one number or more, and the sample deviation (by n − 1) of two or more, as the tables of groups have them.
///
/// ```
/// assert_eq!(strata_report::mean_and_deviation(&[1.0, 3.0]), (Some(2.0), Some(2f64.sqrt())));
/// assert_eq!(strata_report::mean_and_deviation(&[1.0]), (Some(1.0), None));
/// assert_eq!(strata_report::mean_and_deviation(&[0.98; 7]), (Some(0.98), Some(0.0)));
/// ```
pub fn mean_and_deviation(numbers: &[f64]) -> (Option<f64>, Option<f64>) {
    if numbers.is_empty() {
        return (None, None);
    }
    if numbers.iter().all(|number| *number == numbers[0]) {
        // Rounding would make some 1e-16 of it.
        return (Some(numbers[0]), (numbers.len() > 1).then_some(0.0));
    }
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    (Some(mean), (numbers.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

/// A row for each evaluation of each run: the keys of the history, and the seconds it took. The run's name is a column where there are several runs.
pub fn history_sheet(runs: &[(String, Vec<HistoryEntry>)]) -> Sheet {
    let mut further: Vec<&String> =
        runs.iter().flat_map(|(_, entries)| entries).flat_map(|entry| entry.values.keys()).collect();
    further.sort();
    further.dedup();
    let fixed = ["epoch", "phase", "lr", "train_loss", "val_loss", "val_acc"];
    let name = (runs.len() > 1).then_some("run");
    let columns = name.into_iter().chain(fixed).chain(further.iter().map(|key| key.as_str())).chain(["seconds"]);
    let mut sheet = Sheet::new(columns);
    for (run, entries) in runs {
        for entry in entries {
            let mut row: Vec<Cell> = name.map(|_| Cell::new(run.as_str())).into_iter().collect();
            row.extend([json!(entry.epoch), json!(entry.phase), json!(entry.learning_rate)].map(Cell::new));
            row.extend([entry.train_loss, Some(entry.val_loss), Some(entry.val_acc)].map(Cell::metric));
            row.extend(further.iter().map(|key| Cell::metric(entry.values.get(*key).copied())));
            row.push(Cell::shown(
                json!(entry.seconds),
                crate::table::seconds(Some(entry.seconds).filter(|s| s.is_finite())),
            ));
            sheet.push(row);
        }
    }
    sheet
}

impl Comparison {
    /// A row for each attribute, a column for each run, and whether all runs are the same in it. A run that is called as another column is has a number behind
    /// its name.
    pub fn sheet(&self) -> Sheet {
        let columns = ["attribute", "same"].into_iter().chain(self.names.iter().map(String::as_str));
        let mut sheet = Sheet::new(columns);
        for row in &self.rows {
            let mut cells = vec![Cell::new(row.label.as_str()), Cell::new(row.is_same)];
            let values = row.values.iter().zip(&row.shown);
            cells.extend(values.map(|(value, shown)| Cell::shown(value.clone(), shown.as_str())));
            sheet.push(cells);
        }
        sheet
    }
}

#[cfg(test)]
mod tests {
    use strata_spec::HistoryRow;

    use super::*;
    use crate::sheet::Format;

    fn run(optimizer: &str, acc: Option<f64>) -> Fields {
        let fields = json!({"optimizer": optimizer, "val_acc": acc, "seconds": 2.0});
        fields.as_object().cloned().unwrap_or_default()
    }

    /// By hand: the mean of 0.5 and 0.6 is 0.55, each 0.05 from it; the deviation is √(2 · 0.0025 / 1) = 0.0707.
    #[test]
    fn groups_have_means_and_sample_deviations() {
        let runs = [run("sgd", Some(0.5)), run("adam", Some(0.7)), run("sgd", Some(0.6)), run("sgd", None)];
        let table = groups_sheet(&runs, &["optimizer".to_owned()], false).write(Format::Markdown, None);
        assert_eq!(
            table,
            "| optimizer | n | val\\_acc | seconds |\n| --- | ---: | ---: | ---: |\n\
             | sgd | 3 | 0.5500 ± 0.0707 (of 2) | 2.0000 ± 0.0000 |\n| adam | 1 | 0.7000 | 2.0000 |\n"
        );
        let csv = groups_sheet(&runs, &["optimizer".to_owned()], true).write(Format::Csv, None);
        assert!(csv.starts_with("optimizer,n,val_acc_mean,val_acc_deviation,val_acc_n,seconds_mean"), "{csv}");
        assert!(csv.contains("\nadam,1,0.7,,1,2.0,,1\n"), "{csv}");
    }

    #[test]
    fn seeds_have_a_row_each_and_a_last_one_with_their_means() {
        let seed = |seed: u64, acc| {
            let mut run = run("sgd", Some(acc));
            run.insert("seed".into(), json!(seed));
            run
        };
        let table = seeds_sheet(&[seed(7, 0.5), seed(43, 0.6)]).write(Format::Markdown, None);
        assert_eq!(
            table,
            "| seed | val\\_acc | seconds |\n| --- | ---: | ---: |\n| 7 | 0.5000 | 2.0000 |\n| 43 | 0.6000 | 2.0000 |\n\
             | mean ± deviation, n = 2 | 0.5500 ± 0.0707 | 2.0000 ± 0.0000 |\n"
        );
        let mut diverged = seed(44, 0.0);
        diverged.insert("val_acc".into(), json!(null));
        let of_two = seeds_sheet(&[seed(7, 0.5), seed(43, 0.6), diverged]).write(Format::Markdown, None);
        assert!(of_two.contains("n = 3 | 0.5500 ± 0.0707 (of 2) | 2.0000 ± 0.0000 |"), "{of_two}");
        let one = seeds_sheet(&[seed(7, 0.5)]).write(Format::Csv, None);
        assert!(one.ends_with("\n\"mean, n = 1\",0.5,2.0\n"), "{one}");
    }

    #[test]
    fn runs_and_histories_have_a_column_for_whatever_any_has() {
        let mut other = run("sgd", Some(0.25));
        other.insert("betas".into(), json!([0.9, 0.99]));
        let csv = fields_sheet(&[run("adam", None), other]).write(Format::Csv, None);
        assert_eq!(csv, "optimizer,val_acc,seconds,betas\nadam,,2.0,\nsgd,0.25,2.0,\"[0.9,0.99]\"\n");

        let entry = |values| HistoryEntry::new(HistoryRow { values, ..HistoryRow::initial(2.5, 0.1) }, f64::NAN);
        let runs = [
            ("a".to_owned(), vec![entry([].into())]),
            ("b".to_owned(), vec![entry([("val_top_5".to_owned(), 0.5)].into())]),
        ];
        let csv = history_sheet(&runs).write(Format::Csv, None);
        assert_eq!(
            csv,
            "run,epoch,phase,lr,train_loss,val_loss,val_acc,val_top_5,seconds\na,,,,,2.5,0.1,,\nb,,,,,2.5,0.1,0.5,\n"
        );
        assert!(history_sheet(&runs[..1]).write(Format::Csv, None).starts_with("epoch,"));
    }
}
