//! Weights files: safetensors under PyTorch's names, written whole or not at all.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Architecture, ModelError, TensorReader, TensorWriter, read_tensor_file};

/// A layer's parameters in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// `[outputs, inputs]`, row-major.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// A network's parameters in host memory, as a weights file holds them.
///
/// ```
/// use strata_model::{Architecture, LayerWeights, Weights};
///
/// let layer = LayerWeights { weight: vec![0.5, -0.5], bias: vec![1.0] };
/// let weights = Weights { architecture: Architecture::new(2, &[], 1), layers: vec![layer] };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// weights.save(&path, &["yes".into()])?;
/// assert_eq!(Weights::load(&path)?.0, weights);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The widths.
    pub architecture: Architecture,
    /// The layers, the first first.
    pub layers: Vec<LayerWeights>,
}

/// What the file's metadata says under the key `strata`.
#[derive(Serialize, Deserialize)]
struct Metadata {
    widths: Architecture,
    classes: Vec<String>,
}

const KEY: &str = "strata";
/// The most parameters that a config may ask for; a larger file is refused before it is read.
const MOST_PARAMETERS: usize = 1_000_000_000;

impl Weights {
    /// Writes the bytes of a weights file: `layer1.weight` (`[outputs, inputs]`), `layer1.bias`, `layer2.weight`, …, with the
    /// widths and the names of the classes in its metadata. Equal weights give equal bytes.
    ///
    /// # Errors
    /// What `file` fails with; [`std::io::ErrorKind::InvalidInput`], before anything is written, where the layers or a layer's
    /// values are not as many as the widths say.
    pub fn write_to(&self, file: &mut dyn Write, classes: &[String]) -> std::io::Result<()> {
        if self.layers.len() != self.architecture.widths().len() - 1 {
            let reason = format!("{} layers for the widths {:?}", self.layers.len(), self.architecture.widths());
            return Err(std::io::Error::new(ErrorKind::InvalidInput, reason));
        }
        let mut tensors = TensorWriter::default();
        for (i, ((inputs, outputs), layer)) in self.architecture.layers().zip(&self.layers).enumerate() {
            tensors.push(format!("layer{}.weight", i + 1), &[outputs, inputs], &layer.weight);
            tensors.push(format!("layer{}.bias", i + 1), &[outputs], &layer.bias);
        }
        let metadata = Metadata { widths: self.architecture.clone(), classes: classes.to_vec() };
        tensors.write_to(file, KEY, serde_json::to_string(&metadata)?)
    }

    /// The bytes that [`Weights::write_to`] writes.
    ///
    /// # Errors
    /// As there.
    pub fn to_bytes(&self, classes: &[String]) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes, classes)?;
        Ok(bytes)
    }

    /// Writes a weights file. It appears whole or not at all: a temporary beside it is written, synced and renamed.
    ///
    /// # Errors
    /// [`ModelError::Io`] where it cannot be written; a file that was there is as it was.
    pub fn save(&self, path: &Path, classes: &[String]) -> Result<(), ModelError> {
        strata_files::write_atomically(path, |file| self.write_to(file, classes)).map_err(|source| ModelError::Io {
            action: "writing weights to",
            path: path.into(),
            source,
        })
    }

    /// Reads a weights file: the weights and the names of the classes.
    ///
    /// # Errors
    /// [`ModelError::Io`] where it cannot be read, [`ModelError::Damaged`] where it is not a whole weights file of ours.
    pub fn load(path: &Path) -> Result<(Self, Vec<String>), ModelError> {
        let damaged = |reason| ModelError::Damaged { path: path.into(), reason };
        let bytes = read_tensor_file(path, MOST_PARAMETERS).map_err(|source| match source.kind() {
            ErrorKind::InvalidData => damaged(source.to_string()),
            _ => ModelError::Io { action: "reading weights from", path: path.into(), source },
        })?;
        Self::from_bytes(&bytes).map_err(damaged)
    }

    /// Reads the bytes of a weights file.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, Vec<String>), String> {
        let mut tensors = TensorReader::new(bytes)?;
        let metadata = tensors.metadata(KEY).ok_or("it was not written by Strata")?;
        let metadata: Metadata = serde_json::from_str(&metadata).map_err(|error| format!("its metadata: {error}"))?;
        let architecture = metadata.widths;
        if architecture.widths().len() < 2 || architecture.widths().contains(&0) {
            return Err(format!("its widths {:?} are no network", architecture.widths()));
        }
        let expected = 2 * (architecture.widths().len() - 1);
        if tensors.count() != expected {
            return Err(format!("it holds {} tensors, its widths ask for {expected}", tensors.count()));
        }
        let mut layers = Vec::new();
        for (i, (inputs, outputs)) in architecture.layers().enumerate() {
            layers.push(LayerWeights {
                weight: tensors.tensor(format!("layer{}.weight", i + 1), &[outputs, inputs])?,
                bias: tensors.tensor(format!("layer{}.bias", i + 1), &[outputs])?,
            });
        }
        Ok((Self { architecture, layers }, metadata.classes))
    }
}
