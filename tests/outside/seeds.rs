//! `experiment --seeds`: one config's runs with several seeds, killed in their midst and gone on with by the same command.

use std::fs;

use crate::harness::{Outcome, Sandbox, wait_until};

fn arguments<'a>(seeds: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["experiment", "small.toml", "--seeds", seeds, "--set", "checkpoint.every_steps=1"];
    arguments.extend(further);
    arguments
}

const EPOCHS: [&str; 2] = ["--set", "phases=[{epochs=15,lr=0.001}]"];

/// The words of the line that begins with `word`.
fn line<'a>(outcome: &'a Outcome, word: &str) -> Vec<&'a str> {
    let found = outcome.out.lines().find(|line| line.trim_start().starts_with(word));
    found.unwrap_or_else(|| panic!("no line {word}: {outcome:?}")).split_whitespace().collect()
}

#[test]
fn seeds_that_were_killed_go_on_where_they_were_and_give_mean_and_deviation() {
    let sandbox = Sandbox::new();
    let mut killed = sandbox.start(arguments("7,43", &EPOCHS));
    wait_until("the second seed is under way", || sandbox.history_lines("small-seeds/seed-43") > 2);
    assert!(killed.is_running());
    killed.kill();
    assert_eq!(sandbox.status("small-seeds/seed-7"), "finished");
    assert_eq!(sandbox.status("small-seeds/seed-43"), "running");
    let first = sandbox.read("runs/small-seeds/seed-7/record.json");

    let outcome = sandbox.run(arguments("7,43", &EPOCHS)).succeeded();
    assert!(outcome.out.contains("seed-7: finished before"), "{outcome:?}");
    assert!(outcome.out.contains("seed-43: going on at epoch"), "{outcome:?}");
    assert!(sandbox.read("runs/small-seeds/seed-7/record.json") == first, "a finished run is left as it is");
    // The same as a run of its own.
    let alone =
        ["experiment", "small.toml", "--set", "checkpoint.every_steps=1", "--set", "seed=43", "--name", "alone"];
    sandbox.run(alone.iter().chain(&EPOCHS)).succeeded();
    assert!(sandbox.result("small-seeds/seed-43") == sandbox.result("alone"));

    let of = |seed: &str| sandbox.record(&format!("small-seeds/seed-{seed}"))["metrics"]["test_acc"].as_f64().unwrap();
    let (a, b) = (of("7"), of("43"));
    // Of two numbers the sample deviation is their distance over the root of two.
    let (mean, deviation) = ((a + b) / 2.0, (a - b).abs() / 2f64.sqrt());
    let expected = format!("{mean:.4} ± {deviation:.4}");
    assert!(line(&outcome, "mean ± deviation, n = 2").join(" ").contains(&expected), "{expected}: {}", outcome.out);

    // Another config does not mix with them.
    let other = sandbox.run(arguments("7,43,9", &["--set", "phases=[{epochs=15,lr=0.002}]"]));
    other.failed_saying(2, &["seed-7 follows another config", "lr = 0.001", "lr = 0.002", "--name"]);
    assert!(fs::metadata(sandbox.path("runs/small-seeds/seed-9")).is_err(), "nothing was begun");
}

#[test]
fn an_interrupted_run_of_seeds_says_how_to_go_on_and_the_test_images_may_stay_unseen() {
    let sandbox = Sandbox::new();
    let untested = [&EPOCHS[..], &["--set", "evaluation.test=false"]].concat();
    let running = sandbox.start(arguments("2", &untested));
    wait_until("the first seed is under way", || sandbox.history_lines("small-seeds/seed-1") > 2);
    running.signal("TERM");
    running.wait().failed_saying(130, &["seed-1", "interrupted", "the same command goes on"]);
    let outcome = sandbox.run(arguments("2", &untested)).succeeded();
    let header = line(&outcome, "seed");
    assert!(header.contains(&"val_acc") && !header.contains(&"test_acc"), "{outcome:?}");
    assert!(!outcome.out.contains("Test,"), "{outcome:?}");
    for seed in ["1", "2"] {
        let record = sandbox.record(&format!("small-seeds/seed-{seed}"));
        assert_eq!(record["hyperparameters"]["evaluation"]["test"], false);
        assert!(record["metrics"]["test_acc"].is_null() && record["metrics"]["val_acc"].is_f64(), "{record}");
    }
    // Afterwards they can still be looked at.
    let later = sandbox.run(["evaluate", "small-seeds/seed-1"]).succeeded();
    assert!(later.out.contains("50"), "{later:?}");
}

#[test]
fn seeds_are_checked_before_anything_is_built() {
    let sandbox = Sandbox::new();
    for seeds in ["0", "1,1", "x", "1001"] {
        assert_eq!(sandbox.run(arguments(seeds, &[])).code(), Some(2), "{seeds}");
    }
    let both = sandbox.run(arguments("2", &["--set", "seed=5"]));
    both.failed_saying(2, &["--set seed", "--seeds"]);
    assert!(sandbox.names("runs").is_empty());
}
