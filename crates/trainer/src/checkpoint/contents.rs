//! A checkpoint's metadata: everything but its tensors, as JSON, in the format that is written and the one before it.

use serde::{Deserialize, Serialize};
use strata_model::{Architecture, NamedTensor, TensorSpec, UnreadableBytes};
use strata_rng::RngState;

use super::{Checkpoint, CheckpointHistory, Elapsed, HistoryMark};
use crate::{HistoryRow, Plan, Progress, Score, stored_row};

/// The format that is written. Format 1 held the whole history instead of its length and hash.
const FORMAT: u32 = 2;

/// What a checkpoint's metadata says, whatever its format.
pub(super) struct Contents {
    pub(super) run: String,
    pub(super) widths: Architecture,
    pub(super) steps: u64,
    /// Buffers that the optimizer keeps for each parameter.
    pub(super) states: usize,
    pub(super) progress: Progress,
    pub(super) history: CheckpointHistory,
    pub(super) elapsed: Elapsed,
    /// All tensors, of a network with a user's module; those of any other follow from the network.
    pub(super) tensors: Option<Vec<TensorSpec>>,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format2 {
    format: u32,
    run: String,
    widths: Architecture,
    steps: u64,
    states: usize,
    progress: Progress,
    history: Option<HistoryMark>,
    elapsed: Elapsed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tensors: Option<Vec<Tensor>>,
}

/// Name, shape, and whether an optimizer changes it.
#[derive(Serialize, Deserialize)]
struct Tensor(String, Vec<usize>, bool);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format1 {
    format: u32,
    run: String,
    widths: Architecture,
    steps: u64,
    states: usize,
    progress: Progress1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress1 {
    epoch: usize,
    batches: usize,
    score: Score,
    rng: RngState,
    #[serde(with = "stored_row::list")]
    history: Vec<HistoryRow>,
}

/// The metadata's text.
pub(super) fn write(checkpoint: &Checkpoint) -> serde_json::Result<String> {
    let Checkpoint { run, progress, history, elapsed, weights, optimizer } = checkpoint;
    let (run, widths, steps) = (run.clone(), weights.architecture.clone(), optimizer.steps);
    let states = optimizer.parameters.first().map_or(0, |parameter| parameter.buffers.len());
    let history = match history {
        CheckpointHistory::None => None,
        CheckpointHistory::File(mark) => Some(mark.clone()),
        CheckpointHistory::Lines(history) => {
            let Progress { epoch, batches, score, rng, .. } = progress.clone();
            let progress = Progress1 { epoch, batches, score, rng, history: history.clone() };
            return serde_json::to_string(&Format1 { format: 1, run, widths, steps, states, progress });
        }
    };
    let (progress, elapsed) = (progress.clone(), *elapsed);
    let tensor = |tensor: &NamedTensor| {
        let trained = optimizer.parameters.iter().any(|parameter| parameter.name == tensor.name);
        Tensor(tensor.name.clone(), tensor.shape.clone(), trained)
    };
    let tensors = widths.own_module().map(|_| weights.tensors.iter().map(tensor).collect());
    serde_json::to_string(&Format2 { format: FORMAT, run, widths, steps, states, progress, history, elapsed, tensors })
}

/// Reads what [`write`] wrote, or the program before it.
pub(super) fn read(text: &str) -> Result<Contents, UnreadableBytes> {
    let reason = |error: serde_json::Error| UnreadableBytes::Damaged(format!("its contents: {error}"));
    let Head { format } = serde_json::from_str(text).map_err(reason)?;
    match format {
        1 => serde_json::from_str(text).map(from_format_1).map_err(reason),
        FORMAT => {
            let Format2 { run, widths, steps, states, progress, history, elapsed, tensors, .. } =
                serde_json::from_str(text).map_err(reason)?;
            let history = history.map_or(CheckpointHistory::None, CheckpointHistory::File);
            let tensors = tensors.map(|tensors| {
                let spec = |Tensor(name, shape, trained)| TensorSpec { name, shape, trained };
                tensors.into_iter().map(spec).collect()
            });
            Ok(Contents { run, widths, steps, states, progress, history, elapsed, tensors })
        }
        0 => Err("it is of format 0; there are formats from 1 on".into()),
        _ => Err(UnreadableBytes::Newer { format, newest: FORMAT }),
    }
}

/// What early stopping remembers depends on the plan: [`Progress::replay`] takes it from the lines.
fn from_format_1(found: Format1) -> Contents {
    let Format1 { run, widths, steps, states, progress, .. } = found;
    let Progress1 { epoch, batches, score, rng, history } = progress;
    let mut progress =
        Progress { epoch, batches, score, rng, last: None, best: None, schedule: Vec::new(), stopping: None };
    for line in &history {
        progress.add(line.clone(), &Plan::default());
    }
    let history = CheckpointHistory::Lines(history);
    Contents { run, widths, steps, states, progress, history, elapsed: Elapsed::default(), tensors: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_versions_contents_are_told_from_damaged_ones() {
        let later = UnreadableBytes::Newer { format: 3, newest: FORMAT };
        assert_eq!(read("{\"format\":3,\"colour\":1}").err(), Some(later));
        for damaged in ["{\"format\":0}", "{\"format\":2}", "{}", "", "{\"format\":2,\"colour\":1}"] {
            assert!(matches!(read(damaged), Err(UnreadableBytes::Damaged(_))), "{damaged}");
        }
    }
}
