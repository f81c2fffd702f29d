//! `[model]`: the network.

use strata_spec::ranges;
use strata_spec::{Activation, Named};

use crate::key::Fallback::{Is, Required};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes::{self, Choice, Number};
use crate::value::{named, number, sizes};
use crate::values::Values;

const WIDTHS: Takes = Takes::Integers { most: ranges::HIDDEN_LAYERS, each: ranges::WIDTH };

pub(super) const MODEL_SECTION: Section = table("model", "", ENTRIES);

keys! {
    /// the hidden layers' widths; `[]` is a linear classifier; at most 10⁹ parameters in all
    HIDDEN: Vec<usize>, sizes => "model.hidden", WIDTHS, Required, None, Some("hidden");
    /// what follows each hidden layer
    ACTIVATION: Activation, named => "model.activation", Choice(activations), Is("\"relu\""), Some(WITH_HIDDEN), Some("activation");
    /// the probability that a hidden unit is dropped in a training step
    DROPOUT: f64, number => "model.dropout", Number(ranges::DROPOUT), Is("0.0"), Some(WITH_HIDDEN), Some("dropout");
}

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Widths of the hidden layers, each 1 to 65,536, at most 32 of them; none makes a linear classifier.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// Probability that a hidden unit is dropped in a training step, 0 ≤ p < 1.
    pub dropout: f64,
}

impl ModelConfig {
    pub(crate) fn of(values: &Values) -> Self {
        Self {
            hidden: values.get(&HIDDEN).unwrap_or_default(),
            activation: values.get(&ACTIVATION).unwrap_or_default(),
            dropout: values.get(&DROPOUT).unwrap_or_default(),
        }
    }
}

const WITH_HIDDEN: When = When {
    holds: |values| values.get(&HIDDEN).is_some_and(|hidden| !hidden.is_empty()),
    in_phase: None,
    otherwise: |_, name| {
        format!(
            "has no effect: model.hidden = [] makes a network without hidden layers, and `{name}` acts on those; leave it out"
        )
    },
};

fn activations() -> Vec<(&'static str, &'static str)> {
    Activation::hidden().map(|activation| (activation.as_str(), activation.sentence())).collect()
}
