//! `runs` and `compare`, whatever lies in the folder of runs.

use std::fs;

use crate::harness::{Sandbox, program, start};

/// Three good runs, best first: `good` after twelve epochs, `fair` after two, `poor` after one that barely moved.
fn three_runs() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, phases) in
        [("poor", "[{epochs=1,lr=1e-9}]"), ("good", "[{epochs=12,lr=0.001}]"), ("fair", "[{epochs=2,lr=0.001}]")]
    {
        sandbox.train(["--name", name, "--set", &format!("phases={phases}")]).succeeded();
    }
    sandbox
}

fn copy_run(sandbox: &Sandbox, from: &str, to: &str) {
    let [from, to] = [from, to].map(|name| sandbox.path(&format!("runs/{name}")));
    fs::create_dir(&to).unwrap();
    for file in ["config.toml", "record.json", "history.jsonl", "timing.jsonl", "lock"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

fn replace(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = sandbox.text(file);
    assert!(text.contains(from), "{from} in {text}");
    sandbox.write(file, text.replace(from, to));
}

#[test]
fn runs_are_listed_and_compared_best_first() {
    let sandbox = three_runs();
    let listed = sandbox.run(["runs"]).succeeded().out;
    let names: Vec<_> = listed.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["poor", "good", "fair"], "oldest first: {listed}");
    assert_eq!(listed.matches("finished").count(), 3, "{listed}");

    sandbox.run(["compare", "--html", "c.html", "--format", "csv"]).failed_saying(2, &["cannot be used with"]);
    sandbox.run(["runs", "--where", "val_acc=>0.5"]).failed_saying(2, &["is no comparison"]);
    let compared = sandbox.run(["compare"]).succeeded().out;
    let header: Vec<_> = compared.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["good", "fair", "poor"], "{compared}");
    let accuracies: Vec<f64> = row(&compared, "val_acc").iter().map(|cell| cell.parse().unwrap()).collect();
    assert!(accuracies.is_sorted_by(|a, b| a >= b) && accuracies[0] > accuracies[2], "{compared}");
    let shared = compared.find("the same in all 3 runs").unwrap();
    assert!(compared.find("epochs").unwrap() < shared && compared.find("batch_size").unwrap() > shared, "{compared}");

    let two = sandbox.run(["compare", "poor", "runs/fair"]).succeeded().out;
    assert_eq!(two.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(), ["fair", "poor"], "{two}");
    sandbox.run(["compare", "poor", "none"]).failed_saying(2, &["none", "runs/none", "cargo xtask runs"]);
}

fn row<'a>(table: &'a str, label: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(label)).unwrap();
    line.split_whitespace().skip(1).collect()
}

