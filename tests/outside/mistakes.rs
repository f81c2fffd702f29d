//! The user's mistakes: each ends at once, with one error that names its place and the remedy, and leaves nothing behind.

use crate::harness::{SMALL, Sandbox};

/// A wrong `--set`, and what the error must hold.
const SETS: &[(&str, &[&str])] = &[
    ("model.hiden=[1]", &["--set model.hiden=[1]", "unknown key", "did you mean `hidden`?"]),
    ("momentum=0.9", &["momentum", "unknown key", "did you mean `optimizer.momentum`?"]),
    ("zebra.stripes=1", &["zebra", "unknown key", "takes name, seed"]),
    ("seed=\"x\"", &["seed = \"x\"", "expected an integer"]),
    ("seed=-1", &["seed = -1", "expected an integer from 0"]),
    ("seed=1.5", &["seed = 1.5", "expected an integer"]),
    ("name=\"a/b\"", &["name = \"a/b\"", "letters, digits"]),
    ("dataset.kind=\"imagenet\"", &["dataset.kind = \"imagenet\"", "cifar10", "mnist", "synthetic"]),
    ("dataset.train=0", &["dataset.train = 0", "from 10"]),
    ("dataset.train=-300", &["dataset.train = -300", "from 10"]),
    ("dataset.validation=300", &["dataset.validation = 300", "to 299", "300 images"]),
    ("dataset.validation=0", &["dataset.validation = 0", "from 1"]),
    ("dataset.batch=0", &["dataset.batch = 0", "from 1"]),
    ("dataset.batch=-5", &["dataset.batch = -5", "from 1"]),
    ("dataset.batch=99999999999999999999", &["dataset.batch"]),
    ("dataset.normalise=1", &["dataset.normalise = 1", "true or false"]),
    ("dataset.url=\"http://x/\"", &["dataset.url", "those that take it: cifar10, cifar100, "]),
    ("model.hidden=[0]", &["model.hidden", "from 1 to 65536"]),
    ("model.hidden=[64,-1]", &["model.hidden", "from 1 to 65536"]),
    ("model.hidden=64", &["model.hidden = 64", "expected a list"]),
    ("model.hidden=[65536,65536]", &["model.hidden", "parameters"]),
    ("model.activation=\"rleu\"", &["model.activation = \"rleu\"", "did you mean \"relu\"?"]),
    ("model.dropout=1.0", &["model.dropout = 1.0", "not including 1"]),
    ("optimizer.kind=\"sdg\"", &["optimizer.kind = \"sdg\"", "sgd"]),
    ("optimizer.betas=[0.9]", &["optimizer.betas", "two numbers"]),
    ("phases=[]", &["phases = []", "one table or more"]),
    ("phases=[{epochs=0,lr=0.1}]", &["phases.0.epochs = 0", "from 1"]),
    ("phases=[{epochs=1,lr=-0.1}]", &["phases.0.lr = -0.1", "above 0"]),
    ("phases=[{epochs=1,lr=nan}]", &["phases.0.lr", "above 0"]),
    ("phases=[{epochs=1}]", &["phases.0.lr", "missing"]),
    (
        "early_stopping={patience=2,metric=\"test_acc\"}",
        &["early_stopping.metric = \"test_acc\"", "val_loss", "val_acc"],
    ),
    ("early_stopping.patience=0", &["early_stopping.patience = 0", "from 1"]),
    ("checkpoint.every_steps=0", &["checkpoint.every_steps = 0", "from 1"]),
    ("threads=0", &["threads = 0", "1024"]),
    ("threads=1025", &["threads = 1025", "1024"]),
    ("device=\"gpu\"", &["device = \"gpu\"", "\"cuda:N\""]),
    ("augment=[{kind=\"crop\",area=[0.5,1.5]}]", &["augment.0.area", "1"]),
    ("augment=[{kind=\"cutout\",size=40}]", &["augment.0.size = 40", "from 1 to 32", "32 x 32"]),
    ("augment=[{kind=\"mirror\",probability=1.5}]", &["augment.0.probability = 1.5", "from 0 to 1"]),
    ("augment=[{kind=\"miror\"}]", &["augment.0.kind = \"miror\"", "did you mean \"mirror\"?"]),
    ("dataset.coefficients=1025", &["dataset.coefficients"]),
    (
        "phases=[{epochs=3,lr=0.1,schedule=\"step\",every=3}]",
        &["phases.0.every = 3", "the rate would never fall: the phase ends after 3 epochs"],
    ),
    ("seed", &["seed", "="]),
    ("seed=", &["seed="]),
    ("=1", &["=1"]),
    ("model.hidden=[1", &["model.hidden=[1"]),
];

