//! Stochastic gradient descent, as `torch.optim.SGD`.

use strata_kernels as kernels;
use strata_kernels::UpdateRule;
use strata_spec::ranges;

use super::{Optimizer, Step, TensorRule, in_range};
use crate::TrainError;

/// Stochastic gradient descent, with PyTorch's meaning of each number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// Share of the velocity that is kept, in `0..1`; 0 keeps none and needs no memory.
    pub momentum: f64,
    /// Look ahead by one step.
    pub nesterov: bool,
    /// L2 penalty.
    pub weight_decay: f64,
}

impl Sgd {
    /// With `momentum`, in `0..1`, and neither Nesterov's look ahead nor a penalty.
    pub fn with_momentum(momentum: f64) -> Self {
        Self { momentum, ..Self::default() }
    }

    fn of_step(&self, step: Step) -> Result<TensorRule, TrainError> {
        let learning_rate = step.single("learning rate", step.learning_rate)?;
        let weight_decay = step.weight_decay(self.weight_decay) as f32;
        Ok(if self.momentum == 0.0 {
            TensorRule::Sgd(kernels::SgdRule { learning_rate, weight_decay })
        } else {
            let (momentum, nesterov) = (self.momentum as f32, self.nesterov);
            TensorRule::Momentum(kernels::MomentumRule { learning_rate, weight_decay, momentum, nesterov })
        })
    }
}

impl Optimizer for Sgd {
    fn check(&self) -> Result<(), TrainError> {
        in_range(&[
            ("momentum", self.momentum, ranges::MOMENTUM),
            ("weight decay", self.weight_decay, ranges::WEIGHT_DECAY),
        ])
    }

    fn states(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        self.of_step(step).map(Into::into)
    }

    fn tensor_rule(&self, step: Step) -> Result<Option<TensorRule>, TrainError> {
        self.of_step(step).map(Some)
    }
}
