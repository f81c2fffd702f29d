//! Faults in `--set` arguments and of whole files: one error each, naming the argument or the file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use crate::common::{GOOD, told};
use strata_config::{Config, ConfigError, keys};

#[test]
fn each_error_in_a_set_argument_names_the_argument() {
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
        ("phases.7.epochs=1", "--set phases.7.epochs=1: `phases` is a list: after it comes an index from 0 to 0"),
        // What a shell leaves of a quoted string is TOML of another kind: the rule is obeyed, the quotes are missing.
        (
            "name=2026-11-25",
            "--set name=2026-11-25: name = 2026-11-25: expected a string of 1 to 64 letters, digits, `.`, `_` and `-`, not starting with \
             `.` or `-`; quote it twice, as in --set name='\"2026-11-25\"'",
        ),
        ("name=42", "--set name=42: name = 42: expected a string"),
        ("name=true", "--set name=true: name = true: expected a string"),
        ("name=inf", "--set name=inf: name = inf: expected a string"),
        ("model.dropout=inf", "--set model.dropout=inf: model.dropout = inf: expected a number from 0"),
        ("model.dropout=o'5", "--set model.dropout=o'5: model.dropout = o'5: expected a number from 0"),
        ("seed=2026-11-25", "--set seed=2026-11-25: seed = 2026-11-25: expected an integer from 0"),
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

/// Quoted twice it would be a name, a file's value once; where quoting would not help it is not advised.
#[test]
fn quotes_are_advised_where_they_help() {
    for value in ["2026-11-25", "42", "true", "inf", "1979-05-27"] {
        let set = told(GOOD, &[&format!("name={value}")]);
        assert!(set.ends_with(&format!("; quote it twice, as in --set name='\"{value}\"'")), "{set}");
        assert!(Config::parse(GOOD, Path::new("c.toml"), &[format!("name=\"{value}\"")]).is_ok());
        let file = told(&GOOD.replace("\"seed\"", value), &[]);
        assert!(file.contains(&format!("; quote it, as in name = \"{value}\"\n")), "{file}");
    }
    for set in
        ["name=[1]", "name={}", "dataset.url=42", "device=1", "dataset.sha256=12", "model.activation=1", "name=-1"]
    {
        let error = told(GOOD, &[set]);
        assert!(!error.contains("quote it"), "{error}");
    }
}

#[test]
fn a_quote_within_a_word_is_part_of_it() {
    let url = |value: &str| {
        let config = Config::parse(GOOD, Path::new("c.toml"), &[format!("dataset.url={value}")]);
        config.map(|config| config.get(&keys::URL).unwrap()).map_err(|error| error.to_string())
    };
    for value in ["file:///o'brien/x.tar.gz", "file:///a\"b/x", "https://h/[1]/{2}", "file:///tmp/a b#c?d=e"] {
        assert_eq!(url(value), Ok(value.to_owned()));
    }
    assert!(url("'file:///x").unwrap_err().contains("is not a TOML value"));
}

#[test]
fn phases_missing_from_the_file_can_be_set_by_index_or_as_a_list() {
    let head = GOOD.split("[[phases]]").next().unwrap();
    let parse = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        Config::parse(head, Path::new("c.toml"), &sets)
            .map(|config| config.phases.clone())
            .map_err(|error| error.to_string())
    };
    let phases = parse(&["phases.0.epochs=1", "phases.0.lr=0.5"]).unwrap();
    assert_eq!(phases, [strata_spec::Phase::constant(1, 0.5)]);
    assert!(parse(&["phases.0.epochs=1"]).unwrap_err().contains("phases.0.lr: missing: expected a number"));
    for set in ["phases.1.epochs=1", "phases.epochs=1"] {
        let error = parse(&[set]).unwrap_err();
        assert!(error.contains("`phases` is not there yet: the first is phases.0"), "{error}");
    }
}

#[test]
fn unreadable_config_files_are_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    assert!(matches!(Config::read(&path, &[]), Err(ConfigError::Read { .. })));
    assert!(matches!(Config::read(folder.path(), &[]), Err(ConfigError::Read { .. })));
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(matches!(Config::read(&path, &[]), Err(ConfigError::TooLarge { .. })));
    std::fs::write(&path, b"name = \"\xff\"").unwrap();
    assert!(matches!(Config::read(&path, &[]), Err(ConfigError::NotUtf8 { valid_up_to: 8, .. })));
    // Exactly 1 MiB is still taken.
    let mut text = GOOD.to_owned();
    text.push_str(&"#".repeat((1 << 20) - text.len()));
    std::fs::write(&path, text).unwrap();
    assert_eq!(Config::read(&path, &[]).unwrap().name, "seed");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let error = told("name = \"\u{9b}31m\"\n", &["x\u{1b}[2J=1"]);
    assert!(!error.chars().any(|c| c.is_control() && c != '\n'), "{error:?}");
}
