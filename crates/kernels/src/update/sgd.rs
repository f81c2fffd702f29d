//! Stochastic gradient descent, as `torch.optim.SGD` computes it.

use super::ElementwiseRule;

/// `p -= learning_rate · (g + weight_decay · p)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdRule {
    /// Step size.
    pub learning_rate: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
}

impl ElementwiseRule for SgdRule {
    type State = [f32; 0];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, []: [f32; 0]) -> (f32, [f32; 0]) {
        let g = self.weight_decay.mul_add(p, g);
        ((-self.learning_rate).mul_add(g, p), [])
    }
}

/// `v = momentum · v + g + weight_decay · p`, then `p -= learning_rate · v`, or, with Nesterov,
/// `p -= learning_rate · (g + weight_decay · p + momentum · v)`. The state is `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentumRule {
    /// Step size.
    pub learning_rate: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
    /// Share of the velocity that is kept.
    pub momentum: f32,
    /// Look ahead by one step (Sutskever et al. 2013).
    pub nesterov: bool,
}

impl ElementwiseRule for MomentumRule {
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [velocity]: [f32; 1]) -> (f32, [f32; 1]) {
        let g = self.weight_decay.mul_add(p, g);
        let velocity = self.momentum.mul_add(velocity, g);
        let direction = if self.nesterov { self.momentum.mul_add(velocity, g) } else { velocity };
        ((-self.learning_rate).mul_add(direction, p), [velocity])
    }
}

boxed!(SgdRule);
boxed!(MomentumRule);
