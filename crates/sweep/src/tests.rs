//! What several files' tests share, and the mistakes that a sweep's file can hold.

use std::path::Path;

use crate::{Sweep, SweepError};

pub(crate) const BASE: &str = r#"
seed = 43
phases = [{ epochs = 4, lr = 0.1 }]
[dataset]
kind = "synthetic"
train = 300
test = 50
validation = 50
batch = 32
[model]
hidden = [8]
[optimizer]
kind = "sgd"
"#;

pub(crate) fn parse(text: &str) -> Result<Sweep, SweepError> {
    Sweep::parse(Path::new("sweep.toml"), text, Path::new("base.toml"), BASE, &[])
}

/// The sweep of `method` with `top` among its own keys and `keys` to try.
pub(crate) fn sweep(method: &str, top: &str, keys: &str) -> Sweep {
    parse(&format!("base = \"base.toml\"\nmethod = \"{method}\"\n{top}\n[keys]\n{keys}")).unwrap()
}

/// The error of a sweep with `keys`, read and checked.
fn fault(keys: &str) -> String {
    let text = format!("base = \"base.toml\"\nmethod = \"random\"\nbudget = {{ members = 20 }}\n[keys]\n{keys}");
    parse(&text).and_then(|sweep| sweep.check().map(|_| ())).unwrap_err().to_string()
}

#[test]
fn each_mistake_is_told_with_its_line_and_what_would_be_right() {
    let rows = [
        ("\"phases.0.lrr\" = [0.1]", "sweep.toml:5: phases.0.lrr: unknown key; did you mean `lr`?"),
        ("\"phases.0.lrr\" = { low = 0.1, high = 1.0 }", "sweep.toml:5: phases.0.lrr: unknown key; did you mean `lr`?"),
        ("\"model.hiden\" = [[8]]", "sweep.toml:5: model.hiden: unknown key; did you mean `hidden`?"),
        ("\"phases.0.lr\" = []", "sweep.toml:5: phases.0.lr: is empty"),
        ("\"phases.0.lr\" = { low = 1.0, high = 0.1 }", "sweep.toml:5: phases.0.lr: is empty: low is 1, high 0.1"),
        (
            "\"phases.0.lr\" = { low = 0.0, high = 0.1, scale = \"log\" }",
            "sweep.toml:5: phases.0.lr: a logarithmic range begins above 0",
        ),
        ("\"phases.0.lr\" = [0.1, 0.1]", "0.1 stands there twice"),
        ("\"phases.0.lr\" = { low = 0.1, hgih = 1.0 }", "unknown key; did you mean `high`?"),
        ("\"optimizer.kind\" = { low = 0.1, high = 1.0 }", "takes no range"),
        ("\"dataset.batch\" = { low = 16, high = 32.5 }", "sweep.toml:5: dataset.batch: high: expected an integer"),
        ("\"phases.0.lr\" = [0.1, -1.0]", "sweep.toml:5: phases.0.lr: -1.0: expected a number"),
        (
            "\"optimizer.kind\" = [\"sgd\"]\n\"optimizer.momentum\" = { values = [0.9], when = { \"optimizer.kind\" = \"adam\" } }",
            "sweep.toml:6: optimizer.momentum: when: never holds: optimizer.kind is never \"adam\", but one of \"sgd\"",
        ),
        (
            "\"optimizer.momentum\" = { values = [0.9], when = { \"optimizer.kind\" = \"sgd\" } }",
            "is no key of this sweep above",
        ),
        ("\"seed\" = [1]", "`seeds` of the sweep has them"),
        (
            "\"model.hidden\" = [[65536, 65536]]",
            "sweep.toml:5: model.hidden: [65536, 65536]: makes 4497080330 parameters",
        ),
        ("\"model.hidden\" = [[8], [70000]]", "sweep.toml:5: model.hidden: [70000]: expected"),
        (
            "\"optimizer.kind\" = [\"sgd\", \"adam\"]\n\"optimizer.nesterov\" = [true]\n\"optimizer.momentum\" = [0.9]",
            "no member can have optimizer.kind=\"adam\"",
        ),
    ];
    for (keys, expected) in rows {
        let found = fault(keys);
        assert!(found.contains(expected), "{keys}\n  gives {found}\n  not {expected}");
    }
}

