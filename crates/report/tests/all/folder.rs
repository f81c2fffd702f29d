//! A run's folder as another crate drives it: names, appends, resumes, failed writes.

#![allow(clippy::unwrap_used, reason = "what tests share fails as tests do")]

use std::fs;

use crate::common::{line, run};
use strata_report::{
    HistoryDigest, HistoryEntry, HistoryRow, Record, ReportError, RunFolder, Status, free_checkpoints, join_history,
    list_runs, read_history, read_record, read_record_to_write, read_timing, remove_run,
};

#[test]
fn a_taken_run_name_is_numbered_or_refused() {
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
    assert!(text.contains("a-2: a run of this name exists; choose another name"), "{text}");
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
fn run_names_that_are_no_file_names_are_refused_before_any_folder_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    let long = "x".repeat(101);
    for name in ["", ".", "..", ".hidden", "a/b", "../a", "a b", "a\u{1b}[2J", "größe", "a\0", &long] {
        let error = RunFolder::create(&runs, name).unwrap_err();
        assert!(matches!(error, ReportError::InvalidName { .. }), "{name:?}: {error}");
        assert!(!error.to_string().chars().any(char::is_control), "{name:?}");
    }
    assert!(!runs.exists());
    assert_eq!(RunFolder::create(&runs, &long[1..]).unwrap().name().len(), 100);
}

#[test]
fn a_file_as_the_folder_of_runs_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    fs::write(&runs, "in the way").unwrap();
    let text = RunFolder::create(&runs, "a").unwrap_err().to_string();
    assert!(text.contains("runs: cannot make the folder") && text.contains("move it away"), "{text}");
    assert_eq!(fs::read_to_string(&runs).unwrap(), "in the way");
}

