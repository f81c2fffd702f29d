//! A run that goes well: its lines, its files, its record; and the same again to the byte.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::archives::sha256;
use crate::harness::{Sandbox, root, start};

const QUICKSTART: [&str; 6] =
    ["--set", "dataset.train=300", "--set", "dataset.test=50", "--set", "dataset.validation=50"];

fn quickstart(sandbox: &Sandbox) -> std::process::Command {
    let mut command = sandbox.command(["experiment"]);
    command.arg(root().join("configs/quickstart.toml")).args(QUICKSTART);
    command
}

/// Every number with decimals as #s, as many as it has decimals: which they are differs with the processor.
fn without_numbers(text: &str) -> String {
    let word = |word: &str| match word.trim_end_matches(',').split_once('.') {
        Some((whole, decimals))
            if !whole.is_empty() && [whole, decimals].concat().bytes().all(|b| b.is_ascii_digit()) =>
        {
            let end = if word.ends_with(',') { "," } else { "" };
            format!("#.{}{end}", "#".repeat(decimals.trim_end_matches(',').len()))
        }
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(line).collect()
}

#[test]
fn the_quick_start_prints_a_line_an_epoch_and_leaves_a_run() {
    let sandbox = Sandbox::new();
    let outcome = start(&mut quickstart(&sandbox)).wait().succeeded();
    assert_eq!(outcome.err, "");
    insta::assert_snapshot!(without_numbers(&outcome.out), @r"
    runs/quickstart: 3 layers (128,64,10), 402250 parameters, on cpu
    Initial, val_loss: #.####, val_acc: #.####
    Epoch [0], val_loss: #.####, val_acc: #.####
    Epoch [1], val_loss: #.####, val_acc: #.####
    Epoch [2], val_loss: #.####, val_acc: #.####
    Epoch [3], val_loss: #.####, val_acc: #.####
    Epoch [4], val_loss: #.####, val_acc: #.####
    Epoch [5], val_loss: #.####, val_acc: #.####
    Test, test_loss: #.####, test_acc: #.####
    runs/quickstart: validation accuracy #.####, #.# s
    ");
    let names = sandbox.names("runs/quickstart");
    assert_eq!(
        names,
        [
            "accuracy.svg",
            "checkpoints",
            "config.toml",
            "history.jsonl",
            "lock",
            "loss.svg",
            "model.safetensors",
            "record.json",
            "report.html",
            "timing.jsonl",
        ]
    );
    assert_eq!(sandbox.names("runs/quickstart/checkpoints"), ["best.safetensors", "last.safetensors"]);
    for plot in ["accuracy.svg", "loss.svg"] {
        assert!(sandbox.text(&format!("runs/quickstart/{plot}")).contains("<svg"));
    }
    the_printed_numbers_are_the_records(&outcome.out, &sandbox.record("quickstart"));
    the_weights_have_pytorchs_names(&sandbox);
}

fn the_printed_numbers_are_the_records(out: &str, record: &Value) {
    let four = |value: &Value| format!("{:.4}", value.as_f64().unwrap());
    let lines: Vec<_> = record["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let at = line["epoch"].as_u64().map_or("Initial".to_owned(), |epoch| format!("Epoch [{epoch}]"));
            format!("{at}, val_loss: {}, val_acc: {}", four(&line["val_loss"]), four(&line["val_acc"]))
        })
        .collect();
    assert_eq!(out.lines().skip(1).take(7).collect::<Vec<_>>(), lines);
    let metrics = &record["metrics"];
    let test = format!("Test, test_loss: {}, test_acc: {}", four(&metrics["test_loss"]), four(&metrics["test_acc"]));
    assert!(out.contains(&test), "{test} in {out}");
}

/// A safetensors file: the header's length in eight bytes, the header, the numbers.
fn the_weights_have_pytorchs_names(sandbox: &Sandbox) {
    let bytes = sandbox.read("runs/quickstart/model.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    for (name, shape) in [
        ("layer1.weight", json!([128, 3072])),
        ("layer1.bias", json!([128])),
        ("layer2.weight", json!([64, 128])),
        ("layer2.bias", json!([64])),
        ("layer3.weight", json!([10, 64])),
        ("layer3.bias", json!([10])),
    ] {
        assert_eq!((&header[name]["shape"], &header[name]["dtype"]), (&shape, &json!("F32")), "{name}");
    }
    assert_eq!(header.as_object().unwrap().keys().filter(|key| *key != "__metadata__").count(), 6);
}

#[test]
fn a_record_holds_what_was_asked_for_and_what_came_of_it() {
    let sandbox = Sandbox::new();
    sandbox.train(["--set", "phases=[{epochs=2,lr=0.001},{epochs=1,lr=1e-4}]"]).succeeded();
    let record = sandbox.record("small");
    assert_eq!(record["status"], "finished");
    assert_eq!(record["name"], "small");
    let asked = [
        ("arch", json!("1 layer (10)")),
        ("hidden", json!([])),
        ("lrs", json!([0.001, 1e-4])),
        ("epochs", json!([2, 1])),
        ("optimizer", json!("adam")),
        ("batch_size", json!(32)),
        ("seed", json!(43)),
    ];
    for (key, value) in asked {
        assert_eq!(record["hyperparameters"][key], value, "{key}");
    }
    for key in ["initial_val_loss", "initial_val_acc", "val_loss", "val_acc", "test_loss", "test_acc", "seconds"] {
        assert!(record["metrics"][key].as_f64().is_some_and(f64::is_finite), "{key}: {}", record["metrics"]);
    }
    for key in ["strata", "rustc", "dfdx", "os", "cpu", "machine", "device", "precision"] {
        assert!(record["environment"][key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    let dataset = &record["dataset"];
    assert_eq!((&dataset["train"], &dataset["validation"], &dataset["test"]), (&json!(250), &json!(50), &json!(50)));
    for hash in [&dataset["sha256"], &dataset["split"]["sha256"], &record["model"]["sha256"]] {
        assert_eq!(hash.as_str().unwrap().len(), 64, "{hash}");
    }
    assert_eq!((&dataset["split"]["seed"], &record["parameters"]), (&json!(43), &json!(30_730)));
    assert_eq!(record["model"]["sha256"], sha256(&sandbox.read("runs/small/model.safetensors")));
    assert_eq!(record["chosen"]["epoch"], 2);

    let history = record["history"].as_array().unwrap();
    let places: Vec<_> = history.iter().map(|line| (&line["phase"], &line["epoch"], &line["lr"])).collect();
    let [null, zero, one, two] = [Value::Null, json!(0), json!(1), json!(2)];
    let (first, second) = (json!(0.001), json!(1e-4));
    assert_eq!(places, [(&null, &null, &null), (&zero, &zero, &first), (&zero, &one, &first), (&one, &two, &second)]);
    assert_eq!(history[0]["train_loss"], Value::Null);
    for (number, line) in history.iter().enumerate() {
        let keys: &[&str] = if number == 0 {
            &["val_loss", "val_acc", "seconds"]
        } else {
            &["train_loss", "val_loss", "val_acc", "seconds"]
        };
        assert!(keys.iter().all(|key| line[key].is_f64()), "{line}");
    }
    // history.jsonl is the same without the seconds, which no seed decides.
    let lines: Vec<Value> =
        sandbox.text("runs/small/history.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let without_seconds: Vec<Value> = history
        .iter()
        .cloned()
        .map(|mut line| {
            line.as_object_mut().unwrap().remove("seconds");
            line
        })
        .collect();
    assert_eq!(lines, without_seconds);
}

#[test]
fn the_same_config_and_seed_give_the_same_bytes_for_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let sets = ["--set", "model.dropout=0.2", "--set", "phases=[{epochs=1,lr=0.1}]"];
    for (name, threads) in [("one", "1"), ("two", "2"), ("again", "2"), ("five", "5")] {
        start(quickstart(&sandbox).args(sets).args(["--name", name, "--threads", threads])).wait().succeeded();
        assert_eq!(sandbox.record(name)["environment"]["threads"].to_string(), threads);
    }
    start(quickstart(&sandbox).args(sets).args(["--name", "other", "--set", "seed=44"])).wait().succeeded();
    for name in ["two", "again", "five"] {
        assert!(sandbox.result(name) == sandbox.result("one"), "{name} differs");
    }
    let (other, one) = (sandbox.result("other"), sandbox.result("one"));
    assert!(other[0] != one[0] && other[1] != one[1], "another seed gives another run");
}

/// What any user may read under their umask, any file of a run may be: none is for its owner alone.
#[test]
fn a_runs_files_are_as_readable_as_the_umask_allows() {
    let sandbox = Sandbox::new();
    for (umask, mode) in [("022", 0o644), ("027", 0o640)] {
        let mut shell = std::process::Command::new("sh");
        sandbox.confine(&mut shell);
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(crate::harness::program());
        start(shell.args(["experiment", "small.toml", "--name", umask])).wait().succeeded();
        start(&mut sandbox.command(["dataset", "grid", "small.toml", "--out", &format!("runs/{umask}/grid.png")]))
            .wait()
            .succeeded();
        let names = sandbox.names(&format!("runs/{umask}"));
        let files = names
            .iter()
            .filter(|name| *name != "checkpoints" && *name != "grid.png")
            .map(|name| format!("runs/{umask}/{name}"));
        let checkpoints = ["best", "last"].map(|name| format!("runs/{umask}/checkpoints/{name}.safetensors"));
        for file in files.chain(checkpoints) {
            let found = std::fs::metadata(sandbox.path(&file)).unwrap().permissions().mode() & 0o777;
            assert_eq!(format!("{found:o}"), format!("{mode:o}"), "{file}");
        }
    }
}

#[test]
fn early_stopping_keeps_the_best_epochs_weights_and_says_why_it_ended() {
    let sandbox = Sandbox::new();
    // So small a step never improves the loss by 1: two epochs without an improvement end the run.
    let sets = ["--set", "early_stopping={patience=2,min_delta=1.0}", "--set", "phases=[{epochs=9,lr=1e-9}]"];
    sandbox.train(sets).succeeded();
    let record = sandbox.record("small");
    assert_eq!(record["status"], "finished");
    let reason = record["reason"].as_str().unwrap();
    assert!(reason.contains("stopped early") && reason.contains("val_loss"), "{reason}");
    assert!(record["history"].as_array().unwrap().len() < 9, "{}", record["history"]);
    assert_eq!(record["chosen"]["epoch"], record["metrics"]["best_epoch"]);
    assert_eq!(record["metrics"]["val_acc"], record["metrics"]["best_val_acc"]);
}

#[test]
fn a_loss_that_overflows_ends_the_run_with_a_record_that_says_so() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.train(["--set", "optimizer={kind=\"sgd\"}", "--set", "phases=[{epochs=2,lr=3e38}]"]);
    outcome.failed_saying(1, &["loss", "epoch", "learning rate"]);
    let record = sandbox.record("small");
    assert_eq!(record["status"], "failed");
    assert!(record["reason"].as_str().unwrap().contains("loss"), "{}", record["reason"]);
    sandbox.holds_only_a_runs_files("small");
}

#[test]
fn a_finished_run_is_a_start_for_others_is_run_again_and_is_cleared_away() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "a"]).succeeded();
    sandbox.train(["--from", "a", "--name", "further"]).succeeded();
    assert_eq!(sandbox.record("further")["parent"]["run"], sandbox.record("a")["id"]);
    let told = sandbox.train(["--from", "a", "--set", "model.init=orthogonal", "--name", "drawn"]).succeeded();
    assert!(told.out.contains("model.init and model.zero_init_residual have no effect"), "{told:?}");
    sandbox.run(["remove", "drawn", "--yes"]).succeeded();
    let other = sandbox.train(["--from", "a", "--set", "model.hidden=[128, 64]", "--name", "b"]);
    let said =
        ["runs/a/model.safetensors", "layer1.weight is [10, 3072], not [128, 3072]", "layer2.bias [64] is missing"];
    other.failed_saying(2, &said);

    let again = sandbox.run(["reproduce", "further"]).succeeded();
    assert!(
        again.out.ends_with("runs/small-again: the same weights and history as runs/further, to the byte\n"),
        "{again:?}"
    );
    assert_eq!(sandbox.result("small-again"), sandbox.result("further"));
    let history = sandbox.text("runs/further/history.jsonl").replacen("\"epoch\":1", "\"epoch\":7", 1);
    sandbox.write("runs/further/history.jsonl", history);
    let differs = sandbox.run(["reproduce", "further"]);
    differs.failed_saying(1, &["has the same weights as", "the history differs from line 3 on", "\"epoch\":7"]);

    let pruned = sandbox.run(["prune", "a"]).succeeded();
    assert!(pruned.out.ends_with("the checkpoints of 1 run\n"), "{pruned:?}");
    assert_eq!(sandbox.names("runs/a/checkpoints"), Vec::<String>::new());
    sandbox.run(["evaluate", "a"]).succeeded();
    sandbox.run(["remove", "a"]).failed_saying(1, &["nobody can be asked", "--yes"]);
    sandbox.run(["remove", "a", "none", "--yes"]).failed_saying(2, &["no run"]);
    // A run of the same name in the working directory: which one is meant is not to be guessed.
    std::fs::create_dir(sandbox.path("a")).unwrap();
    for file in ["config.toml", "record.json"] {
        sandbox.write(&format!("a/{file}"), "");
    }
    sandbox.run(["remove", "a", "--yes"]).failed_saying(2, &["both ./a and runs/a are runs", "by its path"]);
    std::fs::remove_dir_all(sandbox.path("a")).unwrap();
    let removed = sandbox.run(["remove", "a", "runs/a", "further", "a", "--yes"]).succeeded().out;
    assert_eq!(removed.matches("removed").count(), 2, "{removed}");
    assert_eq!(sandbox.names("runs"), ["small-again", "small-again-2"]);
}
