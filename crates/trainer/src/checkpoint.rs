//! Checkpoints: all that is needed to go on, in one file that proves it is whole.

mod contents;
mod seal;

use std::convert::Infallible;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use strata_files::write_atomically;
use strata_model::{
    Architecture, NamedTensor, TensorReader, TensorSpec, TensorWriter, UnreadableBytes, Weights, for_each_piece,
    read_tensor_file,
};

use crate::{HistoryRow, OptimizerState, ParameterState, Plan, Progress, TrainError};
use contents::Contents;
use seal::Seal;

/// A run at one moment.
///
/// The file is a safetensors file of the weights under PyTorch's names and the optimizer's buffers beside them
/// (`layer1.weight.state1`, …). Its metadata holds the rest and a SHA-256 over everything, so that a flipped bit anywhere is
/// found, not trained on. Nothing in it grows with the epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The run it belongs to.
    pub run: String,
    /// How far the run has come.
    pub progress: Progress,
    /// The history up to here.
    pub history: CheckpointHistory,
    /// How long the run took up to here.
    pub elapsed: Elapsed,
    /// The network's parameters.
    pub weights: Weights,
    /// What the optimizer remembers.
    pub optimizer: OptimizerState,
}

/// What a checkpoint knows of the history's lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CheckpointHistory {
    /// Nothing: whoever keeps the checkpoint keeps no file of history.
    #[default]
    None,
    /// The file that holds them.
    File(HistoryMark),
    /// The lines themselves: a checkpoint of format 1, which is saved in that format again.
    Lines(Vec<HistoryRow>),
}

/// The beginning of a file that lines are appended to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMark {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// Wall time that a run took up to a checkpoint, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elapsed {
    /// Of the whole run.
    pub run: f64,
    /// Of the epoch that is under way; 0 between two epochs.
    pub epoch: f64,
    /// Of that epoch's training steps.
    pub training: f64,
}

const CONTENTS: &str = "checkpoint";
/// The most values of a network with a user's module, whose size is known to the module alone.
const MOST_VALUES: usize = 1_000_000_000;
/// The most buffers that are kept for each parameter, by the optimizer and for an average.
pub(crate) const MOST_STATES: usize = 8;
/// The shape of a buffer that a parameter's rule keeps nothing in.
const UNUSED: &[usize] = &[0];

