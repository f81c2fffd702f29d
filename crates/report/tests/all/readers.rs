//! Readers against files that are newer, larger, damaged or meant to harm.

#![allow(clippy::unwrap_used, reason = "what tests share fails as tests do")]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use strata_report::{
    HistoryEntry, HistoryRow, MAX_HISTORY, Record, ReportError, RunFolder, RunSummary, read_history, read_record,
    runs_table,
};

fn with_record(text: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("record.json"), text).unwrap();
    dir
}

fn error_of(text: &str) -> String {
    read_record(with_record(text.as_bytes()).path()).unwrap_err().to_string()
}

/// The bytes of a whole record and a whole history.
fn make_samples() -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), "a").unwrap();
    let mut record = Record::new("a", vec!["strata".into(), "experiment".into()]);
    record.hyperparameters.insert("hidden".into(), vec![2048, 1024, 64].into());
    for epoch in [None, Some(0), Some(1)] {
        let line = HistoryRow {
            phase: epoch.map(|_| 0),
            epoch,
            learning_rate: epoch.map(|_| 1e-5),
            train_loss: epoch.map(|_| 1.9),
            values: Default::default(),
            val_loss: 2.308,
            val_acc: 0.103,
        };
        folder.append_history(&line).unwrap();
        record.history.push(HistoryEntry::new(line, 2.0));
    }
    folder.write_record(&record).unwrap();
    let read = |file: &str| fs::read(folder.path().join(file)).unwrap();
    (read("record.json"), read("history.jsonl"))
}

/// Made once: a write waits for the disk.
fn samples() -> (Vec<u8>, Vec<u8>) {
    static SAMPLES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    SAMPLES.get_or_init(make_samples).clone()
}

const LEAST: &str =
    r#"{"schema": 100, "id": "i", "name": "n", "status": "finished", "started": "2026-01-01T00:00:00Z""#;

