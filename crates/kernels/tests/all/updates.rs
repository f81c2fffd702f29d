//! Update rules: fused and apart to the bit, by hand, and rules of a user's own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::sync::OnceLock;

use crate::common::{Operands, cases, on_threads, operands, values};
use strata_kernels::{
    AdagradRule, AdamRule, ElementwiseRule, GemmShape, Gradient, LionRule, MomentumRule, NAdamRule, Parameter,
    RmsPropMomentumRule, RmsPropRule, SgdRule, UpdateRule, reference, update, update_by_product,
};

/// The cases with their gradients.
fn gradients() -> &'static [(GemmShape, Operands, Vec<f32>)] {
    static CASES: OnceLock<Vec<(GemmShape, Operands, Vec<f32>)>> = OnceLock::new();
    let with_gradient = |(shape, chain, operands): (GemmShape, usize, Operands)| {
        let gradient = reference::weight_gradient(shape, chain, &operands.dy, &operands.x);
        (shape, operands, gradient)
    };
    CASES.get_or_init(|| cases().map(with_gradient).collect())
}

fn states(count: usize, length: usize) -> Vec<Vec<f32>> {
    // Squares: a mean of squares is never negative.
    (0..count).map(|n| values(length, 6 + n as u64).iter().map(|value| value * value).collect()).collect()
}

/// By its product, by the whole gradient and by the plain loop: not nearly, but to the bit.
fn fused_is_apart<R: ElementwiseRule<State = [f32; N]> + std::fmt::Debug, const N: usize>(rule: R) {
    for (shape, operands, gradient) in gradients() {
        let (shape, sizes) = (*shape, [shape.outputs, shape.inputs]);
        let mut fused = (operands.weight.clone(), states(N, gradient.len()));
        let (mut apart, mut plain) = (fused.clone(), fused.clone());
        let parameter = Parameter { values: &mut fused.0, shape: &sizes, states: &mut fused.1 };
        update_by_product(shape, &operands.dy, &operands.x, parameter, &rule);
        update(Parameter { values: &mut apart.0, shape: &sizes, states: &mut apart.1 }, gradient, &rule);
        reference::update(&rule, &mut plain.0, gradient, &mut plain.1);
        assert!(fused == plain && apart == plain, "{shape:?} {rule:?}");
        assert!(fused.0 != operands.weight, "{rule:?} does something");
    }
}

const RMS_PROP: RmsPropRule = RmsPropRule { learning_rate: 0.01, alpha: 0.99, epsilon: 1e-8, weight_decay: 0.1 };
const ADAM: AdamRule = AdamRule {
    step_size: 0.01,
    bias_correction2_sqrt: 0.5,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weight_decay: 0.0,
    decay_factor: 0.99,
};

#[test]
fn sgd_by_product_equals_gradient_then_update() {
    fused_is_apart(SgdRule { learning_rate: 0.1, weight_decay: 1e-3 });
    fused_is_apart(MomentumRule { learning_rate: 0.1, weight_decay: 1e-3, momentum: 0.9, nesterov: false });
    fused_is_apart(MomentumRule { learning_rate: 0.1, weight_decay: 0.0, momentum: 0.9, nesterov: true });
}

#[test]
fn adam_by_product_equals_gradient_then_update() {
    fused_is_apart(ADAM);
    fused_is_apart(NAdamRule {
        gradient_step: 0.02,
        momentum_step: 0.01,
        bias_correction2_sqrt: 0.5,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        decay_factor: 1.0,
    });
}

#[test]
fn lion_rms_prop_and_adagrad_by_product_equal_gradient_then_update() {
    fused_is_apart(LionRule { learning_rate: 0.01, beta1: 0.9, beta2: 0.99, decay_factor: 0.99 });
    fused_is_apart(RMS_PROP);
    fused_is_apart(RmsPropMomentumRule { rms_prop: RMS_PROP, momentum: 0.9 });
    fused_is_apart(AdagradRule { learning_rate: 0.1, epsilon: 1e-10, weight_decay: 0.1 });
}

/// A rule of a user's own, of three states.
#[derive(Debug)]
struct ThreeStates;

impl ElementwiseRule for ThreeStates {
    type State = [f32; 3];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [a, b, c]: [f32; 3]) -> (f32, [f32; 3]) {
        (p - 0.1 * (g + a) / (b + c + 1.0), [0.5 * a + g, b.max(g * g), c + 1.0])
    }
}

#[test]
fn a_rule_with_three_states_is_fused_as_well() {
    fused_is_apart(ThreeStates);
}

/// A rule that needs the whole matrix: it takes each row's mean away from the gradient.
struct CentredRows;

impl UpdateRule for CentredRows {
    fn states(&self) -> usize {
        0
    }

    fn update(&self, parameter: Parameter<'_>, gradient: Gradient<'_>) {
        parameter.check(self, &gradient);
        let (gradient, columns) = (gradient.into_whole(), parameter.shape[1]);
        for (values, gradient) in parameter.values.chunks_exact_mut(columns).zip(gradient.chunks_exact(columns)) {
            let mean = gradient.iter().sum::<f32>() / columns as f32;
            values.iter_mut().zip(gradient).for_each(|(p, g)| *p -= g - mean);
        }
    }
}

#[test]
fn a_rule_for_whole_matrices_gets_the_whole_gradient_of_a_product() {
    for (shape, operands, gradient) in gradients() {
        let (shape, sizes) = (*shape, [shape.outputs, shape.inputs]);
        let mut by_product = operands.weight.clone();
        let parameter = Parameter { values: &mut by_product, shape: &sizes, states: &mut [] };
        update_by_product(shape, &operands.dy, &operands.x, parameter, &CentredRows);
        let mut whole = operands.weight.clone();
        update(Parameter { values: &mut whole, shape: &sizes, states: &mut [] }, gradient, &CentredRows);
        assert!(by_product == whole, "{shape:?}");
    }
}

