//! Hyperparameters are compared as the table of keys understands them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use serde_json::{Value, json};
use strata_config::Config;
use strata_experiment::{compare, hyperparameters};
use strata_report::Record;

/// The hyperparameters of an SGD run as schema 100 had them, with those of `more`.
fn record(name: &str, more: Value) -> Record {
    let mut record = Record::new(name, vec![]);
    let values = json!({
        "arch": "2 layers (64,10)", "hidden": [64], "activation": "relu", "dropout": 0.0, "optimizer": "sgd", "momentum": 0.0,
        "weight_decay": 0.0, "lrs": [0.1], "epochs": [3], "batch_size": 128, "normalise": false, "seed": 43,
    });
    record.hyperparameters = values.as_object().unwrap().clone();
    record.hyperparameters.extend(more.as_object().unwrap().clone());
    record
}

/// The rows that differ between two runs.
fn differing(a: &Record, b: &Record) -> Vec<String> {
    let comparison = compare(&[a.clone(), b.clone()]);
    comparison.rows.into_iter().filter(|row| !row.is_same).map(|row| row.label).collect()
}

#[test]
fn a_value_without_an_effect_is_no_difference() {
    let cases: [(Value, Value, &[&str]); 5] = [
        (
            json!({"hidden": [], "activation": "relu", "dropout": 0.0}),
            json!({"hidden": [], "activation": "gelu", "dropout": 0.9}),
            &[],
        ),
        (json!({"activation": "relu"}), json!({"activation": "gelu"}), &["activation"]),
        (json!({"momentum": 0.0, "nesterov": true}), json!({"momentum": 0.0, "nesterov": false}), &[]),
        (json!({"momentum": 0.9, "nesterov": true}), json!({"momentum": 0.9, "nesterov": false}), &["nesterov"]),
        (
            json!({}),
            json!({"early_stopping": {"metric": "val_loss", "patience": 3, "min_delta": 0.0}}),
            &["early_stopping.metric", "early_stopping.patience", "early_stopping.min_delta"],
        ),
    ];
    for (a, b, rows) in cases {
        assert_eq!(differing(&record("a", a.clone()), &record("b", b.clone())), rows, "{a} {b}");
    }
}

/// What a key was before it was there is its default; what schema 100 did not record may have been another value.
#[test]
fn a_key_that_is_newer_than_a_record_had_its_default_in_it() {
    let today = |more| record("new", more);
    let earlier = Record { schema: 101, ..record("old", json!({})) };
    assert_eq!(differing(&today(json!({"best": "val_acc", "evaluation_batch": 256})), &earlier), [""; 0]);
    let rows = compare(&[today(json!({"best": "val_macro_f1"})), earlier]).rows;
    let best = rows.iter().find(|row| row.label == "best").unwrap();
    assert_eq!(best.values, [json!("val_macro_f1"), json!("val_acc")]);

    let first = Record { schema: 100, ..record("first", json!({})) };
    assert_eq!(differing(&today(json!({"evaluation_batch": 256})), &first), [""; 0]);
    let rows = compare(&[today(json!({"evaluation_batch": 512})), first]).rows;
    assert_eq!(rows.iter().find(|row| row.label == "evaluation_batch").unwrap().values, [json!(512), Value::Null]);
}

/// Every key that the table says is recorded is a row of a run that has it, in the table's order, and nothing of it stands anywhere else.
#[test]
fn the_rows_are_those_of_the_table_of_keys() {
    let text = "phases = [{epochs = 1, lr = 1, schedule = \"one_cycle\", warmup = 0.5}]\nmetrics = [\"top_5\"]\n[dataset]\nkind = \"synthetic\"\n\
                [model]\nhidden = [8]\n[optimizer]\nmomentum = 0.5\n[early_stopping]\npatience = 1\n";
    let config = Config::parse(text, Path::new("a.toml"), &[]).unwrap();
    let names: Vec<&str> = config.recorded().iter().map(|(name, _)| *name).collect();
    assert!(names.len() > 15 && names.contains(&"warmups") && names.contains(&"early_stopping.patience"));
    let mut record = Record::new("a", vec![]);
    record.hyperparameters = strata_experiment::recorded(&config);
    let shown: Vec<_> = hyperparameters(&record).into_iter().filter(|one| one.value.is_some()).collect();
    assert!(shown.iter().all(|one| one.is_recorded));
    let (recorded, default): (Vec<&str>, Vec<&str>) =
        shown.iter().map(|one| one.name.as_str()).partition(|name| names.contains(name));
    assert_eq!(recorded, names);
    // What a record leaves out, since it is the default.
    assert!(default.contains(&"loss") && default.contains(&"best"), "{default:?}");
}

/// Another program's record has no such table behind it: everything is shown as it stands.
#[test]
fn hyperparameters_of_another_program_are_compared_as_they_are() {
    let mut other = Record::new("a", vec![]);
    other.hyperparameters = json!({"activation": "mine", "rate": 0.5}).as_object().unwrap().clone();
    let shown: Vec<_> = hyperparameters(&other).into_iter().map(|one| (one.name, one.value.unwrap())).collect();
    assert_eq!(shown, [("activation".to_owned(), json!("mine")), ("rate".to_owned(), json!(0.5))]);
}
