//! A network's tensors in host memory.

use dfdx::prelude::*;

use crate::layer::check_mirror;
use crate::tensors_by_name::{load_tensors, tensor_specs, tensors_of};
use crate::{Architecture, Layers, ModelError, NamedTensor, NetworkTensors, TensorSpec};

/// A network's parameters and running statistics in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The network.
    pub architecture: Architecture,
    /// Its tensors in order, named as PyTorch would name them.
    pub tensors: Vec<NamedTensor>,
}

/// A dense layer's parameters in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// `[outputs, inputs]`, row-major.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

impl Weights {
    /// The weights of a chain of dense layers, the first layer's first.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] where layers or values are not as many as `architecture` says.
    pub fn from_layers(architecture: Architecture, layers: Vec<LayerWeights>) -> Result<Self, ModelError> {
        let specs = architecture.tensors();
        let values: Vec<_> = layers.into_iter().flat_map(|layer| [layer.weight, layer.bias]).collect();
        let fits =
            specs.len() == values.len() && specs.iter().zip(&values).all(|(spec, values)| spec.len() == values.len());
        if !fits || !architecture.network().is_chain() {
            let found: Vec<_> = values.iter().map(Vec::len).collect();
            let found = format!("tensors of {found:?} values");
            return Err(ModelError::Mismatch { expected: format!("the tensors of {architecture}"), found });
        }
        let tensors = specs.into_iter().zip(values);
        let tensors =
            tensors.map(|(spec, values)| NamedTensor { name: spec.name, shape: spec.shape, values }).collect();
        Ok(Self { architecture, tensors })
    }

    /// Copies of the parameters of the layers with one weight and one bias, the first layer's first: the dense ones and the first of a mirrored network, whose
    /// others have their weight in two halves.
    pub fn layers(&self) -> Vec<LayerWeights> {
        let layer = |pair: &[NamedTensor]| {
            let [weight, bias] = pair else { return None };
            let name = weight.name.strip_suffix(".weight").filter(|name| name.starts_with("layer"))?;
            let is_pair = bias.name.strip_suffix(".bias") == Some(name);
            is_pair.then(|| LayerWeights { weight: weight.values.clone(), bias: bias.values.clone() })
        };
        self.tensors.windows(2).filter_map(layer).collect()
    }
}

/// Copies of a network's weights, in host memory.
pub fn weights_of<N: Layers + NetworkTensors<D> + ?Sized, D: Device<f32>>(network: &N) -> Weights {
    Weights { architecture: network.architecture(), tensors: tensors_of(network) }
}

/// Whether a network's description is the network: from `inputs` features to `outputs`, with the tensors that it has. A module of one's own
/// ([`External`](crate::External)) says how many features it gives, which the compiler cannot check.
///
/// # Errors
/// [`ModelError::Mismatch`] with what is described and what is there.
pub fn check_description<N: Layers + NetworkTensors<D> + ?Sized, D: Device<f32>>(
    network: &N,
    inputs: usize,
    outputs: usize,
) -> Result<(), ModelError> {
    let architecture = network.architecture();
    let described = architecture.tensors();
    let own: Vec<_> = tensor_specs(network).into_iter().filter(|tensor| !tensor.name.starts_with("module")).collect();
    let ends = (architecture.network().inputs(), architecture.network().outputs());
    if described == own && ends == (inputs, outputs) {
        return Ok(());
    }
    let names = |tensors: &[TensorSpec]| {
        let names: Vec<_> = tensors.iter().map(|tensor| format!("{} {:?}", tensor.name, tensor.shape)).collect();
        names.join(", ")
    };
    Err(ModelError::Mismatch {
        expected: format!("from {inputs} to {outputs} features with {}", names(&own)),
        found: format!("described as from {} to {} features with {}", ends.0, ends.1, names(&described)),
    })
}

/// Gives a network `weights`. Its activations are those that it has, which `weights` do not say; a
/// [`TrainedModel`](crate::TrainedModel) says them.
///
/// # Errors
/// [`ModelError::Mismatch`] where they are another network's, [`ModelError::NotConfigured`] where nobody said what the activation of a chain's hidden layers is
/// ([`Layers::configure`]); the network keeps its own then.
pub fn load_weights<N: Layers + NetworkTensors<D> + ?Sized, D: Device<f32>>(
    network: &mut N,
    weights: &Weights,
) -> Result<(), ModelError> {
    let expected = network.architecture();
    if expected != weights.architecture {
        let name = |a: &Architecture| match a.network().is_chain() {
            true => format!("{:?}", a.widths()),
            false => a.to_string(),
        };
        return Err(ModelError::Mismatch { expected: name(&expected), found: name(&weights.architecture) });
    }
    if expected.network().is_chain() {
        let mut activations = Vec::new();
        network.for_each(&mut |layer| activations.extend(layer.activation()));
        activations.pop();
        if activations.iter().any(|(activation, said)| *activation == strata_spec::Activation::Identity && !said) {
            return Err(ModelError::NotConfigured);
        }
    }
    load_tensors(network, &weights.tensors)
}

/// Whether the tensors are those of the network, in order; the tensors of a user's module are known by their name only.
pub(crate) fn check_tensors(weights: &Weights) -> Result<(), ModelError> {
    let own: Vec<_> = weights.tensors.iter().filter(|tensor| !tensor.name.starts_with("module")).collect();
    let specs = weights.architecture.tensors();
    let fits = own.len() == specs.len()
        && (own.len() == weights.tensors.len() || weights.architecture.own_module().is_some())
        && own.iter().zip(&specs).all(|(tensor, spec)| tensor.name == spec.name && tensor.shape == spec.shape)
        && weights.tensors.iter().all(|tensor| tensor.values.len() == tensor.shape.iter().product::<usize>());
    if fits {
        let wrong = own.iter().find_map(|tensor| check_mirror(&tensor.name, &tensor.values).err());
        return wrong.map_or(Ok(()), |problem| Err(ModelError::OtherTensors { problems: vec![problem] }));
    }
    let found: Vec<_> = weights.tensors.iter().map(|tensor| format!("{} {:?}", tensor.name, tensor.shape)).collect();
    let expected = format!("the tensors of {}", weights.architecture);
    Err(ModelError::Mismatch { expected, found: found.join(", ") })
}