#[test]
fn damaged_runs_are_reported_and_the_others_listed() {
    let sandbox = three_runs();
    for name in ["torn", "garbage", "dead", "hostile", "newer", "empty"] {
        copy_run(&sandbox, "fair", name);
    }
    let whole = sandbox.read("runs/fair/record.json");
    sandbox.write("runs/torn/record.json", &whole[..whole.len() / 2]);
    sandbox.write("runs/garbage/record.json", [0xff, 0, 0x1b].repeat(100));
    sandbox.write("runs/empty/record.json", "");
    replace(&sandbox, "runs/dead/record.json", "\"finished\"", "\"running\"");
    replace(&sandbox, "runs/newer/record.json", "\"schema\": 103", "\"schema\": 200");
    let escapes = r#""name": "\u001b[31mred\u001b]0;owned\u0007\n\u202e""#;
    replace(&sandbox, "runs/hostile/record.json", "\"name\": \"fair\"", escapes);
    replace(&sandbox, "runs/hostile/record.json", "\"1 layer (10)\"", r#""\u001b[2J\r\nfake  finished""#);
    replace(&sandbox, "runs/hostile/record.json", "\"reason\": null", r#""reason": "\u009b31m\u0000""#);
    // No run's folders at all.
    sandbox.write("runs/notes/readme.txt", "no run");
    sandbox.write("runs/file", "no folder");

    let listed = sandbox.run(["runs"]).succeeded().out;
    for (name, state) in [
        ("good", "finished"),
        ("torn", "unreadable"),
        ("garbage", "unreadable"),
        ("empty", "unreadable"),
        ("newer", "unreadable"),
        ("dead", "interrupted (died)"),
        ("hostile", "finished"),
    ] {
        let line = listed
            .lines()
            .find(|line| line.split(' ').next() == Some(name))
            .unwrap_or_else(|| panic!("{name}: {listed}"));
        assert!(line.contains(state), "{line}");
    }
    assert!(!listed.lines().any(|line| line.starts_with("notes") || line.starts_with("file")), "{listed}");
    harmless(&listed);

    let outcome = sandbox.run(["compare"]).succeeded();
    harmless(&outcome.out);
    harmless(&outcome.err);
    assert!(outcome.out.lines().next().unwrap().trim_start().starts_with("good"), "{}", outcome.out);
    // By their names too; a single one that cannot be read is the error.
    let named = sandbox.run(["compare", "good", "torn", "garbage", "hostile"]).succeeded();
    assert!(named.err.contains("left out: runs/torn/record.json") && named.out.contains("hostile"), "{named:?}");
    sandbox.run(["compare", "torn"]).failed_saying(1, &["runs/torn/record.json"]);
    sandbox.run(["compare", "torn", "garbage"]).failed_saying(1, &["none of the 2 names"]);
    assert!(!outcome.out.contains("running"), "a dead run is not running: {}", outcome.out);
    for name in ["torn", "garbage", "empty", "newer"] {
        assert!(outcome.err.contains(&format!("runs/{name}")), "what is left out is told: {}", outcome.err);
    }
    sandbox.run(["compare", "torn"]).failed_saying(1, &["runs/torn/record.json", "line"]);
}

/// Nothing that a terminal would obey, nor text that it would show backwards.
fn harmless(text: &str) {
    let bad = |c: char| (c != '\n' && c.is_control()) || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(bad), "{text:?}");
}

/// As with a folder that others may not enter, which root may.
#[test]
fn an_unreadable_run_is_reported() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("runs")).unwrap();
    std::os::unix::fs::symlink("loop", sandbox.path("runs/loop")).unwrap();
    let listed = sandbox.run(["runs"]).succeeded().out;
    assert!(listed.lines().any(|line| line.starts_with("loop") && line.contains("unreadable")), "{listed}");
    assert!(listed.contains("runs/loop/record.json: cannot read the file"), "{listed}");
    for command in ["resume", "compare"] {
        sandbox.run([command, "loop"]).failed_saying(1, &["runs/loop: cannot look into the run's folder", "os error"]);
    }
}

#[test]
fn an_empty_folder_of_runs_is_fine_and_a_file_in_its_place_an_error() {
    let sandbox = Sandbox::new();
    assert!(sandbox.run(["runs"]).succeeded().out.contains("cargo xtask experiment"));
    sandbox.run(["compare"]).succeeded();
    sandbox.run(["runs", "--runs", "small.toml"]).failed_saying(1, &["small.toml", "folder"]);
}

/// `strata runs | head -1`.
#[test]
fn closed_pipe_is_no_error() {
    let sandbox = Sandbox::new();
    sandbox.train(["--set", "phases=[{epochs=1,lr=0.001}]"]).succeeded();
    let mut shell = std::process::Command::new("bash");
    sandbox.confine(&mut shell);
    shell.args(["-c", "set -o pipefail; \"$0\" compare | true"]).arg(program());
    let outcome = start(&mut shell).wait();
    assert!(matches!(outcome.code(), Some(0)) && outcome.err.is_empty(), "{outcome:?}");
}