#[test]
fn a_folder_in_the_records_place_is_an_error_that_names_it_and_leaves_no_temporary() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    fs::create_dir(folder.path().join("record.json")).unwrap();
    let before = fs::read_dir(folder.path()).unwrap().count();
    let error = folder.write_record(&Record::new("a", Vec::new())).unwrap_err().to_string();
    assert!(error.contains("record.json: cannot write the file"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
}

#[test]
fn a_run_folder_without_files_is_removed() {
    let runs = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(runs.path(), "a").unwrap();
    let path = folder.path().to_path_buf();
    assert!(path.join("lock").exists());
    drop(folder);
    assert!(!path.exists());
}

#[test]
fn opening_a_folder_without_a_run_is_an_error_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_path_buf(), dir.path().join("absent")] {
        let error = RunFolder::open(&path).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("no config.toml"), "{error}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// cargo's folder and web sites have a `config.toml` too.
#[test]
fn another_programs_folder_is_no_run_and_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["config.toml", "thesis.txt"] {
        fs::write(dir.path().join(file), "mine").unwrap();
    }
    for refused in [remove_run(dir.path()), free_checkpoints(dir.path()).map(|_| 0)] {
        assert!(matches!(refused, Err(ReportError::NotARun { .. })), "{refused:?}");
    }
    assert!(!RunFolder::is_at(dir.path()).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

/// A kill, or a full disk, between what a run begins from and its config.
#[test]
fn what_a_run_without_a_config_left_is_taken_over_and_gone() {
    let runs = tempfile::tempdir().unwrap();
    let left = runs.path().join("a");
    fs::create_dir(&left).unwrap();
    for file in ["lock", "parent.json", "change-0123abcd.diff"] {
        fs::write(left.join(file), "{}").unwrap();
    }
    assert!(list_runs(runs.path()).unwrap().is_empty());
    let folder = RunFolder::create_exact(runs.path(), "a").unwrap();
    assert!(!left.join("parent.json").exists() && !left.join("change-0123abcd.diff").exists());
    folder.write_change("+one").unwrap();
    drop(folder);
    assert!(!left.exists());
    fs::create_dir(&left).unwrap();
    fs::write(left.join("mine.diff"), "").unwrap();
    assert!(matches!(RunFolder::create_exact(runs.path(), "a"), Err(ReportError::Taken { .. })));
}

#[test]
fn opening_removes_temporaries_of_killed_writes_only() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let path = folder.path().to_path_buf();
    fs::create_dir(folder.checkpoints()).unwrap();
    drop(folder);
    let stale = [path.join(".strata-tmp-Ab12"), path.join("checkpoints/.strata-tmp-Cd34")];
    let kept = [path.join("notes.txt"), path.join("checkpoints/last.safetensors")];
    for file in stale.iter().chain(&kept) {
        fs::write(file, "x").unwrap();
    }
    RunFolder::open(&path).unwrap();
    assert!(stale.iter().all(|file| !file.exists()));
    assert!(kept.iter().all(|file| file.exists()));
}

#[test]
fn history_holds_no_times_and_timing_is_joined_by_epoch() {
    let runs = tempfile::tempdir().unwrap();
    let (a, b) = (run(runs.path(), "a", 3), run(runs.path(), "b", 3));
    let bytes = |folder: &RunFolder| fs::read(folder.path().join("history.jsonl")).unwrap();
    assert_eq!(bytes(&a), bytes(&b));
    assert!(
        bytes(&a).starts_with(b"{\"phase\":null,\"epoch\":null,\"lr\":null,\"train_loss\":null,\"val_loss\":2.308,")
    );
    let history = read_history(a.path()).unwrap().entries;
    let timing = read_timing(a.path()).unwrap().entries;
    let joined = join_history(&history, &timing[..3]);
    assert_eq!(joined.len(), 4);
    assert_eq!(joined[2].seconds, 1.5);
    assert!(joined[3].seconds.is_nan());
}

#[test]
fn a_resume_writes_the_checkpoints_history_and_cuts_the_timing_to_it() {
    let runs = tempfile::tempdir().unwrap();
    let (long, short) = (run(runs.path(), "long", 5), run(runs.path(), "short", 2));
    let bytes = |folder: &RunFolder, file: &str| fs::read(folder.path().join(file)).unwrap();
    let history = [line(None), line(Some(0)), line(Some(1))];
    // What a kill or a damage left of it counts for nothing: the checkpoint holds it all.
    let torn = [bytes(&long, "history.jsonl"), b"{\"phase\":0,\"ep".to_vec()].concat();
    for found in [torn, b"not json\n".to_vec()] {
        fs::write(long.path().join("history.jsonl"), found).unwrap();
        long.rewrite_history(&history).unwrap();
        for file in ["history.jsonl", "timing.jsonl"] {
            assert_eq!(bytes(&long, file), bytes(&short, file), "{file}");
        }
    }
    // The second is longer than any line that is read.
    for damage in [b"not json\n".to_vec(), vec![b' '; (1 << 20) + 1]] {
        fs::write(long.path().join("timing.jsonl"), [bytes(&short, "timing.jsonl"), damage].concat()).unwrap();
        long.rewrite_history(&history).unwrap();
        assert_eq!(bytes(&long, "timing.jsonl"), bytes(&short, "timing.jsonl"), "it ends where it is damaged");
    }

    long.rewrite_history(&[]).unwrap();
    assert!(read_history(long.path()).unwrap().entries.is_empty());
    assert!(read_timing(long.path()).unwrap().entries.is_empty());
}

#[test]
fn infinite_and_nan_losses_are_written_and_read() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let diverged = HistoryRow { train_loss: Some(f64::INFINITY), val_loss: f64::NAN, ..line(Some(0)) };
    folder.append_history(&diverged).unwrap();
    let mut record = Record::new("a", vec![]);
    record.status = Status::Failed;
    record.reason = Some("training loss is not finite in epoch 0".into());
    record.metrics.val_loss = Some(f64::NAN);
    record.history.push(HistoryEntry::new(diverged, 1.0));
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
    assert!(error.to_string().contains("record.json: cannot write the file"), "{error}");
    // A renamed folder is a run of its own name.
    assert_eq!(read_record(&moved).unwrap(), Record { name: "moved".into(), ..record });
}

#[test]
fn a_runs_name_is_its_folders_real_name_everywhere() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    folder.write_record(&Record::new("a", vec![])).unwrap();
    let path = folder.path().to_path_buf();
    drop(folder);
    for other in [path.join("."), path.join("checkpoints/.."), path.join("../a/.")] {
        fs::create_dir_all(path.join("checkpoints")).unwrap();
        assert_eq!(RunFolder::open(&other).unwrap().name(), "a", "{}", other.display());
    }
    let copy = runs.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for file in ["config.toml", "record.json"] {
        fs::copy(path.join(file), copy.join(file)).unwrap();
    }
    assert_eq!(read_record(&copy).unwrap().name, "copy");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, runs.path().join("link")).unwrap();
    assert_eq!(read_record(&runs.path().join("link")).unwrap().name, "a");
    let names: Vec<String> = list_runs(runs.path()).unwrap().into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["a", "copy"], "a link to a run beside it is that run");
}

