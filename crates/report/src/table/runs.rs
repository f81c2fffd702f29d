//! The listing of runs, one a line, with what is wrong with any of them beneath.

use super::{Give, NOTHING, grid, metric, seconds, value_text};
use crate::record::Status;
use crate::sheet::{Cell, Sheet};
use crate::state::RunState;
use crate::summary::RunSummary;
use serde_json::json;
use strata_files::escape_truncated;

/// Each column's name and how it gives way in a narrow terminal.
const COLUMNS: [(&str, Give); 10] = [
    ("name", Give::Down(8)),
    ("status", Give::Down(11)),
    ("arch", Give::Any),
    ("optimizer", Give::Any),
    ("lrs", Give::Any),
    ("epochs", Give::Any),
    ("val_acc", Give::Never),
    ("test_acc", Give::Never),
    ("seconds", Give::Never),
    ("started (UTC)", Give::Down(10)),
];

/// Below this many columns of the terminal, [`LEFT_OUT`] is left out rather than everything cut to shreds.
const NARROW: usize = 100;
const LEFT_OUT: [&str; 2] = ["optimizer", "started (UTC)"];

/// The runs in the order given, a line each; beneath, why a run failed or cannot be read.
///
/// With a `width` (a terminal's, in columns) cells are wrapped to fit, and below 100 columns the optimizer and the start
/// are left out; without, each run is one line of plain text. Control characters in names and values are spelt out,
/// whatever the records hold.
pub fn runs_table(runs: &[RunSummary], width: Option<usize>) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let narrow = width.is_some_and(|width| width < NARROW);
    let kept = |index: &usize| !(narrow && LEFT_OUT.contains(&COLUMNS[*index].0));
    let columns: Vec<usize> = (0..COLUMNS.len()).filter(kept).collect();
    let header: Vec<&str> = columns.iter().map(|&index| COLUMNS[index].0).collect();
    let give: Vec<Give> = columns.iter().map(|&index| COLUMNS[index].1).collect();
    let row = |run: &RunSummary| {
        let cells = row(run);
        columns.iter().map(|&index| cells[index].clone()).collect::<Vec<_>>()
    };
    let mut text = grid(&header, &runs.iter().map(row).collect::<Vec<_>>(), &give, width);
    let notes: Vec<String> = runs.iter().filter_map(note).collect();
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&notes.join("\n"));
        text.push('\n');
    }
    text
}

/// The same columns as a table for other programs: what a paper or a page shows.
pub fn runs_sheet(runs: &[RunSummary]) -> Sheet {
    let mut sheet = Sheet::new(COLUMNS.map(|(name, _)| name));
    for run in runs {
        let numbers = [run.metrics.val_acc, run.metrics.test_acc, run.seconds];
        let cells = row(run).into_iter().enumerate().map(|(at, shown)| match COLUMNS[at].1 {
            Give::Never => Cell::shown(json!(numbers[at - 6]), shown),
            _ => Cell::new(shown),
        });
        sheet.push(cells.collect());
    }
    sheet
}

/// A cell for each of [`COLUMNS`].
fn row(run: &RunSummary) -> [String; 10] {
    let parameter = |key| run.hyperparameters.get(key).map_or_else(|| NOTHING.to_owned(), value_text);
    [
        run.name.clone(),
        run.state.as_str().to_owned(),
        parameter("arch"),
        parameter("optimizer"),
        parameter("lrs"),
        parameter("epochs"),
        metric(run.metrics.val_acc),
        metric(run.metrics.test_acc),
        seconds(run.seconds),
        run.started.as_deref().map_or_else(|| NOTHING.to_owned(), to_the_minute),
    ]
}

/// `2026-11-23 22:51` for `2026-11-23T22:51:19.042Z`; what is no time is shown as it is.
fn to_the_minute(time: &str) -> String {
    match humantime::parse_rfc3339(time) {
        // What was just read is ASCII: date, `T`, hours and minutes are its first 16 bytes.
        Ok(_) => time[..16].replacen('T', " ", 1),
        Err(_) => time.to_owned(),
    }
}

