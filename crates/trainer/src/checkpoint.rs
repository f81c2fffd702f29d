//! Checkpoints: all that is needed to go on, in one file that proves it is whole.

use std::convert::Infallible;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strata_files::{hexadecimal, write_atomically};
use strata_model::{Architecture, LayerWeights, TensorReader, TensorWriter, Weights, for_each_piece, read_tensor_file};

use crate::optimizer::LayerState;
use crate::{OptimizerState, Plan, Progress, TrainError};

/// A run at one moment.
///
/// The file is a safetensors file of the weights under PyTorch's names and the optimizer's buffers beside them
/// (`layer1.weight.state1`, …). Its metadata holds the rest and a SHA-256 over everything, so that a flipped bit anywhere is
/// found, not trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The run it belongs to.
    pub run: String,
    /// How far the run has come.
    pub progress: Progress,
    /// The network's parameters.
    pub weights: Weights,
    /// What the optimizer remembers.
    pub optimizer: OptimizerState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    run: String,
    widths: Architecture,
    steps: u64,
    states: usize,
    progress: Progress,
}

const FORMAT: u32 = 1;
const CONTENTS: &str = "checkpoint";
/// The most buffers that an optimizer keeps for each parameter.
const MOST_STATES: usize = 2;

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
    /// where it is another run's.
    pub fn load(path: &Path, run: &str, architecture: &Architecture) -> Result<Self, TrainError> {
        let damaged = |reason| TrainError::Damaged { path: path.into(), reason };
        let most = architecture.parameters().saturating_mul(1 + MOST_STATES);
        let bytes = read_tensor_file(path, most).map_err(|source| match source.kind() {
            ErrorKind::InvalidData => damaged(source.to_string()),
            _ => TrainError::Io { action: "reading the checkpoint", path: path.into(), source },
        })?;
        let checkpoint = Self::from_bytes(&bytes).map_err(damaged)?;
        if checkpoint.run != run {
            return Err(damaged(format!("it belongs to run {}, not {run}", checkpoint.run)));
        }
        if checkpoint.weights.architecture != *architecture {
            let found = checkpoint.weights.architecture.widths();
            return Err(damaged(format!("it is of a network {found:?}, not {:?}", architecture.widths())));
        }
        Ok(checkpoint)
    }

    /// Whether this is a moment of a run of `plan` from `seed`, whose epochs have `batches` training steps each: what a seal cannot
    /// tell, since anybody can make one.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn check(&self, plan: &Plan, batches: usize, seed: u64) -> Result<(), String> {
        let Progress { epoch, batches: done, rng, history, .. } = &self.progress;
        if rng.seed != seed {
            return Err(format!("its generator's seed is {}, the config's is {seed}", rng.seed));
        }
        if *epoch > plan.epochs() || *done > batches {
            let epochs = plan.epochs();
            return Err(format!(
                "it stands at step {done} of epoch {epoch}; there are {epochs} epochs of {batches} steps"
            ));
        }
        let steps = *epoch as u64 * batches as u64 + *done as u64;
        if self.optimizer.steps != steps {
            return Err(format!("it counts {} steps, its place in the run is step {steps}", self.optimizer.steps));
        }
        let in_order = history.iter().enumerate().all(|(number, line)| line.epoch == number.checked_sub(1));
        if history.len() != epoch + 1 || !in_order {
            let lines = history.len();
            return Err(format!(
                "its history of {lines} lines is not the initial evaluation and {epoch} epochs in order"
            ));
        }
        Ok(())
    }

    /// Writes the bytes of the file.
    fn write_to(&self, file: &mut dyn Write) -> std::io::Result<()> {
        let contents = serde_json::to_string(&Contents {
            format: FORMAT,
            run: self.run.clone(),
            widths: self.weights.architecture.clone(),
            steps: self.optimizer.steps,
            states: self.optimizer.layers.first().map_or(0, |layer| layer.weight.len()),
            progress: self.progress.clone(),
        })?;
        let mut tensors = TensorWriter::default();
        let layers = self.weights.architecture.layers().zip(&self.weights.layers).zip(&self.optimizer.layers);
        for (i, (((inputs, outputs), weights), state)) in layers.enumerate() {
            let layer = i + 1;
            tensors.push(format!("layer{layer}.weight"), &[outputs, inputs], &weights.weight);
            tensors.push(format!("layer{layer}.bias"), &[outputs], &weights.bias);
            for (n, (weight, bias)) in state.weight.iter().zip(&state.bias).enumerate() {
                tensors.push(format!("layer{layer}.weight.state{}", n + 1), &[outputs, inputs], weight);
                tensors.push(format!("layer{layer}.bias.state{}", n + 1), &[outputs], bias);
            }
        }
        let mut seal = Seal::of(&contents);
        for (name, values) in tensors.parts() {
            seal.tensor(name, size_of_val(values));
            let Ok(()) = for_each_piece(values, |piece| {
                seal.0.update(piece);
                Ok::<(), Infallible>(())
            });
        }
        tensors.write_to(file, CONTENTS, serde_json::to_string(&(seal.finish(), contents))?)
    }

    /// Reads the bytes of a checkpoint.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let mut file = TensorReader::new(bytes)?;
        let sealed = file.metadata(CONTENTS).ok_or("it is no checkpoint of Strata")?;
        let (found, text): (String, String) = serde_json::from_str(&sealed).map_err(|error| error.to_string())?;
        let contents: Contents = serde_json::from_str(&text).map_err(|error| format!("its contents: {error}"))?;
        if contents.format != FORMAT {
            return Err(format!("it is of format {}; this program reads format {FORMAT}", contents.format));
        }
        if contents.widths.widths().len() < 2 || contents.widths.widths().contains(&0) || contents.states > MOST_STATES
        {
            return Err(format!("{:?} with {} states is no network", contents.widths.widths(), contents.states));
        }
        let mut weights = Weights { architecture: contents.widths.clone(), layers: Vec::new() };
        let mut optimizer = OptimizerState { steps: contents.steps, layers: Vec::new() };
        for (i, (inputs, outputs)) in contents.widths.layers().enumerate() {
            let mut tensor = |name: &str, shape: &[usize]| file.tensor(format!("layer{}.{name}", i + 1), shape);
            let (weight, bias) = (tensor("weight", &[outputs, inputs])?, tensor("bias", &[outputs])?);
            let mut state = LayerState::default();
            for n in 1..=contents.states {
                state.weight.push(tensor(&format!("weight.state{n}"), &[outputs, inputs])?);
                state.bias.push(tensor(&format!("bias.state{n}"), &[outputs])?);
            }
            weights.layers.push(LayerWeights { weight, bias });
            optimizer.layers.push(state);
        }
        if file.parts().len() != file.count() {
            return Err(format!("it holds {} tensors, {} belong to it", file.count(), file.parts().len()));
        }
        let mut seal = Seal::of(&text);
        for (name, bytes) in file.parts() {
            seal.tensor(name, bytes.len());
            seal.0.update(bytes);
        }
        if found != seal.finish() {
            return Err("its checksum does not match its contents".into());
        }
        Ok(Self { run: contents.run, progress: contents.progress, weights, optimizer })
    }
}

/// SHA-256 over the contents and every tensor with its name, in order, each with its length before it.
struct Seal(Sha256);

impl Seal {
    fn of(contents: &str) -> Self {
        let mut seal = Self(Sha256::new());
        seal.part(contents);
        seal
    }

    fn part(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// Comes before the tensor's bytes.
    fn tensor(&mut self, name: &str, bytes: usize) {
        self.part(name);
        self.0.update((bytes as u64).to_le_bytes());
    }

    fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}
