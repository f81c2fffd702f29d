//! Weights files: safetensors under PyTorch's names that say how to use themselves, written whole or not at all.

mod metadata;

use std::io::{ErrorKind, Write};
use std::path::Path;

use dfdx::prelude::*;
use strata_spec::{Activation, Named, Precision};

use self::metadata::{Head, Metadata};
use crate::weights::{check_tensors, load_weights};
use crate::{
    InputTransform, Layers, ModelError, NamedTensor, TensorReader, TensorWriter, UnreadableBytes, Usage, Weights,
    read_tensor_file,
};

/// A network's weights and how to use them: what a weights file holds.
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{Activation, Layers, TrainedModel, Usage, mlp, weights_of};
///
/// let mut network = Cpu::default().build_module::<mlp!(2, 3, 2), f32>();
/// network.configure(Activation::Tanh, 0.0, 43)?;
/// let usage = Usage::of_features(Activation::Tanh, 2, ["no", "yes"]);
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// TrainedModel::new(weights_of(&network), usage)?.save(&path)?;
///
/// let mut other = Cpu::default().build_module::<mlp!(2, 3, 2), f32>();
/// TrainedModel::load(&path)?.load_into(&mut other)?;
/// assert_eq!((other.0.activation, weights_of(&other)), (Activation::Tanh, weights_of(&network)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedModel {
    weights: Weights,
    usage: Usage,
}

const KEY: &str = "strata";
const FORMAT: u32 = 2;
/// The most parameters that a config may ask for; a larger file is refused before it is read.
const MOST_PARAMETERS: usize = 1_000_000_000;