#[test]
fn a_wrong_set_names_key_value_and_what_would_be_right() {
    let sandbox = Sandbox::new();
    for (set, parts) in SETS {
        let outcome = sandbox.train(["--set", set]);
        outcome.failed_saying(2, parts);
        assert_eq!(outcome.out, "", "{set}");
    }
    leaves_nothing(&sandbox);
}

#[track_caller]
fn leaves_nothing(sandbox: &Sandbox) {
    assert_eq!(sandbox.names("runs"), Vec::<String>::new());
    assert_eq!(sandbox.names("cache"), Vec::<String>::new());
}

#[test]
fn a_wrong_config_names_file_and_line() {
    let sandbox = Sandbox::new();
    let line = |wrong: &str| SMALL.lines().position(|line| line == wrong).unwrap() + 1;
    let batch = line("batch = 32");
    let cases: [(&str, &str, &[&str]); 5] = [
        ("batch = 32", "bacth = 32", &["dataset.bacth", "unknown key", "did you mean `batch`?"]),
        ("batch = 32", "batch = 0", &["dataset.batch = 0", "expected an integer from 1"]),
        ("batch = 32", "batch = \"32\"", &["dataset.batch = \"32\"", "expected an integer from 1"]),
        ("batch = 32", "batch = = 32", &[]),
        ("batch = 32", "batch = 32\nbatch = 32", &["duplicate"]),
    ];
    for (right, wrong, parts) in cases {
        sandbox.write("wrong.toml", SMALL.replace(right, wrong));
        let at = if wrong.contains('\n') { batch + 1 } else { batch };
        let outcome = sandbox.run(["experiment", "wrong.toml"]);
        outcome.failed_saying(2, &[&[&*format!("wrong.toml:{at}: ")], parts].concat());
        assert!(outcome.err.contains("\n   |\n") || outcome.err.contains(" | "), "the line is shown: {}", outcome.err);
    }
    sandbox.write("wrong.toml", SMALL.replace("hidden = []\n", ""));
    sandbox.run(["experiment", "wrong.toml"]).failed_saying(2, &["wrong.toml", "model.hidden", "missing"]);
    leaves_nothing(&sandbox);
}

/// As a snapshot, once: this is what a user sees.
#[test]
fn a_misspelt_key_is_shown_in_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("wrong.toml", SMALL.replace("hidden = []", "hiden = []"));
    insta::assert_snapshot!(sandbox.run(["experiment", "wrong.toml"]).err, @r"
    error: wrong.toml:12: model.hiden: unknown key; did you mean `hidden`? [model] takes network, hidden, activation, dropout, init, zero_init_residual
       |
    12 | hiden = []
       | ^^^^^
    ");
}

#[test]
fn unreadable_config_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("latin.toml", b"name = \"\xe9\"");
    sandbox.write("long.toml", vec![b'#'; (1 << 20) + 1]);
    sandbox.write("empty.toml", "");
    std::fs::create_dir(sandbox.path("folder.toml")).unwrap();
    for (config, parts) in [
        ("none.toml", &["none.toml: cannot read", "No such file", "give the path of a TOML file"][..]),
        ("folder.toml", &["folder.toml: cannot read", "directory", "give the path of a TOML file"]),
        ("latin.toml", &["latin.toml: not UTF-8 from byte 8"]),
        ("long.toml", &["long.toml: larger than 1 MiB"]),
        ("empty.toml", &["empty.toml: dataset.kind: missing"]),
        ("/dev/zero", &["/dev/zero: larger than 1 MiB"]),
    ] {
        for command in [&["experiment", config][..], &["dataset", "info", config]] {
            let outcome = sandbox.run(command);
            outcome.failed_saying(2, parts);
            let told = outcome.err.matches("os error").count();
            assert!(told <= 1, "the system's reason is told once: {}", outcome.err);
        }
    }
    leaves_nothing(&sandbox);
}

