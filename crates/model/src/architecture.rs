//! What a network is, apart from its weights: its widths, or its layers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use strata_spec::{Activation, LayerSpec, LayerTensor, NetworkSpec};

use crate::ModelError;

/// A network's layers, inputs first, classes last.
///
/// A chain of dense layers is known by its widths, anything else by its text ([`NetworkSpec`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    network: NetworkSpec,
    widths: Vec<usize>,
}

/// A tensor of a network: a parameter, or a running statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name in files, as PyTorch would have it: `layer1.weight`, `norm1.running_mean`.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Whether an optimizer changes it.
    pub trained: bool,
}

impl TensorSpec {
    /// How many values it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Architecture {
    /// A chain: `inputs`, then `hidden`, then `classes`.
    ///
    /// ```
    /// let notebook = strata_model::Architecture::new(3072, &[2048, 1024, 64], 10);
    /// assert_eq!(notebook.to_string(), "4 layers (2048,1024,64,10)");
    /// assert_eq!(notebook.parameters(), 8_457_930);
    /// ```
    ///
    /// # Panics
    /// Where a width is zero.
    pub fn new(inputs: usize, hidden: &[usize], classes: usize) -> Self {
        match NetworkSpec::chain(inputs, hidden, classes) {
            Ok(network) => network.into(),
            Err(error) => panic!("{inputs}, {hidden:?}, {classes}: {error}"),
        }
    }

    /// The network, layer by layer.
    pub fn network(&self) -> &NetworkSpec {
        &self.network
    }

    /// Features of a sample, then of each dense layer's output.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// `(inputs, outputs)` of each weight of a dense layer: of one of both views ([`LayerSpec::MirroredDense`]) there are two.
    pub fn weights(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut weights = Vec::new();
        self.network.for_each(&mut |inputs, layer| match layer {
            LayerSpec::Dense { outputs } | LayerSpec::MirroredInput { outputs } => weights.push((inputs, *outputs)),
            LayerSpec::MirroredDense { outputs } => weights.extend([(inputs, *outputs); 2]),
            _ => {}
        });
        weights.into_iter()
    }

    /// The tensors of our own layers, in order; those of a user's module are known to the module alone.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut tensors = Vec::new();
        let (mut dense, mut met) = (0, BTreeMap::<&str, usize>::new());
        self.network.for_each(&mut |inputs, layer| {
            let mut push = |name: String, shape: &[usize], trained| {
                tensors.push(TensorSpec { name, shape: shape.to_vec(), trained });
            };
            match layer {
                LayerSpec::Dense { outputs } | LayerSpec::MirroredInput { outputs } => {
                    dense += 1;
                    push(format!("layer{dense}.weight"), &[*outputs, inputs], true);
                    push(format!("layer{dense}.bias"), &[*outputs], true);
                    if matches!(layer, LayerSpec::MirroredInput { .. }) {
                        push(format!("layer{dense}.mirror"), &[inputs], false);
                    }
                }
                LayerSpec::MirroredDense { outputs } => {
                    dense += 1;
                    push(format!("layer{dense}.even"), &[*outputs, inputs], true);
                    push(format!("layer{dense}.odd"), &[*outputs, inputs], true);
                    push(format!("layer{dense}.bias"), &[*outputs], true);
                }
                LayerSpec::SameWidth { kind, .. } if !kind.tensors().is_empty() => {
                    let number = met.entry(kind.group()).or_default();
                    *number += 1;
                    for LayerTensor { name, axes, trained } in kind.tensors() {
                        push(format!("{}{number}.{name}", kind.group()), &vec![inputs; *axes], *trained);
                    }
                }
                _ => {}
            }
        });
        tensors
    }

    /// The first module of a user's own, if there is one.
    pub fn own_module(&self) -> Option<String> {
        let mut found = None;
        self.network.for_each(&mut |_, layer| {
            if let LayerSpec::Module { name, .. } = layer {
                found.get_or_insert_with(|| name.clone());
            }
        });
        found
    }

    /// Of a chain how many layers it has, with what comes after each but the last; none of a network that says its activations and dropout itself.
    ///
    /// # Errors
    /// [`ModelError::ActivationIsFixed`] where such a network is given some.
    pub(crate) fn chain_of(
        &self,
        activation: Activation,
        dropout: f32,
    ) -> Result<Option<(usize, Activation, f32)>, ModelError> {
        if self.network.is_chain() {
            return Ok(Some((self.widths.len() - 1, activation, dropout)));
        }
        if activation != Activation::Identity || dropout != 0.0 {
            return Err(ModelError::ActivationIsFixed { network: self.to_string() });
        }
        Ok(None)
    }

    /// How many numbers of our own layers are trained: weights, biases, gains.
    pub fn parameters(&self) -> usize {
        self.tensors().iter().filter(|tensor| tensor.trained).map(TensorSpec::len).sum()
    }
}

