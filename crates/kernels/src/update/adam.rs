//! Adam and what followed from it, as `torch.optim.Adam`, `AdamW` and `NAdam` compute them.

use super::ElementwiseRule;

/// Adam (Kingma and Ba 2015): `exp_avg += (1 - β₁)(g - exp_avg)`, `exp_avg_sq = β₂ exp_avg_sq + (1 - β₂) g²`,
/// `p = decay_factor · p - step_size · exp_avg / (√exp_avg_sq / bias_correction2_sqrt + epsilon)`, where `g` has
/// `weight_decay · p` added. The states are `exp_avg` and `exp_avg_sq`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamRule {
    /// Learning rate over `1 - β₁ᵗ`.
    pub step_size: f32,
    /// `√(1 - β₂ᵗ)`.
    pub bias_correction2_sqrt: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// L2 penalty added to the gradient (Adam).
    pub weight_decay: f32,
    /// What the parameter is multiplied with before the step: `1 - learning_rate · weight_decay` for AdamW
    /// (Loshchilov and Hutter 2019), 1 for Adam.
    pub decay_factor: f32,
}

impl ElementwiseRule for AdamRule {
    type State = [f32; 2];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [exp_avg, exp_avg_sq]: [f32; 2]) -> (f32, [f32; 2]) {
        let g = self.weight_decay.mul_add(p, g);
        let exp_avg = (1.0 - self.beta1).mul_add(g - exp_avg, exp_avg);
        let exp_avg_sq = ((1.0 - self.beta2) * g).mul_add(g, self.beta2 * exp_avg_sq);
        let denominator = exp_avg_sq.sqrt() / self.bias_correction2_sqrt + self.epsilon;
        ((-self.step_size).mul_add(exp_avg / denominator, p * self.decay_factor), [exp_avg, exp_avg_sq])
    }
}

/// Adam with Nesterov's momentum (Dozat 2016): the moments are Adam's, and
/// `p = decay_factor · p - (gradient_step · g + momentum_step · exp_avg) / (√exp_avg_sq / bias_correction2_sqrt + epsilon)`,
/// where `g` has `weight_decay · p` added. The states are `exp_avg` and `exp_avg_sq`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NAdamRule {
    /// `learning_rate · (1 - μₜ) / (1 - Π μ)`, the product over the steps up to this one.
    pub gradient_step: f32,
    /// `learning_rate · μₜ₊₁ / (1 - Π μ)`, the product over the steps up to the next.
    pub momentum_step: f32,
    /// `√(1 - β₂ᵗ)`.
    pub bias_correction2_sqrt: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
    /// What the parameter is multiplied with before the step: `1 - learning_rate · weight_decay` for decoupled decay, else 1.
    pub decay_factor: f32,
}

impl ElementwiseRule for NAdamRule {
    type State = [f32; 2];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [exp_avg, exp_avg_sq]: [f32; 2]) -> (f32, [f32; 2]) {
        let g = self.weight_decay.mul_add(p, g);
        let exp_avg = (1.0 - self.beta1).mul_add(g - exp_avg, exp_avg);
        let exp_avg_sq = ((1.0 - self.beta2) * g).mul_add(g, self.beta2 * exp_avg_sq);
        let denominator = exp_avg_sq.sqrt() / self.bias_correction2_sqrt + self.epsilon;
        let direction = self.gradient_step.mul_add(g, self.momentum_step * exp_avg);
        (p.mul_add(self.decay_factor, -direction / denominator), [exp_avg, exp_avg_sq])
    }
}

boxed!(AdamRule);
boxed!(NAdamRule);