/// Each table as another program reads it, and what a person says of a run beside what it recorded.
#[test]
fn runs_are_filtered_grouped_noted_evaluated_and_written_for_other_programs() {
    let sandbox = three_runs();
    let record = sandbox.read("runs/fair/record.json");
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&sandbox.run(arguments.iter().copied()).succeeded().out).unwrap()
    };
    let all = json(&["runs", "--format", "json"]);
    let of = |name: &str| all.as_array().unwrap().iter().find(|run| run["name"] == name).unwrap().clone();
    assert_eq!((of("good")["optimizer"].as_str(), of("fair")["epochs"][0].as_u64()), (Some("adam"), Some(2)));
    let some = json(&["runs", "--where", "phases.epochs == 2", "--where", "val_acc > 0", "--format", "json"]);
    assert_eq!((some.as_array().unwrap().len(), &some[0]["name"]), (1, &"fair".into()));
    let sorted = sandbox.run(["runs", "--sort", "val_acc", "--descending", "--format", "csv"]).succeeded().out;
    let names: Vec<_> = sorted.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names, ["good", "fair", "poor"], "{sorted}");
    let groups = json(&["runs", "--group", "optimizer.kind", "--format", "json"]);
    assert_eq!((groups[0]["optimizer"].as_str(), groups[0]["n"].as_u64()), (Some("adam"), Some(3)));
    assert!(groups[0]["val_acc_deviation"].as_f64().unwrap() > 0.0, "{groups}");
    sandbox.run(["runs", "--where", "val_acc"]).failed_saying(2, &["val_acc > 0.6"]);
    let none =
        sandbox.run(["runs", "--where", "tags == paper", "--sort", "val_acc", "--format", "csv"]).succeeded().out;
    assert!(none.starts_with("name,status,") && none.lines().count() == 1, "{none}");
    sandbox.run(["runs", "--where", "val_acc > 0,6"]).failed_saying(2, &["`val_acc` is a number", "\"0,6\"", "0.6"]);
    sandbox.run(["runs", "--sort", "accuracy"]).failed_saying(2, &["`accuracy`", "val_acc"]);

    let history = json(&["history", "fair", "--format", "json"]);
    assert_eq!(history.as_array().unwrap().len(), 3);
    assert_eq!((history[0]["epoch"].as_u64(), history[2]["epoch"].as_u64()), (None, Some(1)));
    assert_eq!(history[2]["val_acc"], of("fair")["val_acc"]);
    let latex = sandbox.run(["compare", "good", "fair", "--format", "latex"]).succeeded().out;
    assert!(latex.starts_with("\\begin{tabular}") && latex.contains("val\\_acc & false & "), "{latex}");

    sandbox.run(["note", "fair", "a longer one", "--tag", "paper"]).succeeded();
    assert!(sandbox.run(["note", "fair"]).succeeded().out.contains("tags: paper\n"));
    assert_eq!(json(&["runs", "--where", "tags == paper", "--format", "json"])[0]["notes"], "a longer one");
    assert!(sandbox.read("runs/fair/record.json") == record, "what the run recorded is untouched");
    sandbox.run(["note", "fair", "--tag", "two words"]).failed_saying(2, &["two words"]);
    let notes = sandbox.read("runs/fair/notes.jsonl");
    sandbox.run(["note", "fair", "--untag", "papr"]).failed_saying(2, &["no tag \"papr\"", "its tags: paper"]);
    assert!(sandbox.read("runs/fair/notes.jsonl") == notes);

    let evaluation = json(&["evaluate", "fair", "--json"]);
    assert_eq!((&evaluation["accuracy"], &evaluation["loss"]), (&of("fair")["test_acc"], &of("fair")["test_loss"]));
    let validation = sandbox.run(["evaluate", "fair", "--on", "validation"]).succeeded().out;
    assert!(validation.starts_with("fair, validation: ") && validation.contains("precision"), "{validation}");
    // Both views apart from the plain figures, never instead.
    let mut views = json(&["evaluate", "fair", "--mirrored", "--json"]);
    let both = views.as_object_mut().unwrap().remove("mirrored").unwrap();
    assert_eq!(views, evaluation);
    assert!(both["loss"] != evaluation["loss"] && both["samples"] == evaluation["samples"], "{both}");
    let together = sandbox.run(["evaluate", "good", "fair", "--ensemble", "--mirrored"]).succeeded().out;
    let titles = ["good alone: ", "\nensemble of 2 runs, test: ", "\n\nensemble of 2 runs by both views, test: "];
    assert!(titles.iter().all(|title| together.contains(title)), "{together}");
    let own = sandbox.run(["evaluate", "fair", "--mirrored", "--on", "runs"]);
    own.failed_saying(2, &["--mirrored", "a part of the runs' own data"]);
}
