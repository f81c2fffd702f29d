//! `cargo xtask`: new widths and networks build and train, the tree stays clean, and the second time nothing is compiled.

use std::process::Command;

use crate::harness::{Outcome, Sandbox, cargo, program, root, start};

/// The tree's changes, or what git says where this is no checkout.
fn changes() -> String {
    let output = Command::new("git").arg("-C").arg(root()).args(["status", "--porcelain"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

fn xtask(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut cargo = cargo();
    let (home, registry) = (std::env::var_os("HOME"), std::env::var_os("CARGO_HOME"));
    sandbox.confine(&mut cargo);
    // Cargo needs its own home; its runs belong to the sandbox, its manifest to this tree.
    match (home, registry) {
        (_, Some(registry)) => cargo.env("CARGO_HOME", registry),
        (Some(home), None) => cargo.env("HOME", home),
        (None, None) => &mut cargo,
    };
    cargo.current_dir(root());
    // The dev profile shares its build with the other tests; the list of rows is the sandbox's, so the row is a new one.
    cargo.env("STRATA_PROFILE", "dev").env("STRATA_ARCHITECTURES", sandbox.path("architectures.txt"));
    cargo.env("STRATA_COMMIT", "somebody else's").env("GIT_DIR", sandbox.path("no repository"));
    cargo.args(["run", "--quiet", "--package", "xtask", "--"]).args(arguments);
    start(&mut cargo).wait()
}

#[test]
fn new_networks_build_once_and_leave_the_tree_clean() {
    // Built before: the two builds would wait for each other.
    program();
    let sandbox = Sandbox::new();
    let before = changes();
    let (config, runs) = (sandbox.path("small.toml"), sandbox.path("runs"));
    let arguments =
        ["experiment", config.to_str().unwrap(), "--set", "model.hidden=[17,5]", "--runs", runs.to_str().unwrap()];

    let first = xtask(&sandbox, &arguments).succeeded();
    assert!(first.err.contains("Compiling strata "), "the new row is compiled: {}", first.err);
    assert!(first.out.contains("3 layers (17,5,10)"), "{}", first.out);
    assert!(sandbox.text("architectures.txt").contains("3072 17 5 10"));

    let second = xtask(&sandbox, &arguments).succeeded();
    assert!(!second.err.contains("Compiling"), "nothing is compiled: {}", second.err);
    assert!(sandbox.result("small-2") == sandbox.result("small"));

    // A pipe has its text once: it is checked here and trained there.
    let pipe = sandbox.path("pipe.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&pipe, sandbox.read("small.toml")).unwrap());
        let mut piped = arguments;
        piped[1] = pipe.to_str().unwrap();
        xtask(&sandbox, &piped).succeeded();
    });
    assert!(sandbox.result("small-3") == sandbox.result("small"));

    let record = sandbox.record("small");
    // Only of a repository of its own; what a user has in the environment is nobody's commit.
    let git = |argument| {
        let output = Command::new("git").arg("-C").arg(root()).args(["rev-parse", argument]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    let environment = &record["environment"];
    if git("--show-prefix").is_some_and(|below| below.is_empty()) {
        assert_eq!(environment["commit"], git("HEAD").unwrap());
        assert_eq!(environment["dirty"], !before.is_empty());
    } else {
        assert!(environment["commit"].is_null() && first.err.contains("no commit is recorded"), "{}", first.err);
    }
    assert_eq!(changes(), before, "git status is as it was");

    // So does a network in words, which compiles the one crate.
    let network = "model.network=6 batch_norm gelu dropout(0), skip(layer_norm, 9 relu, 6), activation(silu)";
    let mut in_words = arguments;
    in_words[3] = network;
    let outcome = xtask(&sandbox, &in_words).succeeded();
    assert!(
        outcome.out.contains("3072, 6 batch_norm gelu dropout(0), skip(layer_norm, 9 relu, 6), activation(silu), 10")
    );
    let compiled: Vec<_> = outcome.err.lines().filter(|line| line.contains("Compiling")).collect();
    assert!(matches!(compiled.as_slice(), [only] if only.contains("Compiling strata ")), "{}", outcome.err);
    assert!(!xtask(&sandbox, &in_words).succeeded().err.contains("Compiling"), "nothing is compiled");

    // A wrong config is told before anything is built or recorded.
    let wrong = ["experiment", config.to_str().unwrap(), "--set", "model.hidden=[0]", "--runs", runs.to_str().unwrap()];
    let outcome = xtask(&sandbox, &wrong);
    outcome.failed_saying(2, &["model.hidden", "from 1 to 65536"]);
    assert!(!outcome.err.contains("Compiling"), "{}", outcome.err);
    assert_eq!(sandbox.names("runs"), ["small", "small-2", "small-3", "small-4", "small-5"]);

    for (arguments, part) in [(["runs"], "small-2"), (["compare"], "val_acc")] {
        let all = [arguments[0], "--runs", runs.to_str().unwrap()];
        assert!(xtask(&sandbox, &all).succeeded().out.contains(part));
    }
}