#[test]
fn a_wrong_argument_is_refused() {
    let sandbox = Sandbox::new();
    for (arguments, parts) in [
        (&["--device", "gpu"][..], &["'gpu'", "choose auto, cpu, cuda or cuda:N"][..]),
        (&["--device", "cuda:256"], &["cuda:256"]),
        (&["--threads", "0"], &["'0'", "--threads"]),
        (&["--threads", "1025"], &["'1025'", "1 to 1024"]),
        (&["--name", "a/b"], &["a/b", "letters, digits"]),
        (&["--name", "../up"], &["../up", "letters, digits"]),
        (&["--name", ""], &["letters, digits"]),
        (&["--name", "-n"], &["-n"]),
        (&["--epochs", "3"], &["--epochs"]),
        (&["--stop-after", "0"], &["'0'", "--stop-after", "1 or more"]),
        (&["--stop-after", "two"], &["'two'", "1 or more"]),
    ] {
        sandbox.train(arguments).failed_saying(2, parts);
    }
    for arguments in [["resume", "a", "--stop-after", "0"], ["sweep", "a.toml", "--jobs", "0"]] {
        sandbox.run(arguments).failed_saying(2, &["'0'", arguments[2], "1 or more"]);
    }
    sandbox.run(["experiment"]).failed_saying(2, &["required"]);
    sandbox.run(["tran", "small.toml"]).failed_saying(2, &["tran"]);
    leaves_nothing(&sandbox);
}

#[test]
fn cuda_device_is_refused_by_cpu_build() {
    let sandbox = Sandbox::new();
    for arguments in [["--device", "cuda"], ["--device", "cuda:3"], ["--set", "device=\"cuda\""]] {
        sandbox.train(arguments).failed_saying(2, &["cuda:", "built without CUDA", "--device cpu"]);
    }
    leaves_nothing(&sandbox);
}

#[test]
fn a_network_that_was_not_built_says_how_to_build_it() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.train(["--set", "model.hidden=[7,5]"]);
    outcome.failed_saying(
        1,
        &["3072, 7, 5, 10", "`cargo xtask experiment` builds", "`3072 7 5 10` to target/architectures.txt"],
    );
    leaves_nothing(&sandbox);
}

#[test]
fn impossible_runs_folder_is_named() {
    let sandbox = Sandbox::new();
    let mut rows = vec![
        ("small.toml", &["small.toml: cannot make the folder of runs", "choose another folder with --runs"][..]),
        ("small.toml/runs", &["small.toml/runs: cannot make the folder of runs", "choose another folder with --runs"]),
    ];
    if cfg!(target_os = "linux") {
        rows.push(("/proc/strata", &["/proc/strata: cannot make the folder of runs"]));
    }
    for (runs, parts) in rows {
        let outcome = sandbox.train(["--runs", runs]);
        outcome.failed_saying(1, parts);
        assert_eq!(outcome.err.matches("os error").count(), 1, "the system's reason is told once: {}", outcome.err);
    }
    assert_eq!(sandbox.text("small.toml"), SMALL);
    assert_eq!(sandbox.names(""), ["small.toml"]);
}

#[test]
fn what_cannot_be_resumed_says_why() {
    let sandbox = Sandbox::new();
    sandbox.train(["--set", "phases=[{epochs=1,lr=0.001}]"]).succeeded();
    let before = sandbox.result("small");
    sandbox.run(["resume", "small"]).failed_saying(2, &["runs/small", "it is finished", "xtask runs"]);
    assert!(sandbox.result("small") == before);
    sandbox.run(["resume", "none"]).failed_saying(2, &["none", "runs/none", "cargo xtask runs"]);
    std::fs::create_dir(sandbox.path("runs/empty")).unwrap();
    sandbox.run(["resume", "empty"]).failed_saying(2, &["runs/empty"]);
}
