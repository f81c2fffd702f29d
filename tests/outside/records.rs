//! What records tell, met from outside: names, parts, differences, what a person wrote into them.

use std::fs;

use crate::harness::{Sandbox, start, wait_until};

const LONG: &str = "phases=[{epochs=300,lr=1e-6}]";

/// Trains the run `run` until it has two epochs, then interrupts it.
fn interrupt(sandbox: &Sandbox, threads: &str) {
    let sets = ["--name", "run", "--set", LONG, "--threads", threads];
    let mut run = sandbox.start_training(sets);
    wait_until("the run is under way", || sandbox.history_lines("run") >= 3 || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
}

#[test]
fn a_run_resumed_from_within_keeps_its_name_and_tells_of_both_parts() {
    let sandbox = Sandbox::new();
    interrupt(&sandbox, "1");
    let mut resume = sandbox.command(["resume", ".", "--threads", "2"]);
    let mut run = start(resume.current_dir(sandbox.path("runs/run")));
    let before = sandbox.history_lines("run");
    wait_until("the run goes on", || sandbox.history_lines("run") > before || !run.is_running());
    run.signal("TERM");
    let outcome = run.wait();
    assert_eq!(outcome.code(), Some(130));
    assert!(outcome.out.lines().next().unwrap().contains("/runs/run: going on"), "{}", outcome.out);
    outcome.failed_saying(130, &["/runs/run: interrupted", "cargo xtask resume /"]);
    let record = sandbox.record("run");
    assert_eq!(record["name"], "run");
    let parts = record["parts"].as_array().unwrap();
    let threads: Vec<_> = parts.iter().map(|part| part["environment"]["threads"].as_u64().unwrap()).collect();
    assert_eq!(threads, [1, 2]);
    assert_eq!(record["environment"]["threads"], 1, "where it was started");
    let folder = |part: usize| parts[part]["working_directory"].as_str().unwrap().to_owned();
    assert!(folder(1).ends_with("/runs/run") && !folder(0).ends_with("/runs/run"), "{} {}", folder(0), folder(1));
    assert!(parts[0]["command"].as_array().unwrap().contains(&"experiment".into()));
    assert!(parts[1]["command"].as_array().unwrap().contains(&"resume".into()));
    assert_eq!(parts[0]["first_epoch"], 0);
    assert!(parts[1]["first_epoch"].as_u64().unwrap() >= 1);
}

#[test]
fn every_command_names_a_copied_run_by_its_folder() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "run"]).succeeded();
    fs::create_dir(sandbox.path("runs/copy")).unwrap();
    for file in ["config.toml", "record.json", "history.jsonl"] {
        fs::copy(sandbox.path(&format!("runs/run/{file}")), sandbox.path(&format!("runs/copy/{file}"))).unwrap();
    }
    assert!(sandbox.run(["runs"]).succeeded().out.contains("copy "));
    let compared = sandbox.run(["compare", "copy", "run"]).succeeded().out;
    let names: Vec<_> = compared.lines().next().unwrap().split_whitespace().collect();
    assert!(names == ["copy", "run"] || names == ["run", "copy"], "{compared}");
}

#[test]
fn compare_shows_what_differs_and_nothing_that_had_no_effect() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "a"]).succeeded();
    sandbox.train(["--name", "b", "--set", "dataset.validation=40", "--set", "dataset.evaluation_batch=7"]).succeeded();
    let out = sandbox.run(["compare", "a", "b"]).succeeded().out;
    let differing = out.split("the same in all").next().unwrap();
    for row in ["validation samples", "training samples", "evaluation_batch"] {
        assert!(differing.contains(row), "{row} is missing in {out}");
    }
    assert!(!out.contains("activation") && !out.contains("dropout"), "there is no hidden layer: {out}");
}

#[test]
fn a_stray_file_among_the_runs_is_reported() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "run"]).succeeded();
    sandbox.write("runs/notes.txt", "mine");
    let outcome = sandbox.run(["compare", "runs/notes.txt", "runs/run"]).succeeded();
    assert!(outcome.out.contains("val_acc") && outcome.err.contains("left out: runs/notes.txt is not a run"));
    sandbox.run(["compare", "runs/notes.txt", "runs/nothing"]).failed_saying(2, &["no run", "runs/nothing"]);
    sandbox.run(["compare", "runs/notes.txt"]).failed_saying(2, &["no run"]);
}

#[test]
fn a_commit_of_the_users_environment_is_not_recorded() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["experiment", "small.toml"]);
    let outcome = start(command.env("STRATA_COMMIT", "1234567").env("STRATA_DIRTY", "0")).wait().succeeded();
    assert!(outcome.err.contains("STRATA_COMMIT is not recorded"), "{}", outcome.err);
    let record = sandbox.record("small");
    assert!(record["environment"]["commit"].is_null() && record["environment"]["dirty"].is_null());
}

/// `cp -al`: files of two names, of which those of the other run stay as they are.
#[test]
fn a_copy_by_hard_links_is_resumed_apart_from_the_run_that_it_is_of() {
    let sandbox = Sandbox::new();
    interrupt(&sandbox, "1");
    let mut copy = std::process::Command::new("cp");
    assert!(copy.args(["-al", "run", "copy"]).current_dir(sandbox.path("runs")).status().unwrap().success());
    // As a kill after the checkpoint would have left it: to be cut.
    let line = String::from_utf8(sandbox.read("runs/run/history.jsonl")).unwrap();
    let line = line.lines().last().unwrap().to_owned() + "\n";
    let mut history = fs::File::options().append(true).open(sandbox.path("runs/run/history.jsonl")).unwrap();
    std::io::Write::write_all(&mut history, line.as_bytes()).unwrap();
    let files = ["config.toml", "record.json", "history.jsonl", "timing.jsonl", "checkpoints/last.safetensors"];
    let content = || files.map(|file| sandbox.read(&format!("runs/run/{file}")));
    let before = content();
    let mut run = sandbox.start(["resume", "copy"]);
    let lines = sandbox.history_lines("copy");
    wait_until("the copy goes on", || sandbox.history_lines("copy") > lines + 1 || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
    assert!(content() == before);
}

#[test]
fn what_a_person_wrote_into_the_record_survives_a_resume() {
    let sandbox = Sandbox::new();
    interrupt(&sandbox, "1");
    let mut record = sandbox.record("run");
    record["note"] = "the good one".into();
    record["environment"]["room"] = 12.into();
    // As some editors save it.
    sandbox.write("runs/run/record.json", format!("\u{feff}{record}"));
    let mut run = sandbox.start(["resume", "run"]);
    let before = sandbox.history_lines("run");
    wait_until("the run goes on", || sandbox.history_lines("run") > before || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
    let record = sandbox.record("run");
    assert_eq!((&record["note"], &record["environment"]["room"]), (&"the good one".into(), &12.into()));
}

/// The plan says how many epochs there are, and nothing that is written per epoch grows with them.
#[test]
fn neither_checkpoint_nor_a_line_of_history_grows_with_the_epochs() {
    let sandbox = Sandbox::new();
    for (name, epochs) in [("short", 3), ("long", 200)] {
        let phases = format!("phases=[{{epochs={epochs},lr=1e-6}}]");
        sandbox.train(["--name", name, "--set", &phases]).succeeded();
        assert_eq!(sandbox.record(name)["history"].as_array().unwrap().len(), epochs + 1, "the whole history");
    }
    let size = |name: &str| sandbox.read(&format!("runs/{name}/checkpoints/last.safetensors")).len();
    // Digits of the numbers, no more.
    assert!(size("long") < size("short") + 200, "{} {}", size("long"), size("short"));
}