#[test]
fn a_byte_order_mark_before_the_record_is_ignored() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let record = Record::new("a", vec![]);
    folder.write_record(&record).unwrap();
    let path = folder.path().join("record.json");
    let text = fs::read(&path).unwrap();
    fs::write(&path, [b"\xef\xbb\xbf".to_vec(), text].concat()).unwrap();
    assert_eq!(read_record(folder.path()).unwrap(), record);
    assert_eq!(read_record_to_write(folder.path()).unwrap(), record);
}

/// At every level: of the record, of a part of it, of an entry of a list, of an object that is null for now.
#[test]
fn unknown_fields_of_a_record_are_kept() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    let mut record = Record::new("a", vec![]);
    record.history.push(HistoryEntry::new(line(None), 1.0));
    record.history.push(HistoryEntry::new(line(Some(0)), 1.0));
    record.parts.push(Default::default());
    folder.write_record(&record).unwrap();
    let path = folder.path().join("record.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let note = serde_json::json!({"by": "me", "list": [1, 2.50, {"deep": null}], "big": 12345678901234567890u64});
    value["note"] = note.clone();
    value["environment"]["room"] = note.clone();
    value["dataset"]["split"]["why"] = note.clone();
    value["history"][1]["remark"] = "odd".into();
    value["parts"][0]["remark"] = note.clone();
    value["hyperparameters"]["mine"] = note.clone();
    fs::write(&path, serde_json::to_vec(&value).unwrap()).unwrap();

    let mut record = read_record_to_write(folder.path()).unwrap();
    record.status = Status::Finished;
    record.history.push(HistoryEntry::new(line(Some(1)), 1.0));
    folder.write_record(&record).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    value["status"] = "finished".into();
    let last = written["history"][2].clone();
    value["history"].as_array_mut().unwrap().push(last);
    assert_eq!(written, value);
    assert_eq!(read_record_to_write(folder.path()).unwrap(), record);
}

#[test]
fn too_many_unknown_fields_are_refused() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(runs.path(), "a", 0);
    folder.write_record(&Record::new("a", vec![])).unwrap();
    let path = folder.path().join("record.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    value["note"] = "x".repeat(1 << 20).into();
    fs::write(&path, serde_json::to_vec(&value).unwrap()).unwrap();
    let error = read_record_to_write(folder.path()).unwrap_err().to_string();
    assert!(error.contains("record.json") && error.contains("no part of a record"), "{error}");
    read_record(folder.path()).unwrap();
}

#[test]
fn a_resumed_history_is_cut_to_the_checkpoints_length() {
    let runs = tempfile::tempdir().unwrap();
    let (long, short) = (run(runs.path(), "long", 5), run(runs.path(), "short", 2));
    let bytes = |folder: &RunFolder, file: &str| fs::read(folder.path().join(file)).unwrap();
    let history = [line(None), line(Some(0)), line(Some(1))];
    let mark = HistoryDigest::of(&history).unwrap();
    assert_eq!(mark.bytes() as usize, bytes(&short, "history.jsonl").len());
    let entries: Vec<_> = history.iter().map(|line| HistoryEntry::new(line.clone(), 1.0)).collect();
    // Longer than the checkpoint says, torn, damaged and gone; in the last three cases the record has the lines.
    let torn = [bytes(&short, "history.jsonl"), b"{\"phase\":0,\"ep".to_vec()].concat();
    let damaged = bytes(&short, "history.jsonl").to_ascii_uppercase();
    for (found, entries) in [
        (Some(bytes(&long, "history.jsonl")), &[][..]),
        (Some(torn), &[]),
        (Some(damaged), &entries),
        (Some(b"not json\n".to_vec()), &entries),
        (None, &entries),
    ] {
        let path = long.path().join("history.jsonl");
        match found {
            Some(found) => fs::write(path, found).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        assert_eq!(long.restore_history(mark.bytes(), &mark.sha256(), entries).unwrap(), history);
        for file in ["history.jsonl", "timing.jsonl"] {
            assert_eq!(bytes(&long, file), bytes(&short, file), "{file}");
        }
    }
    fs::write(long.path().join("history.jsonl"), "not json\n").unwrap();
    for entries in [&[][..], &entries[..2]] {
        let error = long.restore_history(mark.bytes(), &mark.sha256(), entries).unwrap_err();
        assert!(matches!(error, ReportError::HistoryLost { .. }), "{error}");
        assert_eq!(bytes(&long, "history.jsonl"), b"not json\n", "what is there stays");
    }
}
