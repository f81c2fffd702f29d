//! β-LASSO.

use super::ElementwiseRule;

/// β-LASSO (Neyshabur 2020, algorithm 1): `p -= learning_rate · (g + lambda · sign(p))`, then what is smaller than `threshold` (β · lambda) becomes 0. The
/// sign of zero is zero. No state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaLassoRule {
    /// Step size.
    pub learning_rate: f32,
    /// The pull towards zero, of the same size whatever the value.
    pub lambda: f32,
    /// Absolute values below it become 0.
    pub threshold: f32,
}

impl ElementwiseRule for BetaLassoRule {
    type State = [f32; 0];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, []: [f32; 0]) -> (f32, [f32; 0]) {
        let sign = if p > 0.0 {
            1.0
        } else if p < 0.0 {
            -1.0
        } else {
            0.0
        };
        let p = (-self.learning_rate).mul_add(self.lambda.mul_add(sign, g), p);
        // A NaN stays one.
        (if p.abs() < self.threshold { 0.0 } else { p }, [])
    }
}

boxed!(BetaLassoRule);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_become_zero_and_a_gradient_brings_them_back() {
        let rule = BetaLassoRule { learning_rate: 0.5, lambda: 0.25, threshold: 0.125 };
        // 1 - 0.5 (1 + 0.25), -1 + 0.5 · 0.25, 0.2 - 0.125 = 0.075 < 0.125, 0 - 0.5 · 1.
        for ((p, g), expected) in [((1.0, 1.0), 0.375), ((-1.0, 0.0), -0.875), ((0.2, 0.0), 0.0), ((0.0, 1.0), -0.5)] {
            assert_eq!(rule.step(p, g, []).0, expected, "{p} {g}");
        }
        assert!(rule.step(1.0, f32::NAN, []).0.is_nan());
    }
}
