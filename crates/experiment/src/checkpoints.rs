//! A run's two checkpoints: the last, which a resume goes on from, and the best epoch's, whose weights early stopping gives.

use std::path::Path;

use strata_model::{Architecture, Weights};
use strata_report::RunFolder;
use strata_trainer::{Checkpoint, HistoryRow, Progress, TrainError};

/// Reads the best epoch's checkpoint of the run with identifier `run`.
pub(crate) fn load_best(folder: &RunFolder, run: &str, architecture: &Architecture) -> Result<Checkpoint, TrainError> {
    let path = folder.best_checkpoint();
    if !exists(&path)? {
        return Err(TrainError::Damaged { path, reason: "there is no such file".into() });
    }
    Checkpoint::load(&path, run, architecture)
}

/// Whether there is such a file. A disk that does not answer is an error: taken for an absence, the run would begin again.
pub(crate) fn exists(path: &Path) -> Result<bool, TrainError> {
    path.try_exists().map_err(|source| TrainError::Io { action: "looking for", path: path.into(), source })
}

/// The weights of `found`, which must be those of the best epoch of `progress`.
pub(crate) fn best_weights(folder: &RunFolder, found: Checkpoint, progress: &Progress) -> Result<Weights, TrainError> {
    let (is, wanted) = (&found.progress.last, &progress.best);
    if is == wanted {
        return Ok(found.weights);
    }
    let epoch = |line: &Option<HistoryRow>| {
        line.as_ref().and_then(|line| line.epoch).map_or("none".into(), |epoch| epoch.to_string())
    };
    let reason = format!("its epoch is {}, the run's best is {}", epoch(is), epoch(wanted));
    Err(TrainError::Damaged { path: folder.best_checkpoint(), reason })
}
