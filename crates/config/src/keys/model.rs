//! `[model]`: the network.

use strata_spec::ranges;
use strata_spec::{Activation, Initialisation, LayerSpec, Named, NetworkError, NetworkSpec, WeightInit};

use crate::key::Fallback::{Is, Required, Worked};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{self, Boolean, Choice, Layers, Number};
use crate::takes::{self, choices};
use crate::value::{boolean, layers, named, number, sizes};
use crate::values::Values;

const WIDTHS: Takes = Takes::Integers { most: ranges::HIDDEN_LAYERS, each: ranges::WIDTH };

pub(super) const MODEL_SECTION: Section = table("model", NOTE, ENTRIES);

const NOTE: &str = "The network is `hidden`, `activation` and `dropout`, or `network`, which says every layer between the images and the classes: \
                    `network = \"512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512)\"`. A layer stands behind a comma, what follows it behind it. \
                    A `--set` of one takes the place of the other in the file. At most 32 widths, 128 layers and 10⁹ parameters in all.";

keys! {
    /// the layers between the images and the classes, in words
    NETWORK: Vec<LayerSpec>, layers => "model.network", Layers,
        Worked { words: "none: `model.hidden` says them", out: |_| None }, None, Some("network");
    /// the hidden layers' widths; `[]` is a linear classifier
    HIDDEN: Vec<usize>, sizes => "model.hidden", WIDTHS, Required, Some(WITHOUT_NETWORK), Some("hidden"), always;
    /// what follows each hidden layer
    ACTIVATION: Activation, named => "model.activation", Choice(activations), Is("\"relu\""), Some(WITH_HIDDEN), Some("activation"), always;
    /// the probability that a hidden unit is dropped in a training step
    DROPOUT: f64, number => "model.dropout", Number(ranges::DROPOUT), Is("0.0"), Some(WITH_HIDDEN), Some("dropout"), always;
    /// how the weights of dense layers begin; all draws are PyTorch's
    INIT: WeightInit, named => "model.init", Choice(choices::<WeightInit>), Is("\"torch\""), None, Some("init");
    /// whether the last dense layer or normalisation of each `skip(…)` begins at zero
    ZERO_INIT_RESIDUAL: bool, boolean => "model.zero_init_residual", Boolean, Is("false"), Some(WITH_SKIP), Some("zero_init_residual");
}

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The layers between the images and the classes, where they are said one by one; the other fields mean nothing then.
    pub network: Option<Vec<LayerSpec>>,
    /// Widths of the hidden layers, each 1 to 65,536, at most 32 of them; none makes a linear classifier.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// Probability that a hidden unit is dropped in a training step, 0 ≤ p < 1.
    pub dropout: f64,
    /// How the parameters begin.
    pub initialisation: Initialisation,
}

impl ModelConfig {
    pub(crate) fn of(values: &Values) -> Self {
        Self {
            network: values.get(&NETWORK),
            hidden: values.get(&HIDDEN).unwrap_or_default(),
            activation: values.get(&ACTIVATION).unwrap_or_default(),
            dropout: values.get(&DROPOUT).unwrap_or_default(),
            initialisation: Initialisation {
                weights: values.get(&INIT).unwrap_or_default(),
                zero_residual: values.get(&ZERO_INIT_RESIDUAL).unwrap_or_default(),
            },
        }
    }

    /// The whole network, from what it sees of an image to the classes.
    pub(crate) fn network(&self, inputs: usize, classes: usize) -> Result<NetworkSpec, NetworkError> {
        match &self.network {
            Some(layers) => NetworkSpec::classifier(inputs, layers.clone(), classes),
            None => NetworkSpec::chain(inputs, &self.hidden, classes),
        }
    }
}

/// Keys that say the same in two ways: the first in place of the others.
pub(crate) const ALTERNATIVES: (&str, &[&str]) = ("network", &["hidden", "activation", "dropout"]);

const WITHOUT_NETWORK: When = When {
    holds: |values| values.get(&NETWORK).is_none(),
    in_phase: None,
    otherwise: |_, name| {
        format!("has no effect: `model.network` says every layer of the network; leave `{name}` or `network` out")
    },
};
const WITH_HIDDEN: When = When {
    holds: |values| values.get(&HIDDEN).is_some_and(|hidden| !hidden.is_empty()),
    in_phase: None,
    otherwise: |values, name| match (WITHOUT_NETWORK.holds)(values) {
        true => format!(
            "has no effect: model.hidden = [] makes a network without hidden layers, and `{name}` acts on those; leave it out"
        ),
        false => (WITHOUT_NETWORK.otherwise)(values, name),
    },
};

const WITH_SKIP: When = When {
    holds: |values| {
        values.get(&NETWORK).is_some_and(|layers| layers.iter().any(|layer| matches!(layer, LayerSpec::Skip(_))))
    },
    in_phase: None,
    otherwise: |_, name| {
        format!("has no effect: `{name}` acts on the `skip(…)` of model.network, of which there is none; leave it out")
    },
};

fn activations() -> Vec<takes::Choice> {
    Activation::hidden().map(|activation| (activation.as_str().into(), activation.sentence().into())).collect()
}
