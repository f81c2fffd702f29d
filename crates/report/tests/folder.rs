//! A run's folder as another crate drives it: names, owners, appends, resumes, listings.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use std::fs;
use std::path::Path;

use strata_report::{
    HistoryLine, Record, ReportError, RunFolder, RunState, Status, TimingLine, join_history,
    list_runs, read_history, read_record, read_timing,
};

fn line(epoch: Option<usize>) -> HistoryLine {
    let at = epoch.map_or(0.0, |e| e as f64 + 1.0);
    HistoryLine {
        phase: epoch.map(|_| 0),
        epoch,
        lr: epoch.map(|_| 0.1),
        train_loss: epoch.map(|_| 2.0 / (1.0 + at)),
        train_acc: None,
        val_loss: 2.308 / (1.0 + at),
        val_acc: 0.1 + at / 100.0,
    }
}

fn timing(epoch: Option<usize>) -> TimingLine {
    TimingLine {
        epoch,
        seconds: 1.5,
        samples_per_second: 30_000.0,
        finished: "2026-11-23T22:51:19.042Z".into(),
    }
}

/// A run of an initial evaluation and `epochs` epochs.
fn run(runs: &Path, name: &str, epochs: usize) -> RunFolder {
    let folder = RunFolder::create_exact(runs, name).unwrap();
    folder.write_config("seed = 43\n").unwrap();
    for epoch in std::iter::once(None).chain((0..epochs).map(Some)) {
        folder.append_history(&line(epoch)).unwrap();
        folder.append_timing(&timing(epoch)).unwrap();
    }
    folder
}

#[test]
fn a_taken_name_is_numbered_or_refused_as_asked() {
    let runs = tempfile::tempdir().unwrap();
    let made: Vec<String> = (0..3)
        .map(|_| {
            let folder = RunFolder::create(runs.path(), "a").unwrap();
            folder.write_config("").unwrap();
            folder.name()
        })
        .collect();
    assert_eq!(made, ["a", "a-2", "a-3"]);
    let error = RunFolder::create_exact(runs.path(), "a-2").unwrap_err();
    assert!(error.is_usage());
    let text = error.to_string();
    assert!(
        text.contains("a-2: a run of this name exists; choose another --name"),
        "{text}"
    );
}

#[test]
fn two_threads_never_get_one_folder() {
    let runs = tempfile::tempdir().unwrap();
    let make = || {
        let folder = RunFolder::create(runs.path(), "seed").unwrap();
        folder.write_config("").unwrap();
        folder.name()
    };
    let mut names: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8, "{names:?}");
}

#[test]
fn names_that_are_no_file_names_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    let long = "x".repeat(101);
    for name in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "../a",
        "a b",
        "a\u{1b}[2J",
        "größe",
        "a\0",
        &long,
    ] {
        let error = RunFolder::create(&runs, name).unwrap_err();
        assert!(
            matches!(error, ReportError::InvalidName { .. }),
            "{name:?}: {error}"
        );
        assert!(!error.to_string().chars().any(char::is_control), "{name:?}");
    }
    assert!(!runs.exists());
    assert_eq!(
        RunFolder::create(&runs, &long[1..]).unwrap().name().len(),
        100
    );
}

#[test]
fn a_file_where_the_runs_should_be_is_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    fs::write(&runs, "in the way").unwrap();
    let text = RunFolder::create(&runs, "a").unwrap_err().to_string();
    assert!(
        text.contains("runs: cannot make the folder") && text.contains("--runs"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(&runs).unwrap(), "in the way");
}

#[test]
fn a_folder_that_nobody_wrote_to_goes_again() {
    let runs = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(runs.path(), "a").unwrap();
    let path = folder.path().to_path_buf();
    assert!(path.join("lock").exists());
    drop(folder);
    assert!(!path.exists());
}