/// Scaled by 1/4 and limited to 0.05: the fused step is that of the clipped gradient, for rules of either kind.
#[test]
fn clipping_is_part_of_the_step() {
    let shape = GemmShape { batch: 17, inputs: 70, outputs: 23 };
    let (operands, sizes) = (operands(shape), [shape.outputs, shape.inputs]);
    let clipped: Vec<f32> = reference::weight_gradient(shape, reference::CHAIN, &operands.dy, &operands.x)
        .iter()
        .map(|g| (g * 0.25).clamp(-0.05, 0.05))
        .collect();
    assert!(clipped.contains(&0.05) && clipped.iter().any(|g| g.abs() < 0.05));
    let lion = LionRule { learning_rate: 0.01, beta1: 0.9, beta2: 0.99, decay_factor: 0.99 };
    for rule in [Box::new(ADAM) as Box<dyn UpdateRule>, lion.into(), Box::new(CentredRows)] {
        let mut fused = (operands.weight.clone(), states(rule.states(), clipped.len()));
        let (mut normed, mut expected) = (fused.clone(), fused.clone());
        let gradient = || Gradient::product(shape, &operands.dy, &operands.x).scaled(0.25).limited(0.05);
        rule.update(Parameter { values: &mut fused.0, shape: &sizes, states: &mut fused.1 }, gradient());
        let mut gradient = gradient();
        gradient.squared_norm();
        rule.update(Parameter { values: &mut normed.0, shape: &sizes, states: &mut normed.1 }, gradient);
        update(Parameter { values: &mut expected.0, shape: &sizes, states: &mut expected.1 }, &clipped, &*rule);
        assert!(fused == expected && normed == expected);
    }
}

#[test]
fn clipping_keeps_nan() {
    let mut p = [1.0];
    let parameter = Parameter { values: &mut p, shape: &[1], states: &mut [] };
    SgdRule { learning_rate: 1.0, weight_decay: 0.0 }.update(parameter, Gradient::whole(&[f32::NAN]).limited(1.0));
    assert!(p[0].is_nan());
}

/// One plain SGD step by hand: p = 1, g = 0.5, decay 0.1: 1 - 0.2 · (0.5 + 0.1 · 1) = 0.88. With momentum 0.9 and v = 2:
/// v = 1.8 + 0.5 = 2.3, p = 1 - 0.2 · 2.3 = 0.54; Nesterov: 1 - 0.2 · (0.5 + 0.9 · 2.3) = 0.486.
#[test]
fn update_rules_equal_steps_worked_out_by_hand() {
    let close = |(p, _): (f32, [f32; 1]), expected: f32| assert!((p - expected).abs() < 1e-6, "{p} {expected}");
    assert!((SgdRule { learning_rate: 0.2, weight_decay: 0.1 }.step(1.0, 0.5, []).0 - 0.88).abs() < 1e-6);
    let momentum = |nesterov| MomentumRule { learning_rate: 0.2, weight_decay: 0.0, momentum: 0.9, nesterov };
    close(momentum(false).step(1.0, 0.5, [2.0]), 0.54);
    close(momentum(true).step(1.0, 0.5, [2.0]), 0.486);
}

/// The norm by factors and the norm of the gradient, for any threads; at batch 1200 the gradient is made.
#[test]
fn squared_norm_of_a_product_equals_that_of_the_whole_gradient() {
    for (shape, operands, gradient) in gradients() {
        let (shape, expected) = (*shape, reference::squared_norm(gradient));
        let norm = || Gradient::product(shape, &operands.dy, &operands.x).squared_norm();
        let (one, three) = (on_threads(1, norm), on_threads(3, norm));
        assert!(one == three, "{shape:?}");
        assert!((one - expected).abs() < 1e-6 * expected, "{shape:?}: {one}, not {expected}");
        let factors = strata_kernels::squared_norm_of_product(shape, &operands.dy, &operands.x);
        assert!((factors - expected).abs() < 1e-6 * expected, "{shape:?}: {factors}, not {expected}");
    }
}

/// Two samples whose gradients are opposite: nothing is left, and rounding does not make it negative.
#[test]
fn the_norm_of_gradients_that_cancel_is_zero() {
    let shape = GemmShape { batch: 2, inputs: 3, outputs: 2 };
    let x = [0.1, 0.2, 0.3, 0.1, 0.2, 0.3];
    let norm = Gradient::product(shape, &[0.7, -0.4, -0.7, 0.4], &x).squared_norm();
    assert!((0.0..1e-7).contains(&norm), "{norm}");
}

#[test]
#[should_panic(expected = "another number of states")]
fn a_wrong_number_of_states_is_refused() {
    update(Parameter { values: &mut [1.0], shape: &[1], states: &mut [] }, &[1.0], &ADAM);
}

#[test]
#[should_panic(expected = "a state is as long as")]
fn a_state_of_another_length_is_refused() {
    update(Parameter { values: &mut [1.0], shape: &[1], states: &mut [vec![0.0; 2]] }, &[1.0], &RMS_PROP);
}

#[test]
#[should_panic(expected = "the parameter is")]
fn a_shape_that_disagrees_with_the_values_is_refused() {
    let rule = SgdRule { learning_rate: 0.1, weight_decay: 0.0 };
    update(Parameter { values: &mut [1.0], shape: &[2, 3], states: &mut [] }, &[1.0], &rule);
}
