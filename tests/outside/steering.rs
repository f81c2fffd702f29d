//! Text from outside, that is paths, names, arguments, environment, configs, records, steers no terminal, whoever prints it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Outcome, SMALL, Sandbox, start};

/// Red, a cleared screen in one byte's code, writing from right to left, an invisible space, a bell.
const HOSTILE: &str = "x\u{1b}[31mred\u{9b}2J\u{202e}\u{200b}\u{7}";

#[track_caller]
fn is_safe(outcome: &Outcome) {
    for text in [&outcome.out, &outcome.err] {
        let steers = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c));
        assert!(!text.contains(steers), "{outcome:?}");
    }
    assert_ne!(outcome.code(), Some(101));
}

#[test]
fn every_command_escapes_control_characters_in_names() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path(HOSTILE);
    std::fs::create_dir(&folder).unwrap();
    sandbox.write(&format!("{HOSTILE}.toml"), SMALL);
    sandbox.write("wrong.toml", SMALL.replace("adam", HOSTILE));
    let hostile = folder.to_str().unwrap();
    let toml = format!("{hostile}.toml");
    let png = format!("{hostile}.png");
    let absent = format!("{hostile}/absent.toml");
    let set = format!("{HOSTILE}=1");
    let value = format!("device={HOSTILE}");
    let commands: &[&[&str]] = &[
        &["experiment", &toml, "--runs", hostile],
        &["experiment", &absent],
        &["experiment", "wrong.toml"],
        &["experiment", "small.toml", "--set", &set],
        &["experiment", "small.toml", "--set", &value],
        &["experiment", "small.toml", "--device", HOSTILE],
        &["experiment", "small.toml", "--threads", HOSTILE],
        &["experiment", "small.toml", "--name", HOSTILE],
        &["experiment", "small.toml", &format!("--{HOSTILE}")],
        &["experiment", "small.toml", "--set", "dataset={kind=\"cifar10\"}", "--data", &toml],
        &["resume", hostile],
        &["resume", "absent", "--runs", hostile],
        &["runs", "--runs", hostile],
        &["runs", "--runs", &toml],
        &["compare", hostile],
        &["compare", &toml, "--runs", hostile],
        &["dataset", "info", &absent],
        &["dataset", "info", &toml],
        &["dataset", "grid", &toml, "--out", &png],
        &["dataset", "grid", &toml, "--out", &format!("{hostile}/none/x.png")],
        &[HOSTILE],
    ];
    for command in commands {
        let outcome = sandbox.run(*command);
        is_safe(&outcome);
        let parts = format!("{}{}", outcome.out, outcome.err);
        assert!(parts.contains("red") || outcome.code() == Some(0), "it is named: {command:?} {outcome:?}");
    }
}

/// A line break in a name begins no line of its own.
#[test]
fn line_breaks_in_names_are_escaped_in_messages() {
    let sandbox = Sandbox::new();
    for command in [&["compare", "a\nerror: b"][..], &["resume", "a\nerror: b"], &["experiment", "a\nerror: b"]] {
        let error = sandbox.run(command).failed(2);
        assert!(error.contains("a\\u{a}error: b") || error.contains("a\\nerror: b"), "{error}");
    }
}

#[test]
fn names_that_are_not_utf8_are_escaped() {
    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"\xff\x1b[31m.toml");
    is_safe(&sandbox.run([OsStr::new("experiment"), name]));
    is_safe(&sandbox.run([OsStr::new("compare"), name]));
}

#[test]
fn an_invalid_log_filter_is_reported_once() {
    let sandbox = Sandbox::new();
    for wrong in ["debgu", HOSTILE, "strata_datset=trace", "strata=verbose"] {
        let outcome = start(sandbox.command(["runs"]).env("STRATA_LOG", wrong)).wait();
        is_safe(&outcome);
        let outcome = outcome.succeeded();
        assert_eq!(outcome.err.matches("warning: STRATA_LOG=").count(), 1, "{wrong}: {}", outcome.err);
        assert!(outcome.err.contains("expected a level"), "{}", outcome.err);
    }
    let outcome = start(sandbox.command(["runs"]).env("STRATA_LOG", "info,strata_dataset=trace")).wait().succeeded();
    assert_eq!(outcome.err, "");
}

#[test]
fn the_suggested_resume_line_runs_in_a_shell() {
    let sandbox = Sandbox::new();
    let arguments = ["--runs", "my runs/o'brien", "--set", "phases=[{epochs=300,lr=1e-4}]"];
    let mut run = sandbox.start_training(arguments);
    let history = sandbox.path("my runs/o'brien/small/history.jsonl");
    crate::harness::wait_until("the run is under way", || {
        std::fs::read(&history).is_ok_and(|text| text.contains(&b'\n')) || !run.is_running()
    });
    run.signal("INT");
    let error = run.wait().failed(130);
    let (_, line) = error.split_once("resume it with: cargo xtask ").expect("what to type");
    let mut shell = std::process::Command::new("sh");
    sandbox.confine(&mut shell);
    shell.args(["-c", &format!("set -- {line}; test \"$2\" = \"my runs/o'brien/small\"")]);
    assert!(shell.status().unwrap().success(), "{line}");
}
