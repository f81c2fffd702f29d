//! Activations and their derivatives.

use strata_spec::Activation;

use crate::dispatch::{Kernel, dispatch};
use crate::elementary::{erf, exp, sigmoid, tanh};
use crate::parallel::{each_chunk, each_pair};

/// The slope below zero, PyTorch's default.
const LEAK: f32 = 0.01;

/// Whether the derivative is worked out from the activation's input; if not, from its output.
pub fn derivative_needs_input(activation: Activation) -> bool {
    matches!(activation, Activation::Gelu | Activation::Silu)
}

const PIECE: usize = 1 << 14;

/// Applies `activation` to every value, in place.
pub fn activate(activation: Activation, values: &mut [f32]) {
    if activation != Activation::Identity {
        each_chunk(values, PIECE, &|_, values| dispatch(Forward { activation, values }));
    }
}

/// Multiplies `gradient` by the derivative at `saved`: the activation's input where [`derivative_needs_input`],
/// else its output.
///
/// # Panics
/// Where the lengths differ.
pub fn activation_gradient(activation: Activation, saved: &[f32], gradient: &mut [f32]) {
    assert_eq!(saved.len(), gradient.len(), "a derivative for each value");
    if activation != Activation::Identity {
        let work = |saved: &[f32], gradient: &mut [f32]| dispatch(Backward { activation, saved, gradient });
        each_pair((saved, PIECE), (gradient, PIECE), 1, &work);
    }
}

struct Forward<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        match self.activation {
            Activation::Identity => {}
            Activation::Relu => self.values.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
            Activation::LeakyRelu => self.values.iter_mut().for_each(|x| *x = if *x < 0.0 { LEAK * *x } else { *x }),
            Activation::Gelu => self.values.iter_mut().for_each(|x| *x *= normal_cdf(*x)),
            Activation::Tanh => self.values.iter_mut().for_each(|x| *x = tanh(*x)),
            Activation::Sigmoid => self.values.iter_mut().for_each(|x| *x = sigmoid(*x)),
            Activation::Silu => self.values.iter_mut().for_each(|x| *x *= sigmoid(*x)),
        }
    }
}

struct Backward<'a> {
    activation: Activation,
    saved: &'a [f32],
    gradient: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run(self) {
        let each = self.gradient.iter_mut().zip(self.saved);
        match self.activation {
            Activation::Identity => {}
            Activation::Relu => each.for_each(|(g, y)| *g = if *y > 0.0 { *g } else { 0.0 }),
            Activation::LeakyRelu => each.for_each(|(g, y)| *g = if *y > 0.0 { *g } else { LEAK * *g }),
            Activation::Gelu => each.for_each(|(g, x)| *g *= x.mul_add(normal_density(*x), normal_cdf(*x))),
            Activation::Tanh => each.for_each(|(g, y)| *g *= (-*y).mul_add(*y, 1.0)),
            Activation::Sigmoid => each.for_each(|(g, y)| *g *= *y * (1.0 - *y)),
            Activation::Silu => each.for_each(|(g, x)| {
                let s = sigmoid(*x);
                *g *= s * (*x).mul_add(1.0 - s, 1.0);
            }),
        }
    }
}

#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn normal_density(x: f32) -> f32 {
    const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
    INVERSE_SQRT_TAU * exp(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.nn.functional` at 1 and at -1, printed by PyTorch 2.15 to seven digits.
    #[test]
    fn activations_equal_pytorchs() {
        let expected = [
            (1.0, -1.0),
            (1.0, 0.0),
            (1.0, -0.01),
            (0.841_344_8, -0.158_655_25),
            (0.761_594_2, -0.761_594_2),
            (0.731_058_6, 0.268_941_4),
            (0.731_058_6, -0.268_941_4),
        ];
        assert_eq!(expected.len(), Activation::ALL.len());
        for (activation, (one, minus_one)) in Activation::ALL.into_iter().zip(expected) {
            let mut values = [1.0, -1.0];
            activate(activation, &mut values);
            assert!(
                (values[0] - one).abs() < 2e-7 && (values[1] - minus_one).abs() < 2e-7,
                "{activation:?}: {values:?}"
            );
        }
    }

    /// (f(x + h) - f(x - h)) / 2h against the derivative; h = 1e-2 leaves an error of about h² / 6.
    #[test]
    fn derivatives_are_the_slopes() {
        for activation in Activation::ALL {
            for x in [-3.0f32, -1.3, -0.4, 0.2, 0.9, 2.5] {
                let h = 1e-2;
                let mut ends = [x + h, x - h];
                activate(activation, &mut ends);
                let slope = (ends[0] - ends[1]) / (2.0 * h);
                let mut saved = [x];
                if !derivative_needs_input(activation) {
                    activate(activation, &mut saved);
                }
                let mut gradient = [1.0];
                activation_gradient(activation, &saved, &mut gradient);
                assert!((gradient[0] - slope).abs() < 1e-4, "{activation:?} at {x}: {} and {slope}", gradient[0]);
            }
        }
    }
}
