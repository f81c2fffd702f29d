//! A run that tells of epochs and has no checkpoint to go on from.

use std::path::Path;

use strata_report::{Record, ReportError, RunFolder, read_history, read_timing};

use crate::ExperimentError;
use crate::checkpoints::exists;

/// What is said to do about a file of the run that is gone.
pub(crate) const RESTORE: &str = "restore it from a copy, or start a new run from its config.toml";

/// A run without its last checkpoint begins again from its seed: but not where anything tells that it had come further, which would be
/// lost.
pub(crate) fn refuse_lost_checkpoint(folder: &RunFolder, before: Option<&Record>) -> Result<(), ExperimentError> {
    let run = folder.path();
    let mut tells = Vec::new();
    let epochs = |name: &str, epochs: usize| match epochs {
        0 => None,
        1 => Some(format!("{name} tells of 1 epoch")),
        _ => Some(format!("{name} tells of {epochs} epochs")),
    };
    let recorded = before.map_or(0, |before| before.history.iter().filter(|entry| entry.epoch.is_some()).count());
    tells.extend(epochs("record.json", recorded));
    let of = |epoch: Option<usize>| usize::from(epoch.is_some());
    let history = |run: &Path| read_history(run).map(|lines| lines.entries.iter().map(|line| of(line.epoch)).sum());
    let timing = |run: &Path| read_timing(run).map(|lines| lines.entries.iter().map(|line| of(line.epoch)).sum());
    type Count<'a> = &'a dyn Fn(&Path) -> Result<usize, ReportError>;
    for (name, count) in [("history.jsonl", &history as Count<'_>), ("timing.jsonl", &timing)] {
        if exists(&run.join(name))? {
            match count(run) {
                Ok(count) => tells.extend(epochs(name, count)),
                Err(error) => tells.push(format!("{name} may tell of epochs ({error})")),
            }
        }
    }
    for path in [folder.best_checkpoint(), folder.model_path()] {
        if exists(&path)? {
            let name = path.strip_prefix(run).unwrap_or(&path).display();
            tells.push(format!("there is {name}"));
        }
    }
    if tells.is_empty() {
        return Ok(());
    }
    let reason = format!("its checkpoint checkpoints/last.safetensors is gone, but {}; {RESTORE}", tells.join(", "));
    Err(ExperimentError::Resume { run: run.to_owned(), reason })
}