fn note(run: &RunSummary) -> Option<String> {
    let why = match (&run.state, &run.reason) {
        // Already safe to print, and longer than a cell: it holds a path.
        (RunState::Unreadable(why), _) => why.clone(),
        (RunState::Known(Status::Failed), Some(reason)) => escape_truncated(reason),
        _ => return None,
    };
    Some(format!("{}: {why}", escape_truncated(&run.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::record::Record;
    use std::path::PathBuf;

    fn run(name: &str, state: RunState) -> RunSummary {
        RunSummary {
            name: name.into(),
            path: PathBuf::from(name),
            state,
            reason: None,
            id: None,
            started: None,
            hyperparameters: serde_json::Map::new(),
            metrics: Metrics::default(),
            schema: crate::SCHEMA,
            seconds: None,
        }
    }

    fn runs() -> Vec<RunSummary> {
        let mut done = run("seed", RunState::Known(Status::Finished));
        let values = serde_json::json!({
            "arch": "4 layers (2048,1024,64,10)", "optimizer": "sgd", "lrs": [0.1, 1e-3, 5e-8], "epochs": [20, 10, 10],
        });
        done.hyperparameters = values.as_object().unwrap().clone();
        done.metrics = Metrics { val_acc: Some(0.5654), test_acc: Some(0.567), ..Metrics::default() };
        done.seconds = Some(1234.56);
        done.started = Some("2026-11-23T22:51:19.042Z".into());
        let mut failed = run("seed-2", RunState::Known(Status::Failed));
        failed.reason = Some("training loss is not finite in epoch 3".into());
        vec![
            done,
            failed,
            run("dead", RunState::Died),
            run("bad", RunState::Unreadable("runs/bad/record.json: torn".into())),
        ]
    }

    #[test]
    fn the_plain_table_has_one_line_per_run_and_reasons_beneath() {
        insta::assert_snapshot!(runs_table(&runs(), None), @r#"
        name      status              arch                        optimizer  lrs               epochs      val_acc  test_acc  seconds  started (UTC)
        seed      finished            4 layers (2048,1024,64,10)  sgd        0.1, 0.001, 5e-8  20, 10, 10   0.5654    0.5670   1234.6  2026-11-23 22:51
        seed-2    failed              -                           -          -                 -                 -         -        -  -
        dead      interrupted (died)  -                           -          -                 -                 -         -        -  -
        bad       unreadable          -                           -          -                 -                 -         -        -  -

        seed-2: training loss is not finite in epoch 3
        bad: runs/bad/record.json: torn
        "#);
    }

    #[test]
    fn the_table_fits_the_terminals_width() {
        let table = runs_table(&runs(), Some(80));
        insta::assert_snapshot!(table, @r#"
        name      status       arch      lrs       epochs   val_acc  test_acc  seconds
        ────────────────────────────────────────────────────────────────────────────────
        seed      finished     4 layers  0.1,      20, 10,   0.5654    0.5670   1234.6
                               (2048,10  0.001,    10
                               24,64,10  5e-8
                               )
        seed-2    failed       -         -         -              -         -        -
        dead      interrupted  -         -         -              -         -        -
                  (died)
        bad       unreadable   -         -         -              -         -        -

        seed-2: training loss is not finite in epoch 3
        bad: runs/bad/record.json: torn
        "#);
        assert!(table.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn hostile_names_and_values_are_spelt_out_in_every_column() {
        let evil = "\u{1b}]0;owned\u{7}\n\u{202e}";
        let mut bad = run(evil, RunState::Known(Status::Failed));
        bad.reason = Some(evil.into());
        bad.started = Some(evil.into());
        for key in ["arch", "optimizer", "lrs", "epochs"] {
            bad.hyperparameters.insert(key.into(), evil.into());
        }
        for width in [None, Some(0), Some(60), Some(usize::MAX)] {
            let table = runs_table(&[bad.clone()], width);
            assert!(!table.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{table:?}");
        }
        // Seven spellings in cells and the note, and no line but the header, the run, a gap and the note.
        let plain = runs_table(&[bad], None);
        assert_eq!((plain.matches("owned").count(), plain.lines().count()), (8, 4), "{plain}");
    }

    #[test]
    fn a_clock_set_back_shows_no_negative_duration() {
        let mut record = Record::new("a", vec![]);
        record.started = "2026-11-23T22:51:19Z".into();
        record.ended = Some("2026-11-23T21:51:19Z".into());
        assert_eq!(record.duration(), None);
        record.metrics.seconds = Some(-3.0);
        assert_eq!(record.duration(), None);
        record.metrics.seconds = Some(12.5);
        assert_eq!(record.duration(), Some(12.5));
    }

    #[test]
    fn an_empty_list_of_runs_says_how_to_start_one() {
        assert!(runs_table(&[], None) == "no runs yet\n");
    }
}