impl From<NetworkSpec> for Architecture {
    fn from(network: NetworkSpec) -> Self {
        let widths = network.widths();
        Self { network, widths }
    }
}

/// `4 layers (2048,1024,64,10)`: the outputs of each layer, as the notebook records an architecture; another network's text.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.network.is_chain() {
            return self.network.fmt(f);
        }
        let outputs: Vec<String> = self.widths.iter().skip(1).map(ToString::to_string).collect();
        let plural = if outputs.len() == 1 { "" } else { "s" };
        write!(f, "{} layer{plural} ({})", outputs.len(), outputs.join(","))
    }
}

/// A list of widths, or the text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Widths(Vec<usize>),
    Text(String),
}

impl Serialize for Architecture {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = if self.network.is_chain() {
            Form::Widths(self.widths.clone())
        } else {
            Form::Text(self.network.to_string())
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let network = match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse(),
            Form::Widths(widths) => match widths.as_slice() {
                [inputs, hidden @ .., classes] => NetworkSpec::chain(*inputs, hidden, *classes),
                _ => return Err(serde::de::Error::custom(format!("the widths {widths:?} are no network"))),
            },
        };
        let network = network.map_err(serde::de::Error::custom)?;
        // What sizes are worked out from must not overflow.
        match usize::try_from(network.parameters()) {
            Ok(parameters) if parameters < usize::MAX => Ok(network.into()),
            _ => Err(serde::de::Error::custom("the network has more parameters than a machine has addresses")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_written_as_its_widths_and_another_network_as_its_text() {
        let chain = Architecture::new(5, &[4], 3);
        assert_eq!(serde_json::to_string(&chain).unwrap(), "[5,4,3]");
        let text = "5, 4 batch_norm gelu, skip(rms_norm, 4), 3";
        let network = Architecture::from(text.parse::<NetworkSpec>().unwrap());
        assert_eq!(serde_json::to_string(&network).unwrap(), format!("\"{text}\""));
        for architecture in [chain, network] {
            let text = serde_json::to_string(&architecture).unwrap();
            assert_eq!(serde_json::from_str::<Architecture>(&text).unwrap(), architecture);
        }
        for text in ["[5]", "[]", "[5,0,3]", "[0,3]", "\"5, skip(3), 2\"", "[18446744073709551615,3]", "3"] {
            assert!(serde_json::from_str::<Architecture>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tensors_are_named_as_in_pytorch() {
        let network = "5, 4 batch_norm gelu, skip(rms_norm, 4), layer_norm, 3".parse::<NetworkSpec>().unwrap();
        let tensors = Architecture::from(network).tensors();
        let names: Vec<_> = tensors.iter().map(|tensor| format!("{} {:?}", tensor.name, tensor.shape)).collect();
        let expected = [
            "layer1.weight [4, 5]",
            "layer1.bias [4]",
            "norm1.weight [4]",
            "norm1.bias [4]",
            "norm1.running_mean [4]",
            "norm1.running_var [4]",
            "norm2.weight [4]",
            "layer2.weight [4, 4]",
            "layer2.bias [4]",
            "norm3.weight [4]",
            "norm3.bias [4]",
            "layer3.weight [3, 4]",
            "layer3.bias [3]",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_layer_of_both_views_has_two_weights() {
        let network = "5, mirrored(4 relu, 3), 2".parse::<NetworkSpec>().unwrap();
        let architecture = Architecture::from(network);
        let names: Vec<_> = architecture.tensors().into_iter().map(|tensor| (tensor.name, tensor.shape)).collect();
        let expected: [(&str, &[usize]); 8] = [
            ("layer1.weight", &[4, 5]),
            ("layer1.bias", &[4]),
            ("layer1.mirror", &[5]),
            ("layer2.even", &[3, 4]),
            ("layer2.odd", &[3, 4]),
            ("layer2.bias", &[3]),
            ("layer3.weight", &[2, 3]),
            ("layer3.bias", &[2]),
        ];
        assert_eq!(names, expected.map(|(name, shape)| (name.to_owned(), shape.to_vec())));
        assert_eq!(architecture.parameters() as u64, architecture.network().parameters());
    }
}
