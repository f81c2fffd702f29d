//! RMSprop and Adagrad, as `torch.optim` has them.

use strata_kernels as kernels;
use strata_kernels::UpdateRule;
use strata_spec::ranges;

use super::{Optimizer, Step, in_range};
use crate::TrainError;

/// RMSprop (Tieleman and Hinton 2012), not centred, with PyTorch's meaning of each number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Decay of the mean square, in `0..1`; 0.99 by default in PyTorch.
    pub alpha: f64,
    /// Added to the denominator; 1e-8 by default.
    pub epsilon: f64,
    /// L2 penalty; 0 by default.
    pub weight_decay: f64,
    /// Share of the velocity that is kept, in `0..1`; 0, the default, keeps none and needs no memory.
    pub momentum: f64,
}

impl Optimizer for RmsProp {
    fn check(&self) -> Result<(), TrainError> {
        in_range(&[
            ("alpha", self.alpha, ranges::BETA),
            ("epsilon", self.epsilon, ranges::EPS),
            ("weight decay", self.weight_decay, ranges::WEIGHT_DECAY),
            ("momentum", self.momentum, ranges::MOMENTUM),
        ])
    }

    fn states(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &["square_avg"] } else { &["square_avg", "momentum_buffer"] }
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        let rms_prop = kernels::RmsPropRule {
            learning_rate: step.single("learning rate", step.learning_rate)?,
            alpha: self.alpha as f32,
            epsilon: self.epsilon as f32,
            weight_decay: step.weight_decay(self.weight_decay) as f32,
        };
        Ok(if self.momentum == 0.0 {
            rms_prop.into()
        } else {
            kernels::RmsPropMomentumRule { rms_prop, momentum: self.momentum as f32 }.into()
        })
    }
}

/// Adagrad (Duchi et al. 2011), with PyTorch's meaning of each number; its sums begin at zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// By how much of itself the learning rate is divided more in each step; 0 by default in PyTorch.
    pub learning_rate_decay: f64,
    /// Added to the denominator; 1e-10 by default.
    pub epsilon: f64,
    /// L2 penalty; 0 by default.
    pub weight_decay: f64,
}

impl Optimizer for Adagrad {
    fn check(&self) -> Result<(), TrainError> {
        in_range(&[
            ("decay of the learning rate", self.learning_rate_decay, ranges::LR_DECAY),
            ("epsilon", self.epsilon, ranges::EPS),
            ("weight decay", self.weight_decay, ranges::WEIGHT_DECAY),
        ])
    }

    fn states(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        let steps_before = step.number.saturating_sub(1) as f64;
        let learning_rate = step.learning_rate / steps_before.mul_add(self.learning_rate_decay, 1.0);
        let rule = kernels::AdagradRule {
            learning_rate: step.single("learning rate", learning_rate)?,
            epsilon: self.epsilon as f32,
            weight_decay: step.weight_decay(self.weight_decay) as f32,
        };
        Ok(rule.into())
    }
}
