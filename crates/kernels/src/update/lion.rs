//! Lion.

use super::ElementwiseRule;

/// Lion (Chen et al. 2023, algorithm 2): `p = decay_factor · p - learning_rate · sign(β₁ exp_avg + (1 - β₁) g)`, then
/// `exp_avg = β₂ exp_avg + (1 - β₂) g`. The sign of zero is zero. The state is `exp_avg`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LionRule {
    /// Step size.
    pub learning_rate: f32,
    /// Share of the average in the direction.
    pub beta1: f32,
    /// Decay of the average.
    pub beta2: f32,
    /// What the parameter is multiplied with before the step: `1 - learning_rate · weight_decay`.
    pub decay_factor: f32,
}

impl ElementwiseRule for LionRule {
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [exp_avg]: [f32; 1]) -> (f32, [f32; 1]) {
        let direction = (1.0 - self.beta1).mul_add(g - exp_avg, exp_avg);
        // Neither of the two comparisons holds for NaN, which so reaches the parameter and is found.
        let sign = if direction > 0.0 {
            1.0
        } else if direction < 0.0 {
            -1.0
        } else {
            direction
        };
        let exp_avg = (1.0 - self.beta2).mul_add(g - exp_avg, exp_avg);
        ((-self.learning_rate).mul_add(sign, p * self.decay_factor), [exp_avg])
    }
}

boxed!(LionRule);
