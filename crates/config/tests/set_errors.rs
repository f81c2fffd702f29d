//! Faults in `--set` arguments and of whole files: one error each, naming the argument or the file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{GOOD, told};
use strata_config::{ConfigError, Experiment};

#[test]
fn each_fault_in_a_set_names_the_argument() {
    let rows = [
        ("model.dropout=2", "--set model.dropout=2: model.dropout = 2: expected a number from 0"),
        ("model.hiden=[1]", "--set model.hiden=[1]: model.hiden: unknown key; did you mean `hidden`? [model] takes"),
        ("modle.hidden=[1]", "--set modle.hidden=[1]: modle: unknown key; did you mean `model`?"),
        (
            "model.activation=glu",
            "--set model.activation=glu: model.activation = glu: unknown choice; did you mean \"gelu\"?",
        ),
        ("model.activation", "--set model.activation: expected section.key=value"),
        ("=3", "--set =3: the part before `=` is no key"),
        ("model..hidden=3", "--set model..hidden=3: the part before `=` is no key"),
        ("a.b.c.d.e=3", "--set a.b.c.d.e=3: the part before `=` is no key"),
        ("model.hidden=[1,", "--set model.hidden=[1,: the part after `=` is not a TOML value: "),
        ("seed=", "--set seed=: the part after `=` is not a TOML value: nothing after `=`"),
        ("seed=4x", "--set seed=4x: seed = 4x: expected an integer from 0"),
        ("phases=[]", "--set phases=[]: phases = []: expected a list of one table or more"),
        ("phases.1.lr=1", "--set phases.1.lr=1: `phases` is a list: after it comes an index from 0 to 0"),
        ("phases.x=1", "--set phases.x=1: `phases` is a list: after it comes an index"),
        ("seed.x=1", "--set seed.x=1: `seed` takes an integer from 0"),
        ("phases=[{epochs=1}]", "--set phases=[{epochs=1}]: phases.0.lr: missing"),
        ("phases=[{epochs=1,lr=0}]", "--set phases=[{epochs=1,lr=0}]: phases.0.lr = 0: expected"),
        ("model=[[1],\"relu\"]", "--set model=[[1],\"relu\"]: model = [[1],\"relu\"]: expected a table"),
    ];
    for (set, expected) in rows {
        let error = told(GOOD, &["seed=1", set]);
        assert!(error.starts_with(expected), "{set}:\n{error}\nshould start with\n{expected}");
    }
}

#[test]
fn a_file_that_is_missing_too_large_or_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    assert!(matches!(Experiment::read(&path, &[]), Err(ConfigError::Read { .. })));
    assert!(matches!(Experiment::read(folder.path(), &[]), Err(ConfigError::Read { .. })));
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(matches!(Experiment::read(&path, &[]), Err(ConfigError::TooLarge { .. })));
    std::fs::write(&path, b"name = \"\xff\"").unwrap();
    assert!(matches!(Experiment::read(&path, &[]), Err(ConfigError::NotUtf8 { valid_up_to: 8, .. })));
    // Exactly 1 MiB is still taken.
    let mut text = GOOD.to_owned();
    text.push_str(&"#".repeat((1 << 20) - text.len()));
    std::fs::write(&path, text).unwrap();
    assert_eq!(Experiment::read(&path, &[]).unwrap().name, "seed");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let error = told("name = \"\u{9b}31m\"\n", &["x\u{1b}[2J=1"]);
    assert!(!error.chars().any(|c| c.is_control() && c != '\n'), "{error:?}");
}