#[test]
fn what_is_wrong_with_the_whole_file_is_told() {
    let rows = [
        ("method = \"random\"\n[keys]\n\"phases.0.lr\" = [0.1]", "base: missing"),
        (
            "base = \"b\"\nmethod = \"rndom\"\n[keys]\n\"phases.0.lr\" = [0.1]",
            "sweep.toml:2: method: expected one of grid, random",
        ),
        ("base = \"b\"\nmethod = \"random\"\n[keys]\n\"phases.0.lr\" = [0.1]", "budget: missing"),
        ("base = \"b\"\nmethod = \"grid\"\n", "keys: missing"),
        (
            "base = \"b\"\nmethod = \"grid\"\nobjectiv = \"val_acc\"\n",
            "sweep.toml:3: objectiv: unknown key; did you mean `objective`?",
        ),
        (
            "base = \"b\"\nmethod = \"grid\"\nobjective = \"val_f1\"\n[keys]\n\"phases.0.lr\" = [0.1]",
            "is not recorded of these runs",
        ),
        (
            "base = \"b\"\nmethod = \"grid\"\n[keys]\n\"phases.0.lr\" = { low = 0.1, high = 1.0 }",
            "a grid needs its values counted",
        ),
        (
            "base = \"b\"\nmethod = \"cma_es\"\nbudget = { members = 9 }\n[keys]\n\"phases.0.lr\" = [0.1]",
            "sweep.toml:5: phases.0.lr: cma_es takes ranges alone",
        ),
        (
            "base = \"b\"\nmethod = \"grid\"\nseeds = [1, 1]\n[keys]\n\"phases.0.lr\" = [0.1]",
            "seeds: 1 stands there twice",
        ),
        (
            "base = \"b\"\nmethod = \"tpe\"\nseeds = 3\nbudget = { members = 2 }\n[keys]\n\"phases.0.lr\" = [0.1]",
            "fewer than the 3 seeds",
        ),
        (
            "base = \"b\"\nmethod = \"grid\"\nlag = 3\n[keys]\n\"phases.0.lr\" = [0.1]",
            "has an effect with `method = \"tpe\"` alone",
        ),
    ];
    for (text, expected) in rows {
        let found = parse(text).err().map(|error| error.to_string());
        assert!(
            found.as_ref().is_some_and(|found| found.contains(expected)),
            "{text}\n  gives {found:?}\n  not {expected}"
        );
    }
}

/// A run that pauses has no record of its end, so that every member would pause without a value.
#[test]
fn halving_takes_an_objective_that_each_epoch_has() {
    let read = |objective: &str, halving: &str| {
        let top = format!("base = \"b\"\nmethod = \"grid\"\nobjective = \"{objective}\"\n");
        let sets = ["metrics=[\"top_2\"]", "evaluation.mirrored=true"].map(str::to_owned);
        let text = format!("{top}[keys]\n\"phases.0.lr\" = [0.1]\n{halving}");
        Sweep::parse(Path::new("sweep.toml"), &text, Path::new("b"), BASE, &sets).map_err(|error| error.to_string())
    };
    let halving = "[halving]\nfirst = 1\n";
    for objective in ["test_acc", "best_val_acc", "initial_val_loss", "seconds", "test_top_2", "val_acc_mirrored"] {
        let found = read(objective, halving).unwrap_err();
        assert!(found.starts_with("sweep.toml:3: objective: is not measured after each epoch"), "{objective}: {found}");
        read(objective, "").unwrap();
    }
    for objective in ["val_acc", "val_loss", "val_top_2"] {
        read(objective, halving).unwrap();
    }
}

#[test]
fn a_grid_of_ten_million_is_refused_by_its_count() {
    let values = |count: usize| (0..count).map(|index| format!("{}", index + 1)).collect::<Vec<_>>().join(", ");
    let keys = format!(
        "\"dataset.batch\" = [{}]\n\"dataset.evaluation_batch\" = [{}]\n\"phases.0.epochs\" = [{}]\n",
        values(200),
        values(250),
        values(200)
    );
    let found = sweep("grid", "", &keys).check().unwrap_err().to_string();
    assert!(found.contains("10000000 combinations") && found.contains("at most 100000"), "{found}");
}
