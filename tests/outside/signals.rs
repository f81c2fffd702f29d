//! Ctrl-C and its kin: a readable record, exit code 130, and a resume that ends in the bytes of a run never stopped.

use std::net::TcpListener;

use crate::archives::write_config;
use crate::harness::{Sandbox, program, root, start, wait_until};

/// Layers, dropout and an optimizer with two buffers: everything that a checkpoint holds.
fn full(sandbox: &Sandbox, name: &str, more: &[&str]) -> std::process::Command {
    let mut command = sandbox.command(["experiment"]);
    command.arg(root().join("configs/quickstart.toml"));
    for set in [
        "dataset.train=300",
        "dataset.test=50",
        "dataset.validation=50",
        "dataset.batch=32",
        "model.dropout=0.3",
        "optimizer={kind=\"adamw\"}",
        "phases=[{epochs=2,lr=1e-3},{epochs=8,lr=1e-4}]",
    ] {
        command.args(["--set", set]);
    }
    command.args(["--name", name]).args(more);
    command
}

#[test]
fn an_interrupted_run_is_resumed_to_the_bytes_of_one_that_never_stopped() {
    let sandbox = Sandbox::new();
    start(&mut full(&sandbox, "whole", &[])).wait().succeeded();
    for (signal, lines, threads) in
        [("INT", 2, "1"), ("TERM", 4, "2"), ("USR1", 3, "1"), ("USR2", 2, "2"), ("XCPU", 2, "1"), ("ALRM", 3, "1")]
    {
        let mut run = start(&mut full(&sandbox, signal, &[]));
        wait_until("the run is under way", || sandbox.history_lines(signal) >= lines || !run.is_running());
        run.signal(signal);
        let outcome = run.wait();
        let place = format!("runs/{signal}");
        outcome.failed_saying(130, &["interrupted", &format!("cargo xtask resume {place}")]);
        let record = sandbox.record(signal);
        assert_eq!(record["status"], "interrupted");
        assert!(record["reason"].as_str().unwrap().contains("signal"), "{}", record["reason"]);
        assert!(record["ended"].is_string());
        assert_eq!(record["history"].as_array().unwrap().len(), sandbox.history_lines(signal));
        sandbox.holds_only_a_runs_files(signal);
        assert!(sandbox.run(["runs"]).succeeded().out.contains("interrupted"));

        // The number of threads may change under way.
        let resumed = sandbox.run(["resume", signal, "--threads", threads]).succeeded();
        assert!(resumed.out.starts_with(&format!("{place}: going on at epoch ")), "{}", resumed.out);
        assert!(sandbox.result(signal) == sandbox.result("whole"), "{signal}");
        let record = sandbox.record(signal);
        assert_eq!(record["status"], "finished");
        assert_eq!(record["resumed"].as_array().unwrap().len(), 1);
        let whole = sandbox.record("whole");
        for metric in ["initial_val_loss", "val_loss", "val_acc", "test_loss", "test_acc", "best_epoch", "best_val_acc"]
        {
            assert_eq!(record["metrics"][metric], whole["metrics"][metric], "{metric}");
        }
    }
}

/// Both signals are pending when the stopped process goes on: nothing of its long step is awaited.
#[test]
fn second_signal_exits_immediately() {
    let sandbox = Sandbox::new();
    let sets = ["--set", "dataset.train=4000", "--set", "dataset.batch=3000", "--set", "phases=[{epochs=200,lr=1e-4}]"];
    let mut run = start(&mut full(&sandbox, "run", &sets));
    wait_until("the run is under way", || sandbox.history_lines("run") >= 2 || !run.is_running());
    for signal in ["STOP", "INT", "TERM", "CONT"] {
        run.signal(signal);
    }
    let outcome = run.wait();
    assert_eq!(outcome.code(), Some(130), "{outcome:?}");
    assert!(!outcome.err.contains("error: "), "it did not wait for the batch's end: {}", outcome.err);
    // The record is the last that was written, and the listing knows better.
    assert_eq!(sandbox.status("run"), "running");
    assert!(sandbox.run(["runs"]).succeeded().out.contains("interrupted (died)"));
}

/// A terminal that closes stops a run as Ctrl-C does; under `nohup` the run outlives it.
#[test]
fn sighup_stops_a_run_except_under_nohup() {
    let sandbox = Sandbox::new();
    let long = ["--set", "phases=[{epochs=300,lr=1e-4}]"];
    let mut run = sandbox.start_training(["--name", "plain"].iter().chain(&long));
    wait_until("the run is under way", || sandbox.history_lines("plain") >= 2 || !run.is_running());
    run.signal("HUP");
    run.wait().failed_saying(130, &["interrupted"]);

    let mut shell = std::process::Command::new("sh");
    sandbox.confine(&mut shell);
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(program());
    let mut run = start(shell.args(["experiment", "small.toml", "--name", "nohup"]).args(long));
    wait_until("the run is under way", || sandbox.history_lines("nohup") >= 2 || !run.is_running());
    run.signal("HUP");
    let lines = sandbox.history_lines("nohup") + 3;
    wait_until("it goes on", || sandbox.history_lines("nohup") >= lines || !run.is_running());
    assert!(run.is_running());
    run.signal("TERM");
    assert_eq!(run.wait().code(), Some(130));
}

/// Timers stop a run too; Ctrl-\\ is for a core dump.
#[test]
fn timers_stop_a_run_and_sigquit_ends_the_program() {
    let sandbox = Sandbox::new();
    for (signal, code) in [("VTALRM", Some(130)), ("PROF", Some(130)), ("QUIT", None)] {
        let mut run = sandbox.start_training(["--name", signal, "--set", "phases=[{epochs=300,lr=1e-4}]"]);
        wait_until("the run is under way", || sandbox.history_lines(signal) >= 2 || !run.is_running());
        run.signal(signal);
        assert_eq!(run.wait().status.code(), code, "{signal}");
        let resumed = sandbox.start(["resume", signal]);
        wait_until("it goes on", || sandbox.status(signal) == "running");
        resumed.kill();
    }
}

#[test]
fn a_signal_during_a_download_records_no_run() {
    let sandbox = Sandbox::new();
    // Accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    write_config(&sandbox, &format!("http://{}/a.tar.gz", silent.local_addr().unwrap()), &"0".repeat(64));
    let mut run = sandbox.start(["experiment", "cifar.toml"]);
    wait_until("the download is under way", || !sandbox.names("cache/strata").is_empty() || !run.is_running());
    run.signal("INT");
    run.wait().failed_saying(130, &["interrupted before anything was recorded"]);
    assert_eq!(sandbox.names("runs"), Vec::<String>::new());
    assert_eq!(sandbox.names("cache/strata"), Vec::<String>::new());
}
