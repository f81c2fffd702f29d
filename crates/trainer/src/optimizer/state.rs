//! What an optimizer remembers.

use serde::{Deserialize, Serialize};

use super::Optimizer;
use crate::TrainError;

/// What an optimizer remembers, in host memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// Steps taken over the run.
    pub steps: u64,
    /// A layer's buffers, the first layer's first.
    pub layers: Vec<LayerState>,
}

/// The buffers of one layer: as many as [`Optimizer::states`] names for the weight, and as many for the bias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerState {
    /// Each `[outputs, inputs]`.
    pub weight: Vec<Vec<f32>>,
    /// Each `[outputs]`.
    pub bias: Vec<Vec<f32>>,
}

impl OptimizerState {
    /// Before the first step: every buffer zero.
    pub fn new(optimizer: &dyn Optimizer, architecture: &strata_model::Architecture) -> Self {
        let zeros = |count: usize| vec![vec![0.0; count]; optimizer.states().len()];
        let layers = architecture.layers().map(|(i, o)| LayerState { weight: zeros(i * o), bias: zeros(o) }).collect();
        Self { steps: 0, layers }
    }

    /// Whether this is the state of `optimizer` on a network of `architecture`.
    pub(crate) fn check(
        &self,
        optimizer: &dyn Optimizer,
        architecture: &strata_model::Architecture,
    ) -> Result<(), TrainError> {
        let fits = |buffers: &[Vec<f32>], count: usize| {
            buffers.len() == optimizer.states().len() && buffers.iter().all(|buffer| buffer.len() == count)
        };
        let layers: Vec<_> = architecture.layers().collect();
        let same = layers.len() == self.layers.len()
            && layers
                .iter()
                .zip(&self.layers)
                .all(|((i, o), state)| fits(&state.weight, i * o) && fits(&state.bias, *o));
        if same {
            return Ok(());
        }
        let buffers = self.layers.first().map_or(0, |layer| layer.weight.len());
        Err(TrainError::State {
            expected: format!("one of {architecture} with {} buffers for each parameter", optimizer.states().len()),
            found: format!("of {} layers with {buffers} buffers for each parameter", self.layers.len()),
        })
    }
}
