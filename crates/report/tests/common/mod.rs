//! A small run for the tests to work on.

use std::path::Path;

use strata_report::{HistoryRow, RunFolder, TimingLine};

pub(crate) fn line(epoch: Option<usize>) -> HistoryRow {
    let at = epoch.map_or(0.0, |e| e as f64 + 1.0);
    HistoryRow {
        phase: epoch.map(|_| 0),
        epoch,
        learning_rate: epoch.map(|_| 0.1),
        train_loss: epoch.map(|_| 2.0 / (1.0 + at)),
        values: Default::default(),
        val_loss: 2.308 / (1.0 + at),
        val_acc: 0.1 + at / 100.0,
    }
}

pub(crate) fn timing(epoch: Option<usize>) -> TimingLine {
    TimingLine {
        epoch,
        seconds: 1.5,
        training_seconds: Some(1.0),
        samples_per_second: 30_000.0,
        finished: "2026-11-23T22:51:19.042Z".into(),
    }
}

/// A run of an initial evaluation and `epochs` epochs.
pub(crate) fn run(runs: &Path, name: &str, epochs: usize) -> RunFolder {
    let folder = RunFolder::create_exact(runs, name).unwrap();
    folder.write_config("seed = 43\n").unwrap();
    for epoch in std::iter::once(None).chain((0..epochs).map(Some)) {
        folder.append_history(&line(epoch)).unwrap();
        folder.append_timing(&timing(epoch)).unwrap();
    }
    folder
}
