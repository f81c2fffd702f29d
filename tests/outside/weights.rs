//! Commands that use a run's weights: what each says where there are none, and what none does for nobody.

use crate::harness::{Outcome, Sandbox, program, start};

/// A run `a` that has weights and one, `half`, that was stopped and has none; an image, and a file beside it that is none.
fn two_runs() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "a"]).succeeded();
    assert_eq!(sandbox.train(["--name", "half", "--stop-after", "1"]).code(), Some(130));
    sandbox.run(["dataset", "show", "small.toml", "0", "--out", "1.png"]).succeeded();
    sandbox.write("images/2.png", "no image");
    std::fs::rename(sandbox.path("1.png"), sandbox.path("images/1.png")).unwrap();
    sandbox
}

/// Every command that uses the weights of the run `run`.
fn uses(sandbox: &Sandbox, run: &str) -> [Outcome; 6] {
    let commands: [&[&str]; 6] = [
        &["evaluate", run],
        &["evaluate", run, "--on", "images"],
        &["evaluate", "a", run, "--ensemble"],
        &["predict", run, "images/1.png"],
        &["export", "onnx", run, "--out", "model.onnx"],
        &["experiment", "small.toml", "--from", run, "--name", "b"],
    ];
    commands.map(|command| sandbox.run(command))
}

#[test]
fn each_command_that_uses_weights_ends_alike_where_there_are_none() {
    let sandbox = two_runs();
    for outcome in uses(&sandbox, "half") {
        outcome.failed_saying(2, &["runs/half: it has no weights file yet: it is interrupted"]);
    }
    // Other bytes are the user's to put right; a file that cannot be read is the disk's.
    let weights = sandbox.read("runs/a/model.safetensors");
    sandbox.write("runs/a/model.safetensors", &weights[..weights.len() / 2]);
    for outcome in uses(&sandbox, "a") {
        outcome.failed_saying(2, &["model.safetensors is not the file that its record names"]);
    }
    std::fs::remove_file(sandbox.path("runs/a/model.safetensors")).unwrap();
    for outcome in uses(&sandbox, "a") {
        outcome.failed_saying(1, &["runs/a/model.safetensors: No such file"]);
    }
    assert_eq!(sandbox.names("runs"), ["a", "half"]);
}

/// `strata predict … | true`: the second image cannot be read, which is told of where somebody asks.
#[test]
fn what_nobody_reads_is_not_computed() {
    let sandbox = two_runs();
    let piped = |command: &str, reader: &str| {
        let mut shell = std::process::Command::new("bash");
        sandbox.confine(&mut shell);
        shell.args(["-c", &format!("set -o pipefail; \"$0\" {command} | {reader}")]).arg(program());
        start(&mut shell).wait()
    };
    for command in ["predict a images", "predict a images --json"] {
        let (all, none) = (piped(command, "cat"), piped(command, "true"));
        all.failed_saying(1, &["1 of 2 could not be classified"]);
        assert!(none.code() == Some(0) && none.err.is_empty(), "{command}: {none:?}");
    }
    piped("evaluate a half", "cat").failed_saying(2, &["runs/half"]);
    let none = piped("evaluate a half", "true");
    assert!(none.code() == Some(0) && none.err.is_empty(), "{none:?}");
}

#[test]
fn an_option_without_effect_is_told_of() {
    let sandbox = Sandbox::new();
    let augmented = &["dataset", "grid", "small.toml", "--out", "a.png", "--augmented"][..];
    assert!(sandbox.run(augmented).succeeded().err.starts_with("note: --augmented has no effect"));
    let mirrored = ["--set", "augment=[{kind=\"mirror\"}]"];
    let outcome = sandbox.run(augmented.iter().copied().chain(mirrored)).succeeded();
    assert!(!outcome.err.contains("note:"), "{outcome:?}");

    let commands: [&[&str]; 8] = [
        &["experiment", "small.toml", "--name", "a"],
        &["experiment", "small.toml", "--seeds", "2", "--name", "some"],
        &["reproduce", "a"],
        &["evaluate", "a"],
        &["report", "a"],
        &["dataset", "info", "small.toml"],
        &["dataset", "grid", "small.toml", "--out", "a.png"],
        &["dataset", "show", "small.toml", "0"],
    ];
    for command in commands {
        let outcome = sandbox.run(command.iter().copied().chain(["--data", "somewhere"])).succeeded();
        let notes: Vec<&str> = outcome.err.lines().filter(|line| line.starts_with("note: --data")).collect();
        assert!(notes.len() == 1 && notes[0].contains("has no effect"), "{command:?}: {outcome:?}");
    }
    assert_eq!(sandbox.names("somewhere"), [""; 0]);
}
