//! The products of bfloat16 against the loops that define them, bit for bit.

use strata_kernels::bf16::{Bf16, affine, input_gradient, rounded, weight_gradient};
use strata_kernels::reference::bf16 as reference;
use strata_kernels::{GemmShape, Gradient, MomentumRule, Parameter, UpdateRule};

use crate::common::{Operands, cases, on_threads, operands, values};

#[track_caller]
fn same_bits(what: &str, shape: GemmShape, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(found.to_bits() == expected.to_bits(), "{what}[{at}] of {shape:?}: {found:e}, not {expected:e}");
    }
}

/// All three products of `operands`.
fn agrees_with_the_reference(shape: GemmShape, operands: &Operands) {
    let Operands { x, weight, bias, dy } = operands;
    let (x, dy) = (rounded(x), rounded(dy));
    let mut y = vec![f32::NAN; shape.batch * shape.outputs];
    affine(shape, &x, weight, bias, &mut y);
    same_bits("output", shape, &y, &reference::affine(shape, &x, weight, bias));
    let mut dx = vec![f32::NAN; shape.batch * shape.inputs];
    input_gradient(shape, &dy, weight, &mut dx);
    same_bits("input gradient", shape, &dx, &reference::input_gradient(shape, &dy, weight));
    let before = values(shape.outputs * shape.inputs, 5);
    let mut gradient = before.clone();
    weight_gradient(shape, &dy, &x, &mut gradient);
    let sums = reference::weight_gradient(shape, &dy, &x);
    let expected: Vec<f32> = before.iter().zip(&sums).map(|(before, sum)| before + sum).collect();
    same_bits("weight gradient", shape, &gradient, &expected);
}

#[test]
fn products_of_any_shape_equal_the_reference() {
    for (shape, _, operands) in cases() {
        agrees_with_the_reference(shape, &operands);
    }
}

/// Products around the smallest normal number, from which sums become subnormal or leave them again, in some rows and not in others.
#[test]
fn sums_too_small_for_a_normal_number_are_zeros() {
    let shape = GemmShape { batch: 37, inputs: 301, outputs: 45 };
    let scaled = |values: &[f32], exponents: &[i32]| -> Vec<f32> {
        values.iter().enumerate().map(|(at, value)| value * 2f32.powi(exponents[at % 41 % exponents.len()])).collect()
    };
    for exponents in [&[-63, -62, -64][..], &[-63, -63, -80, -40], &[-120, 0, -60], &[-126, -127]] {
        let Operands { x, weight, bias, dy } = operands(shape);
        let small =
            Operands { x: scaled(&x, exponents), weight: scaled(&weight, exponents), bias, dy: scaled(&dy, exponents) };
        agrees_with_the_reference(shape, &small);
    }
    // The smallest normal number comes and goes: 2^-126 - 2^-127 is subnormal, and zero from there on.
    let row = |values: [f32; 4]| rounded(&values);
    let shape = GemmShape { batch: 1, inputs: 4, outputs: 1 };
    let mut y = [f32::NAN];
    let (half, least) = (2f32.powi(-1), f32::MIN_POSITIVE);
    affine(shape, &row([-half, 1.0, 0.0, half]), &[least, least, 0.0, 4.0 * least], &[0.0], &mut y);
    assert_eq!(y, [2.0 * least]);
}

#[test]
fn of_each_pair_the_second_term_is_added_first() {
    let shape = GemmShape { batch: 1, inputs: 4, outputs: 1 };
    let mut y = [f32::NAN];
    // Pairs (1, 2^24) and (-2^24, 1): 2^24 + 1 is 2^24 again, + 1 once more, and - 2^24 is nothing. In order it would be 2.
    let x = rounded(&[1.0, 2f32.powi(24), -(2f32.powi(24)), 1.0]);
    affine(shape, &x, &[1.0; 4], &[0.0], &mut y);
    assert_eq!(y, [0.0]);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let shape = GemmShape { batch: 130, inputs: 515, outputs: 301 };
    let Operands { x, weight, bias, dy } = operands(shape);
    let (x, dy) = (rounded(&x), rounded(&dy));
    let run = |threads| {
        on_threads(threads, || {
            let mut y = vec![0.0; shape.batch * shape.outputs];
            affine(shape, &x, &weight, &bias, &mut y);
            let mut dx = vec![0.0; shape.batch * shape.inputs];
            input_gradient(shape, &dy, &weight, &mut dx);
            (y, dx, updated(shape, &dy, &x, &weight))
        })
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

/// The weight after a step with momentum.
fn updated(shape: GemmShape, dy: &[Bf16], x: &[Bf16], weight: &[f32]) -> Vec<f32> {
    let rule = MomentumRule { learning_rate: 0.1, weight_decay: 0.01, momentum: 0.9, nesterov: false };
    let (mut weight, mut states) = (weight.to_vec(), [values(weight.len(), 6)]);
    let parameter = Parameter { values: &mut weight, shape: &[shape.outputs, shape.inputs], states: &mut states };
    rule.update(parameter, Gradient::bf16_product(shape, dy, x));
    weight
}

#[test]
fn an_update_by_the_product_is_an_update_by_its_values() {
    for shape in [GemmShape { batch: 17, inputs: 70, outputs: 23 }, GemmShape { batch: 300, inputs: 33, outputs: 130 }]
    {
        let Operands { x, weight, dy, .. } = operands(shape);
        let (x, dy) = (rounded(&x), rounded(&dy));
        let gradient = reference::weight_gradient(shape, &dy, &x);
        let rule = MomentumRule { learning_rate: 0.1, weight_decay: 0.01, momentum: 0.9, nesterov: false };
        let (mut expected, mut states) = (weight.clone(), [values(weight.len(), 6)]);
        let sizes = [shape.outputs, shape.inputs];
        let parameter = Parameter { values: &mut expected, shape: &sizes, states: &mut states };
        strata_kernels::update(parameter, &gradient, &rule);
        assert!(updated(shape, &dy, &x, &weight) == expected, "{shape:?}");
        let mut product = Gradient::bf16_product(shape, &dy, &x);
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        let squared_norm = product.squared_norm();
        assert!((squared_norm / norm - 1.0).abs() < 1e-5, "{squared_norm}, not {norm}");
        assert_eq!(product.into_whole().as_ref(), gradient);
    }
}

#[test]
#[should_panic(expected = "x is [")]
fn a_slice_of_another_length_is_refused() {
    let shape = GemmShape { batch: 2, inputs: 2, outputs: 1 };
    affine(shape, &rounded(&[1.0; 3]), &[1.0, 1.0], &[0.0], &mut [0.0; 2]);
}
