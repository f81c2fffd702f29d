//! `--set`, `--name`, and the look at a config's images.

use crate::harness::Sandbox;

#[test]
fn values_are_set_in_every_form_toml_has_and_the_last_one_counts() {
    let sandbox = Sandbox::new();
    let sets = [
        "--set",
        "seed=7",
        "--set=optimizer.kind=\"sgd\"",
        "--set",
        "optimizer.momentum=0.5",
        "--set",
        "phases=[{epochs=1,lr=1e-1}]",
        "--set",
        "phases.0.lr = 0.05",
        "--set",
        "dataset.normalise=true",
        "--set",
        "model.activation='gelu'",
        "--set",
        "model.hidden=[128, 64]",
        "--set",
        "seed=8",
    ];
    sandbox.train(sets).succeeded();
    let told = &sandbox.record("small")["hyperparameters"];
    assert_eq!(told["seed"], 8);
    assert_eq!(told["optimizer"], "sgd");
    assert_eq!(told["momentum"], 0.5);
    assert_eq!(told["lrs"].to_string(), "[0.05]");
    assert_eq!(told["epochs"].to_string(), "[1]");
    assert_eq!(told["normalise"], true);
    let config = sandbox.text("runs/small/config.toml");
    assert!(config.contains("seed = 8") && config.contains("momentum = 0.5"), "{config}");
    // The resolved config is a config: it trains the same again.
    sandbox.run(["experiment", "runs/small/config.toml", "--name", "again"]).succeeded();
    assert!(sandbox.result("again") == sandbox.result("small"));
}

#[test]
fn a_configs_name_is_numbered_where_it_is_taken_and_a_chosen_one_is_refused() {
    let sandbox = Sandbox::new();
    let brief = ["--set", "phases=[{epochs=1,lr=0.001}]"];
    for _ in 0..3 {
        sandbox.train(brief).succeeded();
    }
    assert_eq!(sandbox.names("runs"), ["small", "small-2", "small-3"]);
    sandbox.train(["--name", "mine"]).succeeded();
    let before = sandbox.read("runs/mine/record.json");
    sandbox.train(["--name", "mine"]).failed_saying(2, &["runs/mine", "exists", "--name"]);
    assert_eq!(sandbox.names("runs"), ["mine", "small", "small-2", "small-3"]);
    assert!(sandbox.read("runs/mine/record.json") == before, "the earlier run is as it was");
}

#[test]
fn a_config_whose_file_name_is_no_run_name_is_reported() {
    let sandbox = Sandbox::new();
    let unnamed = crate::harness::SMALL.replace("name = \"small\"\n", "");
    sandbox.write("r\u{e9}sum\u{e9}.toml", unnamed);
    let brief = ["--set", "phases=[{epochs=1,lr=0.001}]"];
    let outcome = sandbox.run(["experiment", "r\u{e9}sum\u{e9}.toml"].iter().chain(&brief)).succeeded();
    assert!(outcome.err.contains("r\u{e9}sum\u{e9}, cannot be a run's; it is called experiment"), "{}", outcome.err);
    let outcome = sandbox.run(["experiment", "r\u{e9}sum\u{e9}.toml", "--name", "cv"].iter().chain(&brief)).succeeded();
    assert_eq!(outcome.err, "");
    assert_eq!(sandbox.names("runs"), ["cv", "experiment"]);
}

#[test]
fn values_without_effect_are_errors_in_new_runs_and_ignored_in_old_ones() {
    let sandbox = Sandbox::new();
    sandbox
        .train(["--set", "model.dropout=0.9"])
        .failed_saying(2, &["model.dropout = 0.9", "has no effect", "model.hidden = []"]);
    sandbox.train(["--set", "model.dropout=0", "--set", "model.activation=relu"]).succeeded();
    let told = &sandbox.record("small")["hyperparameters"];
    assert!(told["dropout"].is_null() && told["activation"].is_null(), "{told}");
    assert!(!sandbox.text("runs/small/config.toml").contains("dropout"));
}

#[test]
fn the_images_of_a_config_are_described() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(["dataset", "info", "small.toml"]).succeeded();
    let numbers = ["300", "250", "50 (seed 43)", "[3, 32, 32]", "classes             10"];
    assert!(numbers.iter().all(|number| outcome.out.contains(number)), "{}", outcome.out);
    assert_eq!(outcome.out.lines().filter(|line| line.contains(" training ") && line.ends_with(" test")).count(), 10);
    assert_eq!(sandbox.names("runs"), Vec::<String>::new(), "a look records no run");
}

#[test]
fn the_first_batch_is_drawn_with_its_labels() {
    let sandbox = Sandbox::new();
    let grid = |out: &str| sandbox.run(["dataset", "grid", "small.toml", "--set", "dataset.batch=128", "--out", out]);
    let outcome = grid("grid.png").succeeded();
    // Eight rows of sixteen labels, then the file's name.
    let lines: Vec<_> = outcome.out.lines().collect();
    assert_eq!(lines.len(), 9, "{}", outcome.out);
    assert!(lines[..8].iter().all(|line| line.split(' ').count() == 16), "{}", outcome.out);
    assert_eq!(lines[8], "grid.png");
    assert_eq!(sandbox.read("grid.png")[..8], *b"\x89PNG\r\n\x1a\n");
    grid("again.png").succeeded();
    assert!(sandbox.read("again.png") == sandbox.read("grid.png"));
    grid("none/grid.png").failed_saying(1, &["none/grid.png"]);
}
