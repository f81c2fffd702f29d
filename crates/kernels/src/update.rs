//! The optimizers' rules, in one pass over a parameter, its gradient and its state.

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};

/// A parameter's values and the optimizer's state for them, each as long as `values` or empty where the rule has none.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// The parameter itself.
    pub values: &'a mut [f32],
    /// SGD's momentum, or Adam's first moment.
    pub first: &'a mut [f32],
    /// Adam's second moment.
    pub second: &'a mut [f32],
}

impl Parameter<'_> {
    /// The part at `range`, its state with it.
    pub(crate) fn piece(&mut self, range: std::ops::Range<usize>) -> Parameter<'_> {
        let of =
            |slice: &'_ mut [f32]| -> std::ops::Range<usize> { if slice.is_empty() { 0..0 } else { range.clone() } };
        let (first, second) = (of(self.first), of(self.second));
        Parameter {
            values: &mut self.values[range.clone()],
            first: &mut self.first[first],
            second: &mut self.second[second],
        }
    }
}

/// One step of an optimizer, its numbers worked out for this step.
///
/// The formulas are those of PyTorch's `torch.optim.SGD`, `Adam` and `AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Update {
    /// `p -= learning_rate · (g + weight_decay · p)`.
    Sgd {
        /// Step size.
        learning_rate: f32,
        /// L2 penalty added to the gradient.
        weight_decay: f32,
    },
    /// `v = momentum · v + g + weight_decay · p`, then `p -= learning_rate · v`, or, with Nesterov,
    /// `p -= learning_rate · (g + weight_decay · p + momentum · v)`.
    Momentum {
        /// Step size.
        learning_rate: f32,
        /// L2 penalty added to the gradient.
        weight_decay: f32,
        /// Share of the velocity that is kept.
        momentum: f32,
        /// Look ahead by one step (Sutskever et al. 2013).
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015): `m += (1 - β₁)(g - m)`, `v = β₂ v + (1 - β₂) g²`,
    /// `p -= step_size · m / (√v / correction + epsilon)`.
    Adam {
        /// Learning rate over `1 - β₁ᵗ`.
        step_size: f32,
        /// `√(1 - β₂ᵗ)`.
        correction: f32,
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the denominator.
        epsilon: f32,
        /// L2 penalty added to the gradient (Adam).
        weight_decay: f32,
        /// What the parameter is multiplied with before the step: `1 - learning_rate · weight_decay` for AdamW
        /// (Loshchilov and Hutter 2019), 1 for Adam.
        keep: f32,
    },
}

impl Update {
    /// How many buffers of state the rule keeps for each parameter.
    pub fn states(&self) -> usize {
        match self {
            Self::Sgd { .. } => 0,
            Self::Momentum { .. } => 1,
            Self::Adam { .. } => 2,
        }
    }

    pub(crate) fn check(&self, parameter: &Parameter<'_>) {
        let length = |states| if self.states() >= states { parameter.values.len() } else { 0 };
        assert_eq!(parameter.first.len(), length(1), "{self:?} has {} states", self.states());
        assert_eq!(parameter.second.len(), length(2), "{self:?} has {} states", self.states());
    }
}

/// Updates `parameter` by `gradient` on all threads.
///
/// # Panics
/// Where the state is not what `rule` needs, or `gradient` not as long as the values.
pub fn update(mut parameter: Parameter<'_>, gradient: &[f32], rule: &Update) {
    const PIECE: usize = 1 << 15;
    rule.check(&parameter);
    assert_eq!(parameter.values.len(), gradient.len(), "a gradient is as long as its parameter");
    if gradient.len() <= PIECE {
        let piece = parameter.piece(0..gradient.len());
        return update_segment(rule, piece.values, gradient, piece.first, piece.second);
    }
    let gradients = gradient.par_chunks(PIECE);
    let values = parameter.values.par_chunks_mut(PIECE);
    match rule.states() {
        0 => values.zip(gradients).for_each(|(p, g)| update_segment(rule, p, g, &mut [], &mut [])),
        1 => values
            .zip(gradients)
            .zip(parameter.first.par_chunks_mut(PIECE))
            .for_each(|((p, g), m)| update_segment(rule, p, g, m, &mut [])),
        _ => values
            .zip(gradients)
            .zip(parameter.first.par_chunks_mut(PIECE))
            .zip(parameter.second.par_chunks_mut(PIECE))
            .for_each(|(((p, g), m), v)| update_segment(rule, p, g, m, v)),
    }
}

fn update_segment(rule: &Update, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
    dispatch(Segment { rule, values, gradient, first, second });
}

struct Segment<'a> {
    rule: &'a Update,
    values: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Kernel for Segment<'_> {
    #[inline(always)]
    fn run(self) {
        self.rule.apply(self.values, self.gradient, self.first, self.second);
    }
}

impl Update {
    /// The rule on slices of one length, the state's empty where there is none. Inlined, so that it is compiled for the
    /// instructions of the kernel that it stands in.
    #[inline(always)]
    pub(crate) fn apply(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        match *self {
            Update::Sgd { learning_rate, weight_decay } => {
                for (p, g) in values.iter_mut().zip(gradient) {
                    let g = weight_decay.mul_add(*p, *g);
                    *p = (-learning_rate).mul_add(g, *p);
                }
            }
            Update::Momentum { learning_rate, weight_decay, momentum, nesterov } => {
                for ((p, g), v) in values.iter_mut().zip(gradient).zip(first) {
                    let g = weight_decay.mul_add(*p, *g);
                    *v = momentum.mul_add(*v, g);
                    let direction = if nesterov { momentum.mul_add(*v, g) } else { *v };
                    *p = (-learning_rate).mul_add(direction, *p);
                }
            }
            Update::Adam { step_size, correction, beta1, beta2, epsilon, weight_decay, keep } => {
                for (((p, g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                    let g = weight_decay.mul_add(*p, *g);
                    *m = (1.0 - beta1).mul_add(g - *m, *m);
                    *v = ((1.0 - beta2) * g).mul_add(g, beta2 * *v);
                    *p = (-step_size).mul_add(*m / (v.sqrt() / correction + epsilon), *p * keep);
                }
            }
        }
    }
}