impl TrainedModel {
    /// Puts weights and their use together.
    ///
    /// # Errors
    /// [`ModelError::Usage`] where `usage` does not fit the network: another number of features or classes, an activation for a network that says its own,
    /// means and deviations that are not one a channel or cannot normalise; [`ModelError::Mismatch`] where the tensors are not the network's.
    pub fn new(weights: Weights, usage: Usage) -> Result<Self, ModelError> {
        let architecture = &weights.architecture;
        check_tensors(&weights)?;
        let wrong = |reason: String| Err(ModelError::Usage { reason });
        let network = architecture.network();
        let table = usage.frequency_table()?;
        let features = match &table {
            Some(table) => Some(table.transform().coefficients()),
            None => usage.input.iter().try_fold(1usize, |product, size| product.checked_mul(*size)),
        };
        if features != Some(network.inputs()) {
            return wrong(format!("samples of {:?} for a network of {} features", usage.input, network.inputs()));
        }
        if usage.classes.len() != network.outputs() {
            let (names, outputs) = (usage.classes.len(), network.outputs());
            return wrong(format!("{names} class names for a network of {outputs} outputs"));
        }
        if !(0.0..1.0).contains(&usage.dropout) {
            return wrong(format!("a dropout of {}", usage.dropout));
        }
        if !network.is_chain() && (usage.activation != Activation::Identity || usage.dropout != 0.0) {
            return Err(ModelError::ActivationIsFixed { network: architecture.to_string() });
        }
        if let InputTransform::Pixels { mean, deviation } | InputTransform::Values { mean, deviation } =
            &usage.transform
        {
            let channels = usage.input.first().copied().unwrap_or(1);
            let is_each = matches!(usage.transform, InputTransform::Values { .. }) && mean.len() == network.inputs();
            if (mean.len() != channels && !is_each) || deviation.len() != mean.len() {
                let (means, deviations) = (mean.len(), deviation.len());
                return wrong(format!("{means} means and {deviations} deviations for {channels} channels"));
            }
            if !mean.iter().all(|mean| mean.is_finite()) || !deviation.iter().all(|d| d.is_finite() && *d > 0.0) {
                return wrong(format!("means {mean:?} and deviations {deviation:?} cannot normalise"));
            }
        }
        Ok(Self { weights, usage })
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// How to use them.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Makes `network` this model: its activations, if the network is a chain, no dropout, the precision of its products, and its weights.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] where the network is another one, or was told another activation; it keeps its own weights then.
    pub fn load_into<M: Layers + TensorCollection<f32, D>, D: Device<f32>>(
        &self,
        network: &mut M,
    ) -> Result<(), ModelError> {
        let architecture = network.architecture();
        if architecture == self.weights.architecture && architecture.network().is_chain() {
            let mut told = Vec::new();
            network.for_each(&mut |layer| told.extend(layer.activation()));
            told.pop();
            let other = told.iter().find(|(activation, said)| *said && *activation != self.usage.activation);
            if let Some((activation, _)) = other {
                return Err(ModelError::Mismatch {
                    expected: format!("with the activation {activation}"),
                    found: format!("with the activation {}", self.usage.activation),
                });
            }
            network.configure(self.usage.activation, 0.0, 0)?;
        }
        load_weights(network, &self.weights)?;
        network.set_precision(self.usage.precision);
        Ok(())
    }

    /// Writes the bytes of a weights file: `layer1.weight` (`[outputs, inputs]`), `layer1.bias`, `layer2.weight`, …, and in its metadata all that is needed to
    /// use them. Equal models give equal bytes.
    ///
    /// # Errors
    /// What `file` fails with.
    pub fn write_to(&self, file: &mut dyn Write) -> std::io::Result<()> {
        let mut tensors = TensorWriter::default();
        for NamedTensor { name, shape, values } in &self.weights.tensors {
            tensors.push(name.clone(), shape, values);
        }
        let Usage { activation, dropout, input, classes, transform, precision } = self.usage.clone();
        let metadata = Metadata {
            format: FORMAT,
            network: self.weights.architecture.clone(),
            classes,
            activation: Some(activation.as_str().to_owned()),
            dropout,
            input,
            transform: Some(transform),
            precision: (precision != Precision::F32).then(|| precision.as_str().to_owned()),
            tensors: self.weights.tensors.iter().map(|tensor| tensor.name.clone()).collect(),
        };
        tensors.write_to(file, KEY, serde_json::to_string(&metadata)?)
    }

    /// The bytes that [`TrainedModel::write_to`] writes.
    ///
    /// # Errors
    /// As there.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a weights file. It appears whole or not at all: a temporary beside it is written, synced and renamed.
    ///
    /// # Errors
    /// [`ModelError::Io`] where it cannot be written; a file that was there is as it was.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        strata_files::write_atomically(path, |file| self.write_to(file)).map_err(|source| ModelError::Io {
            action: "writing weights to",
            path: path.into(),
            source,
        })
    }

    /// Reads a weights file.
    ///
    /// # Errors
    /// [`ModelError::Io`] where it cannot be read, [`ModelError::Damaged`] where it is not a whole weights file of ours, [`ModelError::NoUsage`] where
    /// it is of a version that wrote widths and classes only.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let (weights, _, usage) = read(path)?;
        match usage {
            Some(usage) => Self::new(weights, usage).map_err(|error| damaged(path, error.to_string())),
            None => Err(ModelError::NoUsage { path: path.into() }),
        }
    }

    /// Reads a weights file that does not say how to use itself, and takes the caller's word for it; the names of the classes are the file's.
    ///
    /// # Errors
    /// As [`TrainedModel::load`]; [`ModelError::Usage`] where the file says itself how it is used, or `usage` does not fit.
    pub fn load_as(path: &Path, usage: Usage) -> Result<Self, ModelError> {
        let (weights, classes, said) = read(path)?;
        if said.is_some() {
            let reason = format!("{} says itself how: load it with `TrainedModel::load`", path.display());
            return Err(ModelError::Usage { reason });
        }
        Self::new(weights, Usage { classes, ..usage })
    }

    /// Reads the bytes of a weights file: the weights, the names of the classes, and, where the file says it, their use.
    ///
    /// # Errors
    /// What does not hold, or that a later version wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Weights, Vec<String>, Option<Usage>), UnreadableBytes> {
        let mut file = TensorReader::new(bytes)?;
        let metadata = file.metadata(KEY).ok_or("it was not written by Strata")?;
        let unparsed = |error: serde_json::Error| format!("its metadata: {error}");
        // The format alone first: a later one may well have other keys.
        let Head { format } = serde_json::from_str(&metadata).map_err(unparsed)?;
        if format > FORMAT {
            return Err(UnreadableBytes::Newer { format, newest: FORMAT });
        }
        let metadata: Metadata = serde_json::from_str(&metadata).map_err(unparsed)?;
        let Metadata {
            format,
            network: architecture,
            classes,
            activation,
            dropout,
            input,
            transform,
            precision,
            tensors,
        } = metadata;
        let specs = architecture.tensors();
        let names = if format == 1 { specs.iter().map(|spec| spec.name.clone()).collect() } else { tensors };
        if file.count() != names.len() {
            return Err(format!("it holds {} tensors, its network asks for {}", file.count(), names.len()).into());
        }
        let mut tensors = Vec::new();
        for name in names {
            let shape = match specs.iter().find(|spec| spec.name == name) {
                Some(spec) => spec.shape.clone(),
                None => file.shape(&name)?,
            };
            let values = file.tensor(name.clone(), &shape)?;
            tensors.push(NamedTensor { name, shape, values });
        }
        let weights = Weights { architecture, tensors };
        check_tensors(&weights).map_err(|error| error.to_string())?;
        let usage = match format {
            1 => None,
            FORMAT => {
                let name = activation.ok_or("its metadata: no activation")?;
                let activation = Activation::from_name(&name).ok_or(format!("its activation `{name}` is unknown"))?;
                let transform = transform.ok_or("its metadata: no transform")?;
                let precision = match precision {
                    Some(name) => Precision::from_name(&name).ok_or(format!("its precision `{name}` is unknown"))?,
                    None => Precision::F32,
                };
                Some(Usage { activation, dropout, input, classes: classes.clone(), transform, precision })
            }
            _ => return Err(format!("it is of format {format}; there are formats from 1 on").into()),
        };
        Ok((weights, classes, usage))
    }
}

fn damaged(path: &Path, reason: String) -> ModelError {
    ModelError::Damaged { path: path.into(), reason }
}

fn read(path: &Path) -> Result<(Weights, Vec<String>, Option<Usage>), ModelError> {
    let bytes = read_tensor_file(path, MOST_PARAMETERS).map_err(|source| match source.kind() {
        ErrorKind::InvalidData => damaged(path, source.to_string()),
        _ => ModelError::Io { action: "reading weights from", path: path.into(), source },
    })?;
    TrainedModel::from_bytes(&bytes).map_err(|reason| reason.at(path))
}
