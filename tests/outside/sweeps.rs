//! `sweep`: members that are killed with their driver, drivers that share a sweep, one that is stopped, and what is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Sandbox, wait_until};
use crate::random::{Random, rounds};

const SWEEP: &str = r#"base = "small.toml"
set = ["checkpoint.every_steps=2"]
method = "random"
seeds = 2
budget = { members = 10 }

[keys]
"phases.0.lr" = { low = 1e-4, high = 1e-2, scale = "log" }
"phases.0.epochs" = [4, 6]
"#;
const RUN: [&str; 4] = ["sweep", "rates.toml", "--jobs", "2"];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("rates.toml", SWEEP);
    sandbox
}

/// The journal's events.
fn events(sandbox: &Sandbox) -> Vec<Value> {
    let text = sandbox.text("runs/rates/journal.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many events of a kind each member has.
fn count(events: &[Value], kind: &str) -> BTreeMap<(u64, u64), usize> {
    let mut counts = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == kind) {
        let place = |key: &str| event[key].as_u64().unwrap();
        *counts.entry((place("point"), place("seed"))).or_default() += 1;
    }
    counts
}

fn finished(sandbox: &Sandbox) -> usize {
    let text = std::fs::read_to_string(sandbox.path("runs/rates/journal.jsonl")).unwrap_or_default();
    text.matches("\"event\":\"finished\"").count()
}

/// The members of a sweep, by name, with what config and seed decide of each.
fn results(sandbox: &Sandbox) -> BTreeMap<String, [Vec<u8>; 2]> {
    let names = sandbox.names("runs/rates").into_iter().filter(|name| name.starts_with('p'));
    names.map(|name| (name.clone(), sandbox.result(&format!("rates/{name}")))).collect()
}

/// The driver alone is killed: its members go on, are left alone while they do, and are found ended by the next driver.
#[test]
fn a_sweep_whose_drivers_are_killed_ends_in_the_members_of_one_that_was_not() {
    let whole = sandbox();
    whole.run(RUN).succeeded();
    let expected = results(&whole);
    assert_eq!(expected.len(), 10);

    let sandbox = sandbox();
    let mut random = Random(7);
    let mut kills = 0;
    for _ in 0..rounds(5) {
        let mut driver = sandbox.start(RUN);
        std::thread::sleep(Duration::from_millis(random.below(400) as u64));
        kills += usize::from(driver.is_running());
        driver.kill();
    }
    assert!(kills > 0);
    let outcome = sandbox.run(RUN).succeeded();
    assert!(outcome.out.contains("10 finished"), "{outcome:?}");
    assert!(results(&sandbox) == expected);
    let ended = count(&events(&sandbox), "finished");
    assert!(ended.len() == 10 && ended.values().all(|count| *count == 1), "{ended:?}");

    let best = sandbox.run(["sweep", "best", "rates", "--out", "best.toml"]).succeeded();
    assert!(best.out.contains("val_acc"), "{best:?}");
    sandbox.run(["experiment", "best.toml"]).succeeded();
    let csv = sandbox.run(["sweep", "export", "rates"]).succeeded();
    assert_eq!(csv.out.lines().count(), 11, "{}", csv.out);
}

#[test]
fn drivers_share_a_sweep_and_one_that_is_stopped_keeps_its_member_for_itself() {
    let sandbox = sandbox();
    let first = sandbox.start(["sweep", "rates.toml", "--jobs", "1"]);
    wait_until("a member has finished", || finished(&sandbox) > 0);
    first.signal("STOP");
    let others = [(); 2].map(|()| sandbox.start(["sweep", "rates.toml", "--jobs", "1"]));
    for other in others {
        other.wait().succeeded();
    }
    // It is the first one's to end, unless it was stopped between two.
    assert!((9..=10).contains(&finished(&sandbox)), "{}", finished(&sandbox));
    first.signal("CONT");
    first.wait().succeeded();
    let events = events(&sandbox);
    for kind in ["claimed", "finished"] {
        let counts = count(&events, kind);
        assert!(counts.len() == 10 && counts.values().all(|count| *count == 1), "{kind}: {counts:?}");
    }
}

#[test]
fn a_stopped_sweep_goes_on_and_a_failed_member_is_told_and_tried_again() {
    let sandbox = sandbox();
    let driver = sandbox.start(RUN);
    wait_until("a member has finished", || finished(&sandbox) > 0);
    sandbox.run(["sweep", "stop", "rates"]).succeeded();
    let stopped = driver.wait();
    if stopped.code() == Some(130) {
        stopped.failed_saying(130, &["runs/rates: interrupted", "cargo xtask sweep runs/rates"]);
    }
    // A member whose folder cannot be made fails; the others do not.
    sandbox.write("runs/rates/p0004-s2/config.toml", "seed = 1");
    let outcome = sandbox.run(["sweep", "runs/rates", "--jobs", "2"]);
    outcome.failed_saying(1, &["1 of 10 members failed", "--retry-failed"]);
    assert!(outcome.out.contains("p0004-s2 failed"), "{outcome:?}");
    std::fs::remove_dir_all(sandbox.path("runs/rates/p0004-s2")).unwrap();
    sandbox.run(["sweep", "rates", "--retry-failed"]).succeeded();
    assert!(sandbox.run(["sweep", "status", "rates"]).succeeded().out.contains("10 finished"));
}

/// The members of a sweep, by name, that `export` says stand so.
fn exported(sandbox: &Sandbox, state: &str) -> Vec<String> {
    let json = sandbox.run(["sweep", "export", "rates", "--format", "json"]).succeeded().out;
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    let rows = rows.iter().filter(|row| row["state"] == state);
    rows.map(|row| row["member"].as_str().unwrap().to_owned()).collect()
}

/// Kills a driver in the midst of its first two members, which go on, and gives their names.
fn orphans(sandbox: &Sandbox) -> [String; 2] {
    let driver = sandbox.start(RUN);
    let names = ["p0000-s1", "p0000-s2"];
    wait_until("two members train", || names.iter().all(|name| sandbox.history_lines(&format!("rates/{name}")) > 0));
    driver.kill();
    names.map(str::to_owned)
}

#[test]
fn the_members_of_a_killed_driver_are_told_as_they_stand() {
    let sandbox = sandbox();
    // Long enough to be looked at while they train, on any machine.
    sandbox.write("rates.toml", SWEEP.replace("[4, 6]", "[300]"));
    let names = orphans(&sandbox);
    let running = exported(&sandbox, "running");
    assert!(running.iter().all(|name| names.contains(name)), "{running:?}");
    wait_until("both have finished", || {
        names.iter().all(|name| sandbox.status(&format!("rates/{name}")) == "finished")
    });
    wait_until("their processes have ended", || exported(&sandbox, "finished").len() == 2);
    let status = sandbox.run(["sweep", "status", "rates"]).succeeded();
    assert!(status.out.starts_with("rates: 2 finished, 0 running, 0 paused, 0 interrupted, 8 pending"), "{status:?}");
    assert_eq!(exported(&sandbox, "finished"), names);
    for found in [2, 0] {
        let collected = sandbox.run(["sweep", "collect", "rates"]).succeeded();
        let expected = format!("{found} members were found ended; 2 of 10 finished, 0 failed");
        assert!(collected.out.starts_with(&expected), "{collected:?}");
    }
    assert_eq!(finished(&sandbox), 2);
}

#[test]
fn a_stop_reaches_the_members_of_a_killed_driver() {
    let sandbox = sandbox();
    // They end by themselves some day, should the stop not reach them.
    sandbox.write("rates.toml", SWEEP.replace("[4, 6]", "[3000]"));
    let names = orphans(&sandbox);
    // As if another machine ran the first: its number is no process's of this one.
    let lock = format!("runs/rates/{}/lock", names[0]);
    let mut owner: Value = serde_json::from_slice(&sandbox.read(&lock)).unwrap();
    let here = std::mem::replace(&mut owner["host"], "another-machine".into());
    sandbox.write(&lock, owner.to_string());
    let stopped = sandbox.run(["sweep", "stop", "rates"]);
    stopped.failed_saying(1, &[&format!("cannot stop {} (process ", names[0]), "another-machine"]);
    let asked = |name: &str| {
        format!("0 processes at work on it were asked to stop\nmembers whose driver is gone were asked too: {name}\n")
    };
    assert_eq!(stopped.out, asked(&names[1]));
    owner["host"] = here;
    sandbox.write(&lock, owner.to_string());
    wait_until("the second was interrupted", || sandbox.status(&format!("rates/{}", names[1])) == "interrupted");
    wait_until("the second's process has ended", || !exported(&sandbox, "running").contains(&names[1]));
    assert_eq!(sandbox.run(["sweep", "stop", "rates"]).succeeded().out, asked(&names[0]));
    let ended = |name: &String| sandbox.status(&format!("rates/{name}")) == "interrupted";
    wait_until("both were interrupted", || names.iter().all(ended));
    let stands = || sandbox.run(["sweep", "status", "rates"]).succeeded().out;
    wait_until("nothing runs", || stands().starts_with("rates: 0 finished, 0 running, 0 paused, 2 interrupted"));
    let again = sandbox.run(["sweep", "stop", "rates"]).succeeded();
    assert_eq!(again.out, "0 processes at work on it were asked to stop\n");
}

#[test]
fn what_is_wrong_with_a_sweep_is_told_before_anything_runs() {
    let sandbox = sandbox();
    let rows = [
        ("\"phases.0.lr\"", "\"phases.0.lrr\"", "rates.toml:8: phases.0.lrr"),
        ("[4, 6]", "[]", "rates.toml:9: phases.0.epochs: is empty"),
        ("low = 1e-4", "low = 0.0", "a logarithmic range begins above 0"),
        ("\"phases.0.epochs\" = [4, 6]", "\"model.hidden\" = [[65536, 65536]]", "parameters"),
        ("\"phases.0.epochs\" = [4, 6]", "\"model.hidden\" = [[7]]", "without the network 3072, 7, 10"),
    ];
    for (text, wrong, expected) in rows {
        sandbox.write("rates.toml", SWEEP.replace(text, wrong));
        let outcome = sandbox.run(RUN);
        let line = outcome.failed(if expected.contains("without") { 1 } else { 2 });
        assert!(line.contains(expected), "{line}");
    }
    assert_eq!(sandbox.names("runs"), [""; 0]);
}

/// Real runs that pause at rungs, go on and, some of them, end: against runs that nothing ever paused. The schedule is one over all epochs, and the
/// optimizer has a state, so that a pause that lost either would show.
#[test]
fn a_member_that_paused_at_its_rungs_is_the_run_that_was_never_paused() {
    const HALVING: &str = "\n[halving]\nfirst = 1\nfactor = 2\n";
    let [whole, halved] = ["", HALVING].map(|halving| {
        let sandbox = sandbox();
        let keys = "\"phases.0.lr\" = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03]\n";
        let set = "set = [\"phases.0.epochs=5\", \"phases.0.schedule=cosine\"]";
        sandbox
            .write("rates.toml", format!("base = \"small.toml\"\n{set}\nmethod = \"grid\"\n[keys]\n{keys}{halving}"));
        sandbox.run(RUN).succeeded();
        sandbox
    });
    let expected = results(&whole);
    assert_eq!(expected.len(), 6);
    let events = events(&halved);
    let (paused, ended) = (count(&events, "paused"), count(&events, "finished"));
    assert_eq!(paused.len(), 6, "each waits at the first rung: {paused:?}");
    assert!(
        ended.len() < 6 && ended.keys().any(|member| paused[member] == 3),
        "rungs 1, 2 and 4: {paused:?} {ended:?}"
    );
    for (name, [_, history]) in &expected {
        let point: u64 = name[1..5].parse().unwrap();
        if ended.contains_key(&(point, 0)) {
            assert!(halved.result(&format!("rates/{name}")) == expected[name], "{name}");
        } else {
            let begun = std::fs::read(halved.path(&format!("runs/rates/{name}/history.jsonl"))).unwrap();
            assert!(begun.len() < history.len() && history.starts_with(&begun), "{name}");
        }
    }
}

/// What is only shown begins nothing, so that the file may still be changed; what Slurm is to be told is not taken without a word.
#[test]
fn a_job_array_that_is_only_shown_leaves_no_folder() {
    let sandbox = sandbox();
    let array = ["sweep", "rates.toml", "--launcher", "slurm", "--dry-run"];
    for option in [&["--jobs", "2"][..], &["--device", "cpu"], &["--retry-failed"]] {
        let refused = sandbox.run(array.iter().chain(option));
        refused.failed_saying(2, &[option[0], "with --launcher slurm"]);
    }
    let shown = sandbox.run(array).succeeded().out;
    assert!(shown.starts_with("#!") && shown.contains("#SBATCH"), "{shown}");
    assert!(!sandbox.path("runs/rates").exists());

    // Of a sweep that was begun it shows the same and leaves all of it.
    sandbox.run(RUN).succeeded();
    let before = results(&sandbox);
    assert!(!before.is_empty());
    assert_eq!(sandbox.run(array).succeeded().out, shown);
    assert!(results(&sandbox) == before, "nothing of what was trained is gone");
    sandbox.write("rates.toml", format!("{SWEEP}# another\n"));
    sandbox.run(array).failed_saying(2, &["runs/rates", "another file"]);
    assert!(results(&sandbox) == before);
}