#[test]
fn a_second_owner_is_told_who_holds_the_run() {
    let runs = tempfile::tempdir().unwrap();
    let first = run(runs.path(), "a", 0);
    let text = RunFolder::open(first.path()).unwrap_err().to_string();
    let pid = std::process::id();
    assert!(
        text.contains(&format!(
            "another process is writing this run (process {pid} on "
        )),
        "{text}"
    );
    assert!(text.contains("since 20"), "{text}");
    let path = first.path().to_path_buf();
    drop(first);
    RunFolder::open(&path).unwrap();
}

#[test]
fn opening_what_is_no_run_is_the_users_mistake_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_path_buf(), dir.path().join("absent")] {
        let error = RunFolder::open(&path).unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains("no config.toml"),
            "{error}"
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn opening_removes_what_a_killed_write_left_and_nothing_else() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let path = folder.path().to_path_buf();
    fs::create_dir(folder.checkpoints()).unwrap();
    drop(folder);
    let stale = [
        path.join(".strata-tmp-Ab12"),
        path.join("checkpoints/.strata-tmp-Cd34"),
    ];
    let kept = [
        path.join("notes.txt"),
        path.join("checkpoints/last.safetensors"),
    ];
    for file in stale.iter().chain(&kept) {
        fs::write(file, "x").unwrap();
    }
    RunFolder::open(&path).unwrap();
    assert!(stale.iter().all(|file| !file.exists()));
    assert!(kept.iter().all(|file| file.exists()));
}

#[test]
fn history_is_the_seeds_alone_and_timing_joins_it_by_epoch() {
    let runs = tempfile::tempdir().unwrap();
    let (a, b) = (run(runs.path(), "a", 3), run(runs.path(), "b", 3));
    let bytes = |folder: &RunFolder| fs::read(folder.path().join("history.jsonl")).unwrap();
    assert_eq!(bytes(&a), bytes(&b));
    assert!(bytes(&a).starts_with(
        b"{\"phase\":null,\"epoch\":null,\"lr\":null,\"train_loss\":null,\"val_loss\":2.308,"
    ));
    let history = read_history(a.path()).unwrap().entries;
    let timing = read_timing(a.path()).unwrap().entries;
    let joined = join_history(&history, &timing[..3]);
    assert_eq!(joined.len(), 4);
    assert_eq!(joined[2].seconds, 1.5);
    assert!(joined[3].seconds.is_nan());
}

