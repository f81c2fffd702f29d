//! Runs are chosen, sorted and grouped by metrics, by the keys of configs and by the names that records have for them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use serde_json::json;
use strata_experiment::Listing;
use strata_report::{Format, Record, ReportError, RunFolder, Status, add_note, list_runs};

fn run(runs: &Path, name: &str, optimizer: &str, seed: u64, acc: f64) {
    let folder = RunFolder::create_exact(runs, name).unwrap();
    folder.write_config("").unwrap();
    let mut record = Record::new(name, vec![]);
    record.status = Status::Finished;
    record.metrics.val_acc = Some(acc);
    record.hyperparameters = json!({
        "hidden": [8], "lrs": [0.1], "epochs": [1], "optimizer": optimizer, "seed": seed, "batch_size": 128, "evaluation_batch": 256,
        "normalise": false, "activation": "relu", "dropout": 0.0, "momentum": 0.0, "weight_decay": 0.0,
    })
    .as_object()
    .cloned()
    .unwrap();
    folder.write_record(&record).unwrap();
}

fn kept(runs: &Path, condition: &str) -> Vec<String> {
    let mut some = listing(runs);
    some.keep(&condition.parse().unwrap()).unwrap();
    names(&some)
}

fn listing(runs: &Path) -> Listing {
    Listing::new(list_runs(runs).unwrap(), &mut |error| panic!("{error}"))
}

fn names(listing: &Listing) -> Vec<String> {
    listing.summaries().into_iter().map(|run| run.name).collect()
}

#[test]
fn runs_of_folders_below_are_filtered_sorted_and_grouped() {
    let runs = tempfile::tempdir().unwrap();
    fs::create_dir_all(runs.path().join("sweep/deep")).unwrap();
    run(runs.path(), "first", "sgd", 1, 0.5);
    run(&runs.path().join("sweep"), "second", "adam", 1, 0.7);
    run(&runs.path().join("sweep/deep"), "third", "sgd", 2, 0.6);
    add_note(&runs.path().join("first"), Some("a note"), &["paper".to_owned()], &[]).unwrap();

    let mut all = listing(runs.path());
    all.sort("val_acc", true).unwrap();
    assert_eq!(names(&all), ["sweep/second", "sweep/deep/third", "first"]);

    for (condition, kept) in [
        ("val_acc > 0.55", &["sweep/second", "sweep/deep/third"][..]),
        ("optimizer.kind == sgd and seed == 2", &["sweep/deep/third"]),
        ("phases.lr == 0.1 and status == finished and val_acc < 0.55", &["first"]),
        ("tags == paper", &["first"]),
        ("loss.kind == cross_entropy and val_acc > 0.65", &["sweep/second"]),
    ] {
        let mut some = listing(runs.path());
        some.sort("val_acc", true).unwrap();
        some.keep(&condition.parse().unwrap()).unwrap();
        assert_eq!(names(&some), kept, "{condition}");
    }

    let groups = all.groups(&["optimizer.kind".to_owned()], false).unwrap().write(Format::Markdown, None);
    assert!(groups.contains("| adam | 1 | 0.7000 |") && groups.contains("| sgd | 2 | 0.5500 ± 0.0707 |"), "{groups}");
    let csv = all.sheet().write(Format::Csv, None);
    assert!(csv.lines().next().unwrap().starts_with("name,status,id,started,seconds,path,"), "{csv}");
    assert_eq!(csv.lines().count(), 4);

    let error = listing(runs.path()).keep(&"val_acc > 0,6".parse().unwrap()).unwrap_err();
    assert!(matches!(&error, ReportError::NoOrder { .. }) && error.is_usage(), "{error}");
    assert_eq!(kept(runs.path(), "val_acc > .65"), ["sweep/second"]);
    let error = all.sort("val_accuracy", false).unwrap_err();
    assert!(
        matches!(&error, ReportError::UnknownKey { known, .. } if known.contains(&"val_acc".to_owned())),
        "{error}"
    );
}

#[test]
fn runs_are_sorted_by_the_epochs_of_their_phases() {
    let runs = tempfile::tempdir().unwrap();
    for (name, epochs) in [("ten", "[10]"), ("two", "[2]"), ("both", "[2,8]"), ("three", "[3]")] {
        run(runs.path(), name, "sgd", 1, 0.5);
        let record = runs.path().join(name).join("record.json");
        let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
        value["hyperparameters"]["epochs"] = serde_json::from_str(epochs).unwrap();
        fs::write(&record, value.to_string()).unwrap();
    }
    let mut all = listing(runs.path());
    all.sort("epochs", false).unwrap();
    assert_eq!(names(&all), ["two", "both", "three", "ten"]);
    all.sort("phases.epochs", true).unwrap();
    assert_eq!(names(&all), ["ten", "three", "both", "two"]);
}

/// Where no run is left, what the runs have is known all the same.
#[test]
fn what_no_run_is_left_of_is_an_empty_table_and_no_mistake() {
    let runs = tempfile::tempdir().unwrap();
    let header = |listing: &Listing| listing.sheet().write(Format::Csv, None);
    let mut none = listing(runs.path());
    for key in ["tags", "notes", "name", "status", "val_acc", "test_loss", "seconds", "optimizer.kind"] {
        none.keep(&format!("{key} == paper").parse().unwrap()).unwrap();
        none.sort(key, true).unwrap();
    }
    assert!(header(&none).starts_with("name,status,id,started,seconds,path,"), "{}", header(&none));
    assert!(none.sort("accuracy", false).unwrap_err().to_string().contains("there are best_epoch, "));

    run(runs.path(), "first", "sgd", 1, 0.5);
    assert_eq!(kept(runs.path(), "tags == paper"), [""; 0]);
    let mut some = listing(runs.path());
    some.keep(&"val_acc > 5".parse().unwrap()).unwrap();
    some.sort("val_acc", false).unwrap();
    some.keep(&"batch_size > 1".parse().unwrap()).unwrap();
    let text = header(&some);
    assert!(text.contains(",optimizer,") && text.ends_with("tags,notes\n") && text.lines().count() == 1, "{text}");
    assert!(some.keep(&"batch_size > many".parse().unwrap()).unwrap_err().is_usage());
    assert!(some.sort("accuracy", false).is_err());
}

/// Of one phase there is a list of one.
#[test]
fn keys_of_phases_are_compared_as_numbers() {
    let runs = tempfile::tempdir().unwrap();
    run(runs.path(), "one", "sgd", 1, 0.5);
    for (condition, matches) in
        [("epochs < 2", true), ("phases.lr >= 0.1", true), ("lrs > 0.1", false), ("phases.epochs > 1", false)]
    {
        assert_eq!(kept(runs.path(), condition) == ["one"], matches, "{condition}");
    }
}

/// Its record says `running` for ever; its lock tells.
#[test]
fn a_run_that_was_killed_is_found_as_an_interrupted_one() {
    let runs = tempfile::tempdir().unwrap();
    run(runs.path(), "whole", "sgd", 1, 0.5);
    run(runs.path(), "killed", "sgd", 2, 0.5);
    let record = runs.path().join("killed/record.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"finished\"", "\"running\"")).unwrap();
    for condition in ["status == interrupted", "status == 'interrupted (died)'", "status != finished"] {
        assert_eq!(kept(runs.path(), condition), ["killed"], "{condition}");
    }
    assert_eq!(kept(runs.path(), "status == running"), [""; 0]);
    assert_eq!(kept(runs.path(), "status != interrupted"), ["whole"]);
}
