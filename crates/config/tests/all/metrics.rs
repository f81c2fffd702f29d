//! Metrics by name: which are measured, and that what epochs are judged by is one of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use strata_config::{Config, keys};
use strata_spec::{Criterion, ScheduleSpec};

const CONFIG: &str = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"synthetic\"\nmodel.hidden = []\n";

fn parse(sets: &[&str]) -> Result<Config, String> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Config::parse(CONFIG, Path::new("c.toml"), &sets).map_err(|error| error.to_string())
}

#[test]
fn any_measured_metric_can_be_watched_and_can_choose_the_best_epoch() {
    let config = parse(&[
        r#"metrics=["top_5", "macro_f1", "calibration_error"]"#,
        r#"early_stopping={patience = 2, metric = "val_calibration_error"}"#,
        "checkpoint.best=val_macro_f1",
    ])
    .unwrap();
    assert_eq!(config.metrics, ["top_5", "macro_f1", "calibration_error"]);
    assert_eq!(config.early_stopping.as_ref().unwrap().metric, Criterion::lower("val_calibration_error"));
    assert_eq!(config.checkpoint.best, Criterion::higher("val_macro_f1"));
    assert_eq!(Config::parse(&config.to_toml(), Path::new("config.toml"), &[]).unwrap(), config);
    assert!(config.to_toml().contains("metrics = [\"top_5\", \"macro_f1\", \"calibration_error\"]\n"));

    let plateau = r#"phases=[{epochs = 20, lr = 1, schedule = "plateau", metric = "val_top_5"}]"#;
    let config = parse(&[r#"metrics=["top_5"]"#, plateau]).unwrap();
    let watched = |config: &Config| match &config.phases[0].schedule {
        ScheduleSpec::Plateau { metric, .. } => metric.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(watched(&config), Criterion::higher("val_top_5"));
    assert_eq!(Config::parse(&config.to_toml(), Path::new("config.toml"), &[]).unwrap(), config);
    assert!(config.recorded().iter().any(|(name, _)| *name == "schedule_metrics"));
    let plateau = r#"phases=[{epochs = 20, lr = 1, schedule = "plateau"}]"#;
    let config = parse(&[plateau]).unwrap();
    assert_eq!(watched(&config), Criterion::val_loss());
    assert!(!config.recorded().iter().any(|(name, _)| *name == "schedule_metrics"), "as before the key was there");

    let default = parse(&["early_stopping.patience=2"]).unwrap();
    assert_eq!((default.get(&keys::METRICS), default.checkpoint.best.clone()), (Some(vec![]), Criterion::val_acc()));
    assert_eq!(default.early_stopping.as_ref().unwrap().metric, Criterion::val_loss());
}

#[test]
fn what_is_unknown_unmeasured_or_says_nothing_of_the_classes_is_an_error() {
    let cases: [(&[&str], &str); 9] = [
        (&[r#"metrics=["top5"]"#], "unknown choice; did you mean \"top_5\"? choose one of top_2, top_3, top_5"),
        (&[r#"metrics=["top_5", "top_5"]"#], "is named twice"),
        (&["metrics=top_5"], "expected a list of names, each of \"top_2\""),
        (&["dataset.classes=5", r#"metrics=["top_5"]"#], "top_5: of 5 classes each is among the 5 most probable ones"),
        (&["checkpoint.best=val_macro_f1"], "is not measured; add \"macro_f1\" to `metrics`"),
        (
            &[r#"phases=[{epochs = 20, lr = 1, schedule = "plateau", metric = "val_top_5"}]"#],
            "phases.0.metric = \"val_top_5\": is not measured; add \"top_5\" to `metrics`",
        ),
        (&["phases.0.metric=val_acc"], "`metric` is of schedule = \"plateau\", which this phase has not"),
        (&["checkpoint.best=macro_f1"], "unknown choice; choose one of val_loss, val_acc, train_loss, val_top_2,"),
        (
            &[r#"metrics=["top_5"]"#, "early_stopping={patience = 1, metric = \"val_top_3\"}"],
            "early_stopping.metric = \"val_top_3\": is not measured; add \"top_3\" to `metrics`",
        ),
    ];
    for (sets, expected) in cases {
        let error = parse(sets).unwrap_err();
        assert!(error.contains(expected), "{sets:?}: {error}\nshould have\n{expected}");
    }
}