#[test]
fn a_resume_cuts_history_and_timing_to_the_checkpoint_byte_for_byte() {
    let runs = tempfile::tempdir().unwrap();
    let (long, short) = (run(runs.path(), "long", 5), run(runs.path(), "short", 2));
    // A kill between the two appends: timing lacks an epoch, and the history's last line is torn.
    fs::write(long.path().join("history.jsonl"), {
        let mut text = fs::read(long.path().join("history.jsonl")).unwrap();
        text.extend(b"{\"phase\":0,\"ep");
        text
    })
    .unwrap();
    long.truncate_history(3).unwrap();
    for file in ["history.jsonl", "timing.jsonl"] {
        let bytes = |folder: &RunFolder| fs::read(folder.path().join(file)).unwrap();
        assert_eq!(bytes(&long), bytes(&short), "{file}");
    }
    let error = long.truncate_history(4).unwrap_err();
    assert!(
        matches!(
            error,
            ReportError::ShortHistory {
                found: 3,
                wanted: 4,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(read_history(long.path()).unwrap().entries.len(), 3);

    long.truncate_history(0).unwrap();
    assert!(read_history(long.path()).unwrap().entries.is_empty());
    assert!(read_timing(long.path()).unwrap().entries.is_empty());
}

#[test]
fn a_lost_history_is_written_anew_from_a_checkpoints() {
    let runs = tempfile::tempdir().unwrap();
    let (lost, whole) = (run(runs.path(), "lost", 4), run(runs.path(), "whole", 2));
    fs::write(lost.path().join("history.jsonl"), "not json\n").unwrap();
    lost.rewrite_history(&[line(None), line(Some(0)), line(Some(1))])
        .unwrap();
    for file in ["history.jsonl", "timing.jsonl"] {
        let bytes = |folder: &RunFolder| fs::read(folder.path().join(file)).unwrap();
        assert_eq!(bytes(&lost), bytes(&whole), "{file}");
    }
}

#[test]
fn losses_that_are_not_finite_stay_readable() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let diverged = HistoryLine {
        train_loss: Some(f64::INFINITY),
        val_loss: f64::NAN,
        ..line(Some(0))
    };
    folder.append_history(&diverged).unwrap();
    let mut record = Record::new("a", vec![]);
    record.status = Status::Failed;
    record.reason = Some("training loss is not finite in epoch 0".into());
    record.metrics.val_loss = Some(f64::NAN);
    record.history.push(diverged.with_seconds(1.0));
    folder.write_record(&record).unwrap();

    let read = read_history(folder.path()).unwrap();
    assert!(read.entries[1].val_loss.is_nan());
    assert_eq!(read.entries[1].train_loss, None);
    let read = read_record(folder.path()).unwrap();
    assert!(read.history[0].val_loss.is_nan());
    assert_eq!(read.metrics.val_loss, None);
    assert_eq!(read.reason, record.reason);
}

#[test]
fn a_failed_write_keeps_the_earlier_record() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let record = Record::new("a", vec![]);
    folder.write_record(&record).unwrap();
    // The folder is gone from under the run: nothing can be written, and it says so.
    let moved = runs.path().join("moved");
    fs::rename(folder.path(), &moved).unwrap();
    let error = folder.write_record(&Record::new("b", vec![])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("record.json: cannot write the file"),
        "{error}"
    );
    assert_eq!(read_record(&moved).unwrap(), record);
}

#[test]
fn the_listing_tells_the_living_from_the_dead_and_shows_what_it_cannot_read() {
    let runs = tempfile::tempdir().unwrap();
    let write = |name: &str, status: Status, started: &str| {
        let folder = run(runs.path(), name, 1);
        let record = Record {
            status,
            started: started.into(),
            ..Record::new(name, vec![])
        };
        folder.write_record(&record).unwrap();
        folder
    };
    drop(write("finished", Status::Finished, "2026-01-02T00:00:00Z"));
    drop(write("died", Status::Running, "2026-01-01T00:00:00Z"));
    let _living = write("living", Status::Running, "2026-01-03T00:00:00Z");
    let _starting = run(runs.path(), "starting", 0);
    drop(run(runs.path(), "stillborn", 0));
    let damaged = run(runs.path(), "damaged", 0).path().to_path_buf();
    fs::write(
        damaged.join("record.json"),
        "{\"schema\": 100,\n \"id\": 7}",
    )
    .unwrap();
    fs::create_dir(runs.path().join("no-run")).unwrap();
    fs::write(runs.path().join("file"), "").unwrap();

    let rows: Vec<(String, String)> = list_runs(runs.path())
        .unwrap()
        .into_iter()
        .map(|s| {
            let state = match s.state {
                RunState::Unreadable(why) => {
                    assert!(
                        why.contains(
                            "record.json line 2: invalid type: integer `7`, expected a string"
                        ),
                        "{why}"
                    );
                    "unreadable".into()
                }
                state => state.describe(),
            };
            (s.name, state)
        })
        .collect();
    let want = [
        ("died", "interrupted (died)"),
        ("finished", "finished"),
        ("living", "running"),
        ("damaged", "unreadable"),
        ("starting", "running (starting)"),
        ("stillborn", "interrupted (died)"),
    ];
    assert_eq!(
        rows,
        want.map(|(name, state)| (name.to_owned(), state.to_owned()))
    );
    assert!(list_runs(&runs.path().join("absent")).unwrap().is_empty());
    assert!(list_runs(&runs.path().join("file")).is_err());
}
