//! Adam, AdamW and NAdam, as `torch.optim` has them.

use strata_kernels as kernels;
use strata_kernels::UpdateRule;
use strata_spec::ranges;

use super::{Optimizer, Step, TensorRule, in_range};
use crate::TrainError;

/// Adam, or AdamW, with PyTorch's meaning of each number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the first and second moment, in `0..1`; both are rounded to 32 bits, in the correction of the moments too.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub epsilon: f64,
    /// L2 penalty (Adam), or the share of the weights that decays a step, times the learning rate (AdamW).
    pub weight_decay: f64,
    /// AdamW: the decay does not pass through the moments.
    pub decoupled: bool,
}

impl Adam {
    fn of_step(&self, step: Step) -> Result<kernels::AdamRule, TrainError> {
        let [beta1, beta2] = self.betas;
        let (weight_decay, decay_factor) = decays(step, self.weight_decay, self.decoupled);
        Ok(kernels::AdamRule {
            step_size: step.single("step size", step.learning_rate / step.bias_correction(beta1))?,
            bias_correction2_sqrt: step.bias_correction(beta2).sqrt() as f32,
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            epsilon: self.epsilon as f32,
            weight_decay,
            decay_factor,
        })
    }
}

/// The L2 penalty, and what the parameter is multiplied with.
fn decays(step: Step, weight_decay: f64, decoupled: bool) -> (f32, f32) {
    let weight_decay = step.weight_decay(weight_decay);
    if decoupled { (0.0, (1.0 - step.learning_rate * weight_decay) as f32) } else { (weight_decay as f32, 1.0) }
}

fn check(betas: [f64; 2], epsilon: f64, weight_decay: f64) -> Result<(), TrainError> {
    in_range(&[
        ("first beta", betas[0], ranges::BETA),
        ("second beta", betas[1], ranges::BETA),
        ("epsilon", epsilon, ranges::EPS),
        ("weight decay", weight_decay, ranges::WEIGHT_DECAY),
    ])
}

impl Optimizer for Adam {
    fn check(&self) -> Result<(), TrainError> {
        check(self.betas, self.epsilon, self.weight_decay)
    }

    fn states(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        self.of_step(step).map(Into::into)
    }

    fn tensor_rule(&self, step: Step) -> Result<Option<TensorRule>, TrainError> {
        self.of_step(step).map(|rule| Some(TensorRule::Adam(rule)))
    }
}

/// NAdam (Dozat 2016), with PyTorch's meaning of each number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NAdam {
    /// Decay of the first and second moment, in `0..1`; PyTorch has 0.9 and 0.999 by default.
    pub betas: [f64; 2],
    /// Added to the denominator; 1e-8 by default.
    pub epsilon: f64,
    /// L2 penalty, or, where it is decoupled, the share of the weights that decays a step, times the learning rate; 0 by default.
    pub weight_decay: f64,
    /// How fast the momentum grows from half of the first beta to all of it; 4e-3 by default.
    pub momentum_decay: f64,
    /// The decay does not pass through the moments.
    pub decoupled: bool,
}

impl NAdam {
    /// `μₜ`.
    fn momentum(&self, number: f64) -> f64 {
        self.betas[0] * (1.0 - 0.5 * 0.96f64.powf(number * self.momentum_decay))
    }

    /// `Π μ` over the steps up to `number`. It is taken from 1, so there is an end to the factors that count.
    fn product(&self, number: u64) -> f64 {
        const NOTHING: f64 = f64::EPSILON / 1024.0;
        let mut product = 1.0;
        for number in 1..=number {
            product *= self.momentum(number as f64);
            if product < NOTHING {
                return 0.0;
            }
        }
        product
    }
}

impl Optimizer for NAdam {
    fn check(&self) -> Result<(), TrainError> {
        check(self.betas, self.epsilon, self.weight_decay)?;
        in_range(&[("momentum decay", self.momentum_decay, ranges::WEIGHT_DECAY)])
    }

    fn states(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        let (number, product) = (step.number as f64, self.product(step.number));
        let (momentum, next) = (self.momentum(number), self.momentum(number + 1.0));
        let (weight_decay, decay_factor) = decays(step, self.weight_decay, self.decoupled);
        let rule = kernels::NAdamRule {
            gradient_step: step.single("step size", step.learning_rate * (1.0 - momentum) / (1.0 - product))?,
            momentum_step: (step.learning_rate * next / (1.0 - product * next)) as f32,
            bias_correction2_sqrt: step.bias_correction(self.betas[1]).sqrt() as f32,
            beta1: self.betas[0] as f32,
            beta2: self.betas[1] as f32,
            epsilon: self.epsilon as f32,
            weight_decay,
            decay_factor,
        };
        Ok(rule.into())
    }
}
