//! RMSprop and Adagrad, as `torch.optim.RMSprop` (not centred) and `Adagrad` compute them.

use super::ElementwiseRule;

/// RMSprop (Tieleman and Hinton 2012): `square_avg = α square_avg + (1 - α) g²`,
/// `p -= learning_rate · g / (√square_avg + epsilon)`, where `g` has `weight_decay · p` added. The state is `square_avg`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropRule {
    /// Step size.
    pub learning_rate: f32,
    /// Decay of the mean square.
    pub alpha: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
}

impl RmsPropRule {
    /// The direction, and `square_avg` after the step.
    #[inline(always)]
    fn direction(&self, p: f32, g: f32, square_avg: f32) -> (f32, f32) {
        let g = self.weight_decay.mul_add(p, g);
        let square_avg = ((1.0 - self.alpha) * g).mul_add(g, self.alpha * square_avg);
        (g / (square_avg.sqrt() + self.epsilon), square_avg)
    }
}

impl ElementwiseRule for RmsPropRule {
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [square_avg]: [f32; 1]) -> (f32, [f32; 1]) {
        let (direction, square_avg) = self.direction(p, g, square_avg);
        ((-self.learning_rate).mul_add(direction, p), [square_avg])
    }
}

/// [`RmsPropRule`] with momentum: `v = momentum · v + g / (√square_avg + epsilon)`, `p -= learning_rate · v`. The states are
/// `square_avg` and `v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropMomentumRule {
    /// The rule that gives the direction.
    pub rms_prop: RmsPropRule,
    /// Share of the velocity that is kept.
    pub momentum: f32,
}

impl ElementwiseRule for RmsPropMomentumRule {
    type State = [f32; 2];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [square_avg, velocity]: [f32; 2]) -> (f32, [f32; 2]) {
        let (direction, square_avg) = self.rms_prop.direction(p, g, square_avg);
        let velocity = self.momentum.mul_add(velocity, direction);
        ((-self.rms_prop.learning_rate).mul_add(velocity, p), [square_avg, velocity])
    }
}

/// Adagrad (Duchi et al. 2011): `sum += g²`, `p -= learning_rate · g / (√sum + epsilon)`, where `g` has `weight_decay · p`
/// added. The state is `sum`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradRule {
    /// Step size, its decay worked in.
    pub learning_rate: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
}

impl ElementwiseRule for AdagradRule {
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [sum]: [f32; 1]) -> (f32, [f32; 1]) {
        let g = self.weight_decay.mul_add(p, g);
        let sum = g.mul_add(g, sum);
        ((-self.learning_rate).mul_add(g / (sum.sqrt() + self.epsilon), p), [sum])
    }
}

boxed!(RmsPropRule);
boxed!(RmsPropMomentumRule);
boxed!(AdagradRule);
