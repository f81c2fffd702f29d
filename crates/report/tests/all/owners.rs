//! Who holds a run, and how a listing tells the living from the dead.

#![allow(clippy::unwrap_used, reason = "what tests share fails as tests do")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::run;
use strata_report::{Record, RunFolder, RunState, Status, list_runs, read_record_as_it_stands};

#[test]
fn a_second_owner_is_told_who_holds_the_run() {
    let runs = tempfile::tempdir().unwrap();
    let first = run(runs.path(), "a", 0);
    let text = RunFolder::open(first.path()).unwrap_err().to_string();
    assert!(text.contains("another process is writing this run"), "{text}");
    // Elsewhere a locked file cannot be read, and the owner is unknown.
    if cfg!(unix) {
        assert!(text.contains(&format!("(process {} on ", std::process::id())) && text.contains("since 20"), "{text}");
    }
    let path = first.path().to_path_buf();
    drop(first);
    RunFolder::open(&path).unwrap();
}

/// The test starts itself as another process, which takes the run and is killed (on Unix by SIGKILL).
#[test]
fn a_killed_owner_frees_the_lock_and_its_run_is_listed_as_dead() {
    const HOLD: &str = "STRATA_TEST_HOLDS_THE_RUN";
    if let Some(path) = std::env::var_os(HOLD) {
        let _held = RunFolder::open(Path::new(&path)).unwrap();
        println!("\nheld");
        std::io::stdin().lines().for_each(drop);
        return;
    }
    let runs = tempfile::tempdir().unwrap();
    let path = {
        let folder = run(runs.path(), "a", 1);
        folder.write_record(&Record::new("a", vec![])).unwrap();
        folder.path().to_path_buf()
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "owners::a_killed_owner_frees_the_lock_and_its_run_is_listed_as_dead", "--nocapture"])
        .env(HOLD, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(output.any(|line| line.unwrap() == "held"), "the other process did not get the run");

    let state = || list_runs(runs.path()).unwrap().remove(0).state;
    assert_eq!(state(), RunState::Known(Status::Running));
    assert_eq!(RunState::of(&path).in_words(), "it is running");
    let recorded = || read_record_as_it_stands(&path).unwrap();
    assert_eq!((recorded().status, recorded().reason), (Status::Running, None));
    let error = RunFolder::open(&path).unwrap_err().to_string();
    assert!(!cfg!(unix) || error.contains(&format!("process {} on", child.id())), "{error}");

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(state(), RunState::Died);
    assert_eq!(RunState::of(&path).in_words(), "it was killed; resume it");
    assert_eq!((recorded().status, recorded().reason.as_deref()), (Status::Interrupted, Some("it was killed")));
    RunFolder::open(&path).unwrap();
}

#[test]
fn the_listing_shows_running_dead_and_unreadable_runs() {
    let runs = tempfile::tempdir().unwrap();
    let write = |name: &str, status: Status, started: &str| {
        let folder = run(runs.path(), name, 1);
        let record = Record { status, started: started.into(), ..Record::new(name, vec![]) };
        folder.write_record(&record).unwrap();
        folder
    };
    drop(write("finished", Status::Finished, "2026-01-02T00:00:00Z"));
    drop(write("died", Status::Running, "2026-01-01T00:00:00Z"));
    let _living = write("living", Status::Running, "2026-01-03T00:00:00Z");
    let _starting = run(runs.path(), "starting", 0);
    drop(run(runs.path(), "stillborn", 0));
    let damaged = run(runs.path(), "damaged", 0).path().to_path_buf();
    fs::write(damaged.join("record.json"), "{\"schema\": 100,\n \"id\": 7}").unwrap();
    fs::create_dir(runs.path().join("no-run")).unwrap();
    fs::write(runs.path().join("file"), "").unwrap();

    let listed = list_runs(runs.path()).unwrap();
    let rows: Vec<_> = listed.iter().map(|run| (run.name.as_str(), run.state.as_str())).collect();
    let want = [
        ("died", "interrupted (died)"),
        ("finished", "finished"),
        ("living", "running"),
        ("damaged", "unreadable"),
        ("starting", "running (starting)"),
        ("stillborn", "interrupted (died)"),
    ];
    assert_eq!(rows, want);
    let RunState::Unreadable(why) = &listed[3].state else { panic!("{:?}", listed[3]) };
    assert!(why.contains("record.json line 2: invalid type: integer `7`, expected a string"), "{why}");
    assert!(list_runs(&runs.path().join("absent")).unwrap().is_empty());
    assert!(list_runs(&runs.path().join("file")).is_err());
}