#[test]
fn a_newer_minor_schema_is_read_and_a_newer_major_one_refused() {
    let newer =
        LEAST.replace("100", "107") + r#", "energy": {"joules": [1, 2]}, "metrics": {"f1": 0.5, "val_acc": 0.25}}"#;
    let record = read_record(with_record(newer.as_bytes()).path()).unwrap();
    assert_eq!((record.schema, record.metrics.val_acc), (107, Some(0.25)));
    let text = error_of(r#"{"schema": 200, "id": {"made": "anew"}}"#);
    assert!(text.contains("schema 200 is newer than this program reads (up to 199); update strata"), "{text}");
}

#[test]
fn errors_name_file_line_key_and_remedy() {
    let rows = [
        (format!("{LEAST},\n\"parameters\": -1}}"), "record.json line 2: invalid value: integer `-1`, expected u64"),
        (LEAST.replace("finished", "done") + "}", "unknown variant `done`, expected one of `running`, `finished`"),
        (LEAST.replace("\"id\": \"i\", ", "") + "}", "missing field `id`"),
        (LEAST.to_owned(), "line 1: EOF while parsing"),
        (String::new(), "EOF while parsing"),
        (format!("{LEAST}, \"id\": \"again\"}}"), "duplicate field `id`"),
        (
            format!("{LEAST}, \"history\": [{{\"epoch\": 0, \"val_acc\": 0, \"seconds\": 0}}]}}"),
            "missing field `val_loss`",
        ),
    ];
    for (text, want) in rows {
        let error = error_of(&text);
        assert!(error.contains(want) && error.contains("restore the file from a copy"), "{text}\n{error}");
    }
}

#[test]
fn escape_codes_in_a_hostile_record_do_not_reach_the_message() {
    let error = error_of(&(LEAST.replace("finished", "\\u001b[2J") + "}"));
    assert!(error.contains("\\u{1b}[2J") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn deep_nesting_is_an_error_rather_than_an_overflow_of_the_stack() {
    let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let deep = format!("{LEAST}, \"hyperparameters\": {{\"a\": {}}}}}", nested(10_000));
    assert!(error_of(&deep).contains("hyperparameters: recursion limit exceeded"));
    // What is skipped takes no stack, however deep.
    let unknown = format!("{LEAST}, \"unknown\": {}}}", nested(100_000));
    read_record(with_record(unknown.as_bytes()).path()).unwrap();
}

#[test]
fn hyperparameters_over_128_kibibytes_are_refused() {
    let crafted = format!("{LEAST}, \"hyperparameters\": {{\"a\": [0{}]}}}}", ",0".repeat(70_000));
    assert!(error_of(&crafted).contains("hyperparameters take more than 131072 bytes"));
}

/// An entry of three bytes takes twenty-four in memory, and more while the list grows.
#[test]
fn lists_of_more_entries_than_any_run_writes_are_refused() {
    let many = |entry: &str, count: usize| format!("{entry}{}", format!(",{entry}").repeat(count));
    let evaluation = r#"{"val_loss":0,"val_acc":0,"seconds":0}"#;
    let seeds = (0..=10_000).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
    let rows = [
        (format!("\"command\": [{}]", many("\"\"", 1 << 19)), "more than 524288 entries"),
        (format!("\"resumed\": [{}]", many("\"\"", 1 << 19)), "more than 524288 entries"),
        (format!("\"history\": [{}]", many(evaluation, MAX_HISTORY)), "more than 131072 entries"),
        (format!("\"phases\": [{}]", many(r#"{"epochs":1,"lr":1}"#, 10_000)), "more than 10000 entries"),
        (format!("\"dataset\": {{\"classes\": [{}]}}", many("\"\"", 10_000)), "more than 10000 entries"),
        (format!("\"rng\": {{\"streams\": {{{seeds}}}}}"), "more than 10000 entries"),
    ];
    for (list, message) in rows {
        let error = error_of(&format!("{LEAST}, {list}}}"));
        assert!(error.contains(message) && error.contains("which no run writes"), "{}: {error}", &list[..20]);
    }
}

#[test]
fn a_history_of_more_lines_than_any_run_writes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("history.jsonl"), "{\"val_loss\":0,\"val_acc\":0}\n".repeat(MAX_HISTORY + 1)).unwrap();
    let error = read_history(dir.path()).unwrap_err().to_string();
    assert!(error.contains("history.jsonl: more than 131072 lines, which no run writes; restore"), "{error}");
}

/// A sparse file: its length alone is refused, none of its 64 MiB need be on the disk.
#[test]
fn a_record_over_64_mebibytes_is_refused() {
    let dir = with_record(b"{");
    let file = fs::OpenOptions::new().write(true).open(dir.path().join("record.json")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    assert!(matches!(read_record(dir.path()), Err(ReportError::TooLarge { limit: 67_108_864, .. })));
}

#[test]
fn a_folder_in_a_files_place_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("record.json")).unwrap();
    let error = read_record(dir.path()).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

fn mutate(bytes: &mut Vec<u8>, at: usize, with: u8, how: u8) {
    let at = at % bytes.len();
    match how {
        0 => bytes[at] = with,
        1 => bytes[at] ^= 1 << (with % 8),
        2 => bytes.truncate(at),
        3 => bytes.insert(at, with),
        _ => drop(bytes.remove(at)),
    }
}

/// Every reader of a run over these bytes: none may panic, and what is shown holds no control character but newlines.
fn read_everything(run: &Path) {
    let summary = RunSummary::of(run);
    let _ = read_history(run);
    let table = runs_table(&[summary], Some(100));
    assert!(!table.chars().any(|c| c.is_control() && c != '\n'), "{table:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn mutated_files_never_panic(at in any::<usize>(), with in any::<u8>(), how in 0u8..5) {
        let (mut record, mut history) = samples();
        mutate(&mut record, at, with, how);
        mutate(&mut history, at, with, how);
        let dir = with_record(&record);
        fs::write(dir.path().join("history.jsonl"), &history).unwrap();
        read_everything(dir.path());
    }

    /// A history cut anywhere gives the whole lines before the cut, and nothing else.
    #[test]
    fn a_truncated_history_gives_its_complete_lines(cut in any::<usize>()) {
        let (_, history) = samples();
        let cut = cut % (history.len() + 1);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("history.jsonl"), &history[..cut]).unwrap();
        let read = read_history(dir.path()).unwrap();
        let whole = history[..cut].iter().filter(|&&b| b == b'\n').count();
        prop_assert_eq!(read.entries.len(), whole);
        prop_assert_eq!(read.torn.is_some(), cut > 0 && history[cut - 1] != b'\n');
    }
}
