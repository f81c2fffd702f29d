//! What is compared, and how it looks.

use super::*;
use crate::metrics::Metrics;

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

/// A copy of a run's folder has its identifier too, and a run may be called as a column is.
#[test]
fn every_run_has_a_column_of_its_own() {
    let (low, high) = (record("a", 0.1, Some(0.5), None), record("a", 0.2, Some(0.6), None));
    let copy = low.clone();
    let [same, attribute] = ["same", "attribute"].map(|name| record(name, 0.3, Some(0.4), None));
    let comparison = Comparison::of(&[low.clone(), same, copy, attribute, high.clone()], &recorded_hyperparameters);
    let (first, second) = (format!("a {}", high.id), format!("a {}", low.id));
    let third = format!("{second}#2");
    assert_eq!(comparison.names, [&first, &second, &third, "same", "attribute"]);
    assert_eq!(comparison.places, [4, 0, 2, 1, 3]);
    let json: Value = serde_json::from_str(&comparison.sheet().write(crate::Format::Json, None)).unwrap();
    let row = json.as_array().unwrap().iter().find(|row| row["attribute"] == "val_acc").unwrap();
    let columns: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(columns, ["attribute", "same", &first, &second, &third, "same#2", "attribute#2"]);
    assert_eq!(row["same"], false);
    assert_eq!(row["same#2"], 0.4);
}

#[test]
fn each_attribute_has_one_row() {
    let mut run = record("a", 0.1, Some(0.5), None);
    run.hyperparameters.insert("precision".into(), "bf16".into());
    run.environment.precision = "f32".into();
    let rows = Comparison::of(&[run], &recorded_hyperparameters).rows;
    let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels.iter().filter(|label| **label == "precision").count(), 1, "{labels:?}");
}

/// The rows that differ between two runs.
fn differing(a: &Record, b: &Record) -> Vec<String> {
    let table = compare_table(&[a.clone(), b.clone()], None);
    let above = table.split("the same in all").next().unwrap();
    above
        .lines()
        .skip(1)
        .filter_map(|line| line.split("  ").next())
        .map(str::to_owned)
        .filter(|l| !l.is_empty())
        .collect()
}

#[test]
fn whatever_can_change_a_result_is_compared() {
    type Change = fn(&mut Record);
    let cases: [(&str, Change); 15] = [
        ("training samples", |r| r.dataset.train = 250),
        ("validation samples", |r| r.dataset.validation = 150),
        ("test samples", |r| r.dataset.test = 10),
        ("split", |r| r.dataset.split.method = "other".into()),
        ("split seed", |r| r.dataset.split.seed = 7),
        ("split sha256", |r| r.dataset.split.sha256 = "b".repeat(64)),
        ("dataset sha256", |r| r.dataset.sha256 = "b".repeat(64)),
        ("initialisation", |r| r.rng.initialisation = "zeros".into()),
        ("further draws", |r| r.rng.streams = [("dropout".into(), 2)].into()),
        ("precision", |r| drop(r.hyperparameters.insert("precision".into(), "bf16".into()))),
        ("numbers", |r| r.environment.precision = "f64".into()),
        ("driver", |r| r.environment.driver = Some("580".into())),
        ("compiler", |r| r.environment.rustc = "rustc 2".into()),
        ("evaluation_batch", |r| drop(r.hyperparameters.insert("evaluation_batch".into(), 8.into()))),
        ("early_stopping", |r| drop(r.hyperparameters.insert("early_stopping".into(), true.into()))),
    ];
    let mut a = record("a", 0.1, Some(0.5), None);
    a.dataset.split.method = "torch".into();
    for (row, change) in cases {
        let mut b = Record { name: "b".into(), ..a.clone() };
        change(&mut b);
        assert_eq!(differing(&a, &b), [row]);
    }
    let mut b = Record { name: "b".into(), ..a.clone() };
    b.environment.threads = 7;
    assert_eq!(differing(&a, &b), [""; 0], "no result depends on the threads");
}

#[test]
fn what_a_record_does_not_say_is_shown_only_where_it_may_differ() {
    let compare = |value: i64, likely: i64| {
        let runs = [record("a", 0.1, None, None), record("b", 0.1, None, None)];
        let of = |run: &Record| {
            let is_recorded = run.name == "a";
            let value = Some(Value::from(if is_recorded { value } else { likely }));
            vec![Hyperparameter { name: "evaluation_batch".into(), value, is_recorded }]
        };
        Comparison::of(&runs, &of).table(None)
    };
    assert!(!compare(256, 256).contains("evaluation_batch"));
    assert!(compare(512, 256).contains("evaluation_batch  512  -\n"), "{}", compare(512, 256));
}

/// Half on a card, half on the processor: neither of the two is all of it.
#[test]
fn each_device_of_a_resumed_run_is_shown() {
    let mut run = record("a", 0.1, Some(0.5), None);
    for device in ["cuda:0", "cpu", "cuda:0"] {
        let environment = Environment { device: device.into(), ..Environment::default() };
        run.parts.push(crate::part::Part { environment, ..Default::default() });
    }
    assert!(compare_table(&[run], None).contains("cuda:0, then cpu\n"));
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

/// A network without hidden layers.
#[test]
fn an_empty_list_is_shown_as_one() {
    assert_eq!([json!([]), json!([64, 10]), json!(null)].map(|value| value_text(&value)), ["[]", "64, 10", "-"]);
}