impl Checkpoint {
    /// Writes the checkpoint. The file appears whole or not at all; a checkpoint that was there survives until the new one
    /// is on the disk.
    ///
    /// # Errors
    /// [`TrainError::Io`] where it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let io = |source| TrainError::Io { action: "writing the checkpoint", path: path.into(), source };
        write_atomically(path, |file| self.write_to(file)).map_err(io)
    }

    /// Reads a checkpoint of run `run`, whose network is `architecture`.
    ///
    /// # Errors
    /// [`TrainError::Io`] where it cannot be read, [`TrainError::Damaged`] where a single bit of it is not as it was written, or
    /// where it is another run's, [`ModelError::Newer`](strata_model::ModelError::Newer) where a later version wrote it.
    pub fn load(path: &Path, run: &str, architecture: &Architecture) -> Result<Self, TrainError> {
        let damaged = |reason| TrainError::Damaged { path: path.into(), reason };
        let most = if architecture.own_module().is_some() {
            MOST_VALUES
        } else {
            let values = architecture.tensors().iter().map(TensorSpec::len).sum::<usize>();
            values.saturating_mul(1 + MOST_STATES)
        };
        let bytes = read_tensor_file(path, most).map_err(|source| match source.kind() {
            ErrorKind::InvalidData => damaged(source.to_string()),
            _ => TrainError::Io { action: "reading the checkpoint", path: path.into(), source },
        })?;
        let checkpoint = Self::from_bytes(&bytes).map_err(|reason| match reason {
            newer @ UnreadableBytes::Newer { .. } => TrainError::Model(newer.at(path)),
            UnreadableBytes::Damaged(reason) => damaged(reason),
        })?;
        if checkpoint.run != run {
            return Err(damaged(format!("it belongs to run {}, not {run}", checkpoint.run)));
        }
        if checkpoint.weights.architecture != *architecture {
            let name = |architecture: &Architecture| match architecture.network().is_chain() {
                true => format!("{:?}", architecture.widths()),
                false => architecture.to_string(),
            };
            let (found, expected) = (name(&checkpoint.weights.architecture), name(architecture));
            return Err(damaged(format!("it is of a network {found}, not {expected}")));
        }
        Ok(checkpoint)
    }

    /// Whether this is a moment of a run of `plan` from `seed`, whose epochs have `batches` training batches each: what a seal cannot
    /// tell, since anybody can make one.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn check(&self, plan: &Plan, batches: usize, seed: u64) -> Result<(), String> {
        let Progress { epoch, batches: done, rng, last, best, .. } = &self.progress;
        self.progress.check_place(plan, batches)?;
        if rng.seed != seed {
            return Err(format!("its generator's seed is {}, the config's is {seed}", rng.seed));
        }
        let group = plan.batches_per_step();
        let steps = *epoch as u64 * batches.div_ceil(group) as u64 + done.div_ceil(group) as u64;
        if self.optimizer.steps != steps {
            return Err(format!("it counts {} steps, its place in the run is step {steps}", self.optimizer.steps));
        }
        if let CheckpointHistory::Lines(lines) = &self.history {
            let in_order = lines.iter().enumerate().all(|(number, line)| line.epoch == number.checked_sub(1));
            if lines.len() != epoch + 1 || !in_order {
                let lines = lines.len();
                return Err(format!(
                    "its history of {lines} lines is not the initial evaluation and {epoch} epochs in order"
                ));
            }
        }
        let before = last.as_ref().is_some_and(|last| last.epoch == epoch.checked_sub(1));
        let chosen = match best {
            Some(best) => best.epoch.is_some_and(|best| best < *epoch),
            None => *epoch == 0,
        };
        if !before || !chosen {
            let name = |line: &Option<HistoryRow>| match line {
                Some(HistoryRow { epoch: Some(epoch), .. }) => format!("epoch {epoch}"),
                Some(_) => "the initial evaluation".into(),
                None => "none".into(),
            };
            return Err(format!(
                "it stands in epoch {epoch}; its last line of history is {}, its best {}",
                name(last),
                name(best)
            ));
        }
        Ok(())
    }

    /// Writes the bytes of the file.
    fn write_to(&self, file: &mut dyn Write) -> std::io::Result<()> {
        let contents = contents::write(self)?;
        let mut tensors = TensorWriter::default();
        let mut states = self.optimizer.parameters.iter();
        for part in self.weights.tensors.chunk_by(|a, b| layer_of(&a.name) == layer_of(&b.name)) {
            for NamedTensor { name, shape, values } in part {
                tensors.push(name.clone(), shape, values);
            }
            let trained: Vec<_> = part.iter().filter(|tensor| states.clone().any(|s| s.name == tensor.name)).collect();
            let states: Vec<_> = states.by_ref().take(trained.len()).collect();
            for n in 0..states.first().map_or(0, |state| state.buffers.len()) {
                for (tensor, state) in trained.iter().zip(&states) {
                    let buffer = &state.buffers[n];
                    let shape = if buffer.is_empty() { UNUSED } else { &tensor.shape };
                    tensors.push(format!("{}.state{}", tensor.name, n + 1), shape, buffer);
                }
            }
        }
        let mut seal = Seal::of(&contents);
        for (name, values) in tensors.parts() {
            seal.tensor(name, size_of_val(values));
            let Ok(()) = for_each_piece(values, |piece| {
                seal.bytes(piece);
                Ok::<(), Infallible>(())
            });
        }
        tensors.write_to(file, CONTENTS, serde_json::to_string(&(seal.finish(), contents))?)
    }

    /// Reads the bytes of a checkpoint.
    ///
    /// # Errors
    /// What does not hold, or that a later version wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnreadableBytes> {
        let mut file = TensorReader::new(bytes)?;
        let sealed = file.metadata(CONTENTS).ok_or("it is no checkpoint of Strata")?;
        let (found, text): (String, String) = serde_json::from_str(&sealed).map_err(|error| error.to_string())?;
        let contents = contents::read(&text)?;
        if contents.states > MOST_STATES {
            return Err(format!("{} buffers for each parameter are no optimizer's", contents.states).into());
        }
        let specs = contents.tensors.unwrap_or_else(|| contents.widths.tensors());
        let mut weights = Weights { architecture: contents.widths, tensors: Vec::new() };
        let mut optimizer = OptimizerState { steps: contents.steps, parameters: Vec::new() };
        for part in specs.chunk_by(|a, b| layer_of(&a.name) == layer_of(&b.name)) {
            for TensorSpec { name, shape, .. } in part {
                let values = file.tensor(name.clone(), shape)?;
                weights.tensors.push(NamedTensor { name: name.clone(), shape: shape.clone(), values });
            }
            let trained: Vec<_> = part.iter().filter(|tensor| tensor.trained).collect();
            let state = |tensor: &&TensorSpec| ParameterState { name: tensor.name.clone(), buffers: Vec::new() };
            let mut states: Vec<_> = trained.iter().map(state).collect();
            for n in 1..=contents.states {
                for (state, tensor) in states.iter_mut().zip(&trained) {
                    let name = format!("{}.state{n}", tensor.name);
                    let shape = if file.has_shape(&name, UNUSED) { UNUSED } else { &tensor.shape };
                    state.buffers.push(file.tensor(name, shape)?);
                }
            }
            optimizer.parameters.extend(states);
        }
        if file.parts().len() != file.count() {
            return Err(format!("it holds {} tensors, {} belong to it", file.count(), file.parts().len()).into());
        }
        let mut seal = Seal::of(&text);
        for (name, bytes) in file.parts() {
            seal.tensor(name, bytes.len());
            seal.bytes(bytes);
        }
        if found != seal.finish() {
            return Err("its checksum does not match its contents".into());
        }
        let Contents { run, progress, history, elapsed, .. } = contents;
        Ok(Self { run, progress, history, elapsed, weights, optimizer })
    }
}

/// The layer that a tensor belongs to, of which its name begins: a layer's tensors are followed by the optimizer's buffers for them, the first buffer of
/// each before the second.
pub(crate) fn layer_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
