//! A log that goes on after a kill, and exports.

use std::fs;
use std::path::Path;

use strata_model::NamedTensor;
use strata_report::Record;
use strata_spec::HistoryRow;

use super::events::{step_of, tags_of};
use super::files::event_files;
use super::{TensorBoardLog, frames};

const STEPS: u64 = 10;

fn line(epoch: Option<usize>) -> HistoryRow {
    let number = epoch.map_or(3.0, |epoch| 2.0 / (epoch + 1) as f64);
    HistoryRow {
        phase: epoch.map(|_| 0),
        epoch,
        learning_rate: epoch.map(|_| 0.1),
        train_loss: epoch.map(|_| number),
        val_loss: number,
        val_acc: 0.5,
        values: [("val_top5_acc".to_owned(), 0.9)].into(),
    }
}

fn record() -> Record {
    let mut record = Record::new("a", vec!["strata".into()]);
    record.hyperparameters =
        serde_json::from_str(r#"{"optimizer": "sgd", "lrs": [0.1], "nesterov": true, "seed": 43}"#).unwrap();
    record
}

/// Tag and step of everything that TensorBoard would show, in order.
fn shown(folder: &Path) -> Vec<(String, i64)> {
    let mut shown: Vec<(String, i64)> = Vec::new();
    for path in event_files(folder).unwrap() {
        for (event, _) in frames::read(&fs::read(path).unwrap()) {
            if event.session_log.is_some() {
                shown.retain(|(_, step)| *step < event.step);
            }
            shown.extend(tags_of(&event).map(|tag| (tag.to_owned(), event.step)));
        }
    }
    shown
}

fn tensors() -> Vec<NamedTensor> {
    vec![NamedTensor { name: "layer1.weight".into(), shape: vec![2], values: vec![0.5, -0.5] }]
}

/// What a run does between two epochs' ends; `until` are the training steps at which it is killed.
fn train(log: &mut TensorBoardLog, from: u64, epochs: usize, until: u64) {
    if from == 0 {
        log.line(&line(None)).unwrap();
    }
    for step in from + 1..=epochs as u64 * STEPS {
        if step > until {
            return;
        }
        if step.is_multiple_of(5) {
            log.step(step, 1.0).unwrap();
        }
        if step.is_multiple_of(STEPS) {
            let epoch = (step / STEPS - 1) as usize;
            log.line(&line(Some(epoch))).unwrap();
            log.tensors(&tensors()).unwrap();
        }
    }
    log.end(&record()).unwrap();
}

fn lines(epochs: usize) -> Vec<HistoryRow> {
    std::iter::once(None).chain((0..epochs).map(Some)).map(line).collect()
}

#[test]
fn a_run_killed_anywhere_and_resumed_tells_what_one_that_was_never_stopped_tells() {
    let whole = tempfile::tempdir().unwrap();
    train(&mut TensorBoardLog::start(whole.path(), &record(), "x", STEPS, None).unwrap(), 0, 3, u64::MAX);
    let expected = shown(whole.path());
    assert_eq!(
        expected.iter().filter(|(tag, _)| tag == "val_loss").map(|(_, step)| *step).collect::<Vec<_>>(),
        [0, 10, 20, 30]
    );
    assert_eq!(expected.iter().filter(|(tag, _)| tag == "layer1/weight").count(), 3);
    // Killed after `until` steps, its last checkpoint at `kept` (the end of an epoch, or in the midst of one).
    for (until, kept) in
        [(7, 0), (7, 5), (10, 5), (19, 10), (20, 10), (25, 15), (29, 29), (30, 20), (u64::MAX, 30), (u64::MAX, 20)]
    {
        let folder = tempfile::tempdir().unwrap();
        train(&mut TensorBoardLog::start(folder.path(), &record(), "x", STEPS, None).unwrap(), 0, 3, until);
        let history = lines((kept / STEPS) as usize);
        let mut log = TensorBoardLog::resume(folder.path(), &record(), "x", STEPS, &history, kept, None).unwrap();
        train(&mut log, kept.max(u64::from(kept == 0)), 3, u64::MAX);
        // A checkpoint before the first step has no step of its own to repeat.
        assert_eq!(shown(folder.path()), expected, "killed after {until}, resumed at {kept}");
    }
}

/// A checkpoint at an epoch's last step, before it was evaluated: the evaluation is made again.
#[test]
fn a_line_that_will_be_measured_again_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = TensorBoardLog::start(folder.path(), &record(), "x", STEPS, None).unwrap();
    train(&mut log, 0, 3, 10);
    let mut log = TensorBoardLog::resume(folder.path(), &record(), "x", STEPS, &lines(0), 10, None).unwrap();
    log.line(&line(Some(0))).unwrap();
    let steps: Vec<_> = shown(folder.path()).into_iter().filter(|(tag, _)| tag == "val_loss").map(|(_, s)| s).collect();
    assert_eq!(steps, [0, 10]);
}

#[test]
fn what_was_removed_or_damaged_is_told_anew_from_the_history() {
    for damage in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        train(&mut TensorBoardLog::start(folder.path(), &record(), "x", STEPS, None).unwrap(), 0, 3, 20);
        for path in event_files(folder.path()).unwrap() {
            if damage {
                let mut bytes = fs::read(&path).unwrap();
                bytes[60] ^= 1;
                fs::write(&path, bytes).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
        }
        drop(TensorBoardLog::resume(folder.path(), &record(), "x", STEPS, &lines(2), 20, None).unwrap());
        let shown = shown(folder.path());
        let steps: Vec<_> = shown.iter().filter(|(tag, _)| tag == "val_loss").map(|(_, step)| *step).collect();
        assert_eq!(steps, [0, 10, 20]);
        assert_eq!(shown.iter().filter(|(tag, _)| tag == "config").count(), 1);
    }
}

#[test]
fn a_line_stands_at_the_training_steps_that_were_taken() {
    assert_eq!((step_of(&line(None), 352), step_of(&line(Some(0)), 352), step_of(&line(Some(9)), 352)), (0, 352, 3520));
}
