//! A disk that is full while a run writes: one clear error, the earlier state intact, and a resume that ends as if nothing was.

use std::fs;
#[cfg(target_os = "linux")]
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::harness::{Outcome, Sandbox, program, start, wait_until};

/// Runs the program where no file may grow beyond 80 blocks (40 or 80 KB, as the shell counts): enough for a record and
/// plots, too little for the network's 123 KB. Writing more fails as on a full disk: the signal that comes with it does not end the program.
fn limited(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut shell = Command::new("sh");
    sandbox.confine(&mut shell);
    shell.args(["-c", "ulimit -f 80; exec \"$@\"", "sh"]).arg(program()).args(arguments);
    start(&mut shell).wait()
}

/// Trains the run `name` until it has two lines of history, then interrupts it.
fn interrupted(sandbox: &Sandbox, name: &str) {
    let mut run = sandbox.start_training(["--name", name, "--set", LONG]);
    wait_until("the run has a checkpoint", || sandbox.history_lines(name) >= 3 || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
}

const LONG: &str = "phases=[{epochs=20,lr=0.001}]";

#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_one_before() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "whole", "--set", LONG]).succeeded();
    interrupted(&sandbox, "run");
    let files = ["best", "last"].map(|name| format!("runs/run/checkpoints/{name}.safetensors"));
    let before = files.clone().map(|file| sandbox.read(&file));
    let outcome = limited(&sandbox, &["resume", "run"]);
    outcome.failed_saying(1, &["runs/run/checkpoints/", "File too large", "free some space"]);
    assert!(files.map(|file| sandbox.read(&file)) == before);
    sandbox.holds_only_a_runs_files("run");
    let record = sandbox.record("run");
    assert_eq!(record["status"], "failed");
    assert!(record["reason"].as_str().unwrap().contains("File too large"), "{}", record["reason"]);
    sandbox.run(["resume", "run"]).succeeded();
    assert!(sandbox.result("run") == sandbox.result("whole"));
}

#[test]
fn a_run_whose_first_checkpoint_does_not_fit_can_be_resumed_from_its_start() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "whole"]).succeeded();
    limited(&sandbox, &["experiment", "small.toml", "--name", "run"])
        .failed_saying(1, &["runs/run/checkpoints/", "File too large"]);
    assert_eq!(sandbox.status("run"), "failed");
    assert_eq!(sandbox.names("runs/run/checkpoints"), Vec::<String>::new());
    sandbox.run(["resume", "run"]).succeeded();
    assert!(sandbox.result("run") == sandbox.result("whole"));
}

#[test]
fn weights_file_is_absent_when_disk_is_full() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "run"]).succeeded();
    let whole = sandbox.result("run");
    // As though it had been killed after its last checkpoint, before the weights were written.
    fs::remove_file(sandbox.path("runs/run/model.safetensors")).unwrap();
    let record = sandbox.text("runs/run/record.json").replace("\"finished\"", "\"running\"");
    sandbox.write("runs/run/record.json", record);
    let outcome = limited(&sandbox, &["resume", "run"]);
    outcome.failed_saying(1, &["runs/run/model.safetensors", "File too large", "free some space"]);
    assert!(!sandbox.path("runs/run/model.safetensors").exists());
    sandbox.holds_only_a_runs_files("run");
    assert_eq!(sandbox.status("run"), "failed");
    sandbox.run(["resume", "run"]).succeeded();
    assert!(sandbox.result("run") == whole);
}

/// The history is taken away under a run and put on a disk that is truly full.
#[cfg(target_os = "linux")]
#[test]
fn a_history_that_cannot_grow_ends_the_run_and_is_mended_from_the_record() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "whole", "--set", LONG]).succeeded();
    let mut run = sandbox.start_training(["--name", "run", "--set", LONG]);
    wait_until("the run has a checkpoint", || sandbox.history_lines("run") >= 3 || !run.is_running());
    symlink("/dev/full", sandbox.path("full")).unwrap();
    fs::rename(sandbox.path("full"), sandbox.path("runs/run/history.jsonl")).unwrap();
    run.wait().failed_saying(1, &["runs/run/history.jsonl", "No space left on device", "free some space"]);
    let record = sandbox.record("run");
    assert_eq!(record["status"], "failed");
    assert!(record["history"].as_array().unwrap().len() >= 3, "what was reached is in the record");
    // The link is the user's, and stays until it is taken away.
    let parts = ["runs/run/history.jsonl", "not a regular file", "move it away"];
    sandbox.run(["resume", "run"]).failed_saying(1, &parts);
    assert!(sandbox.path("runs/run/history.jsonl").is_symlink());
    fs::remove_file(sandbox.path("runs/run/history.jsonl")).unwrap();
    sandbox.run(["resume", "run"]).succeeded();
    assert!(sandbox.result("run") == sandbox.result("whole"));
}

/// `strata … > file` on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn unwritable_stdout_does_not_lose_the_run() {
    let sandbox = Sandbox::new();
    let into_full = |redirection: &str, arguments: &[&str]| {
        let mut shell = Command::new("sh");
        sandbox.confine(&mut shell);
        shell.args(["-c", &format!("exec \"$@\" {redirection}"), "sh"]).arg(program()).args(arguments);
        start(&mut shell).wait()
    };
    into_full(">/dev/full", &["experiment", "small.toml"]).succeeded();
    assert_eq!(sandbox.status("small"), "finished");
    into_full(">/dev/full", &["runs"]).failed_saying(1, &["cannot write the output"]);
    assert_eq!(into_full("2>/dev/full", &["experiment", "none.toml"]).code(), Some(2));
    assert_eq!(into_full("2>/dev/full", &["resume", "none"]).code(), Some(2));
}
