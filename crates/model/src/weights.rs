//! Weights files: safetensors under PyTorch's names, written whole or not at all.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::{Architecture, ModelError};

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

/// What the file's metadata says under the key `strata`. One key, since safetensors writes its metadata in no fixed
/// order and equal runs are to have equal files.
#[derive(Serialize, Deserialize)]
struct Metadata {
    widths: Architecture,
    classes: Vec<String>,
}

const KEY: &str = "strata";
/// Larger than any network here; a file that claims more is refused before it is read.
const LARGEST_FILE: u64 = 1 << 36;

impl Weights {
    /// The bytes of a weights file: `layer1.weight` (`[outputs, inputs]`), `layer1.bias`, `layer2.weight`, …, with the widths
    /// and the names of the classes in its metadata. Equal weights give equal bytes.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] where a layer's values are not as many as the widths say.
    pub fn to_bytes(&self, classes: &[String]) -> Result<Vec<u8>, ModelError> {
        let mut tensors = Vec::new();
        for (i, ((inputs, outputs), layer)) in self.architecture.layers().zip(&self.layers).enumerate() {
            tensors.push((format!("layer{}.weight", i + 1), vec![outputs, inputs], little_endian(&layer.weight)));
            tensors.push((format!("layer{}.bias", i + 1), vec![outputs], little_endian(&layer.bias)));
        }
        let mismatch =
            |found: String| ModelError::Mismatch { expected: format!("{:?}", self.architecture.widths()), found };
        if tensors.len() != 2 * (self.architecture.widths().len() - 1) {
            return Err(mismatch(format!("of {} layers", self.layers.len())));
        }
        let views: Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect();
        let views = views.map_err(|error: safetensors::SafeTensorError| mismatch(error.to_string()))?;
        let metadata = Metadata { widths: self.architecture.clone(), classes: classes.to_vec() };
        let metadata = serde_json::to_string(&metadata).map_err(|error| mismatch(error.to_string()))?;
        safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), metadata)])))
            .map_err(|error| mismatch(error.to_string()))
    }

    /// Writes a weights file. It appears whole or not at all: a temporary beside it is written, synced and renamed.
    ///
    /// # Errors
    /// [`ModelError::Io`] where it cannot be written; a file that was there is as it was.
    pub fn save(&self, path: &Path, classes: &[String]) -> Result<(), ModelError> {
        let bytes = self.to_bytes(classes)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(".weights-").tempfile_in(folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            std::fs::File::open(folder)?.sync_all()
        };
        write().map_err(|source| ModelError::Io { action: "writing weights to", path: path.into(), source })
    }

    /// Reads a weights file: the weights and the names of the classes.
    ///
    /// # Errors
    /// [`ModelError::Io`] where it cannot be read, [`ModelError::Damaged`] where it is not a whole weights file of ours.
    pub fn load(path: &Path) -> Result<(Self, Vec<String>), ModelError> {
        let io = |source| ModelError::Io { action: "reading weights from", path: path.into(), source };
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size > LARGEST_FILE {
            let reason = format!("{size} bytes are more than any network here needs");
            return Err(ModelError::Damaged { path: path.into(), reason });
        }
        let bytes = std::fs::read(path).map_err(io)?;
        Self::from_bytes(&bytes).map_err(|reason| ModelError::Damaged { path: path.into(), reason })
    }

    /// Reads the bytes of a weights file.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, Vec<String>), String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let metadata = header.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or("it was not written by Strata")?;
        let metadata: Metadata = serde_json::from_str(metadata).map_err(|error| format!("its metadata: {error}"))?;
        let architecture = metadata.widths;
        if architecture.widths().len() < 2 || architecture.widths().contains(&0) {
            return Err(format!("its widths {:?} are no network", architecture.widths()));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let expected = 2 * (architecture.widths().len() - 1);
        if tensors.len() != expected {
            return Err(format!("it holds {} tensors, its widths ask for {expected}", tensors.len()));
        }
        let mut layers = Vec::new();
        for (i, (inputs, outputs)) in architecture.layers().enumerate() {
            layers.push(LayerWeights {
                weight: read(&tensors, &format!("layer{}.weight", i + 1), &[outputs, inputs])?,
                bias: read(&tensors, &format!("layer{}.bias", i + 1), &[outputs])?,
            });
        }
        Ok((Self { architecture, layers }, metadata.classes))
    }
}

fn read(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = tensors.tensor(name).map_err(|error| format!("{name}: {error}"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        return Err(format!("{name} is {:?} {:?}, not F32 {shape:?}", tensor.dtype(), tensor.shape()));
    }
    Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
