//! Optimizers as they are configured, and what they remember.

use serde::{Deserialize, Serialize};
use strata_kernels::{Adam, Momentum, Sgd, UpdateRule};

/// Which optimizer, with PyTorch's meaning of each number (`torch.optim`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the velocity that is kept, in `0..1`; 0 keeps none and needs no memory.
        momentum: f64,
        /// Look ahead by one step.
        nesterov: bool,
        /// L2 penalty.
        weight_decay: f64,
    },
    /// Adam, or AdamW.
    Adam {
        /// Decay of the first and second moment, in `0..1`.
        betas: [f64; 2],
        /// Added to the denominator.
        epsilon: f64,
        /// L2 penalty (Adam), or the share of the weights that decays a step, times the learning rate (AdamW).
        weight_decay: f64,
        /// AdamW: the decay does not pass through the moments.
        decoupled: bool,
    },
}

/// The rule of one step, its numbers worked out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Sgd(Sgd),
    Momentum(Momentum),
    Adam(Adam),
}

impl From<Rule> for Box<dyn UpdateRule> {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Sgd(rule) => rule.into(),
            Rule::Momentum(rule) => rule.into(),
            Rule::Adam(rule) => rule.into(),
        }
    }
}

impl Optimizer {
    /// The rule of step `step` (the first is 1) at `learning_rate`.
    pub(crate) fn rule(&self, learning_rate: f64, step: u64) -> Rule {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                let (learning_rate, weight_decay) = (learning_rate as f32, weight_decay as f32);
                if momentum == 0.0 {
                    Rule::Sgd(Sgd { learning_rate, weight_decay })
                } else {
                    Rule::Momentum(Momentum { learning_rate, weight_decay, momentum: momentum as f32, nesterov })
                }
            }
            Self::Adam { betas: [beta1, beta2], epsilon, weight_decay, decoupled } => {
                let power = step.min(i32::MAX as u64) as i32;
                Rule::Adam(Adam {
                    step_size: (learning_rate / (1.0 - beta1.powi(power))) as f32,
                    bias_correction2_sqrt: (1.0 - beta2.powi(power)).sqrt() as f32,
                    beta1: beta1 as f32,
                    beta2: beta2 as f32,
                    epsilon: epsilon as f32,
                    weight_decay: if decoupled { 0.0 } else { weight_decay as f32 },
                    decay_factor: if decoupled { (1.0 - learning_rate * weight_decay) as f32 } else { 1.0 },
                })
            }
        }
    }

    /// Buffers of state for each parameter: 0, 1 (momentum) or 2 (moments).
    pub fn states(&self) -> usize {
        Box::<dyn UpdateRule>::from(self.rule(0.0, 1)).states()
    }
}

/// What an optimizer remembers, in host memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// Steps taken over the run.
    pub steps: u64,
    /// A layer's buffers, the first layer's first.
    pub layers: Vec<LayerState>,
}

/// The buffers of one layer: as many as [`Optimizer::states`] for the weight, and as many for the bias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerState {
    /// Each `[outputs, inputs]`.
    pub weight: Vec<Vec<f32>>,
    /// Each `[outputs]`.
    pub bias: Vec<Vec<f32>>,
}

impl OptimizerState {
    /// Before the first step: every buffer zero.
    pub fn new(optimizer: &Optimizer, architecture: &strata_model::Architecture) -> Self {
        let zeros = |count: usize| vec![vec![0.0; count]; optimizer.states()];
        let layers = architecture.layers().map(|(i, o)| LayerState { weight: zeros(i * o), bias: zeros(o) }).collect();
        Self { steps: 0, layers }
    }

    /// Whether this is the state of `optimizer` on a network of `architecture`.
    pub(crate) fn check(
        &self,
        optimizer: &Optimizer,
        architecture: &strata_model::Architecture,
    ) -> Result<(), strata_model::ModelError> {
        let fits = |buffers: &[Vec<f32>], count: usize| {
            buffers.len() == optimizer.states() && buffers.iter().all(|buffer| buffer.len() == count)
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
        Err(strata_model::ModelError::Mismatch {
            expected: format!("{architecture} with {} optimizer buffers a parameter", optimizer.states()),
            found: format!("of {} layers with {buffers}", self.layers.len()),
        })
    }
}
