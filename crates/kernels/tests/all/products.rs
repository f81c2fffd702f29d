//! The products against the loops that define them, bit for bit, at shapes that meet every edge of the blocking.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{Operands, cases, on_threads, operands, values};
use strata_kernels::{
    GemmShape, Parameter, SgdRule, affine, bias_gradient, input_gradient, reference, update_by_product, weight_gradient,
};

#[test]
fn affine_equals_the_reference() {
    for (shape, chain, Operands { x, weight, bias, .. }) in cases() {
        let mut y = vec![f32::NAN; shape.batch * shape.outputs];
        affine(shape, &x, &weight, &bias, &mut y);
        assert!(y == reference::affine(shape, chain, &x, &weight, &bias), "{shape:?}");
    }
}

#[test]
fn input_gradient_equals_the_reference() {
    for (shape, chain, Operands { weight, dy, .. }) in cases() {
        let mut dx = vec![f32::NAN; shape.batch * shape.inputs];
        input_gradient(shape, &dy, &weight, &mut dx);
        assert!(dx == reference::input_gradient(shape, chain, &dy, &weight), "{shape:?}");
    }
}

#[test]
fn weight_gradient_adds_what_the_reference_computes() {
    for (shape, chain, Operands { dy, x, .. }) in cases() {
        let before = values(shape.outputs * shape.inputs, 5);
        let mut gradient = before.clone();
        weight_gradient(shape, &dy, &x, &mut gradient);
        let sums = reference::weight_gradient(shape, chain, &dy, &x);
        let expected: Vec<f32> = before.iter().zip(&sums).map(|(before, sum)| before + sum).collect();
        assert!(gradient == expected, "{shape:?}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for zeros in [false, true] {
        same_bits_for_any_threads(zeros, GemmShape { batch: 130, inputs: 515, outputs: 301 });
        same_bits_for_any_threads(zeros, GemmShape { batch: 130, inputs: 304, outputs: 288 });
    }
}

fn same_bits_for_any_threads(zeros: bool, shape: GemmShape) {
    let mut operands = operands(shape);
    if zeros {
        let half = |values: &mut [f32]| values.iter_mut().filter(|value| **value < 0.0).for_each(|value| *value = 0.0);
        half(&mut operands.x);
        half(&mut operands.dy);
    }
    let run = |threads| {
        on_threads(threads, || {
            let mut y = vec![0.0; shape.batch * shape.outputs];
            affine(shape, &operands.x, &operands.weight, &operands.bias, &mut y);
            let mut dx = vec![0.0; shape.batch * shape.inputs];
            input_gradient(shape, &operands.dy, &operands.weight, &mut dx);
            let mut weight = operands.weight.clone();
            let sizes = [shape.outputs, shape.inputs];
            let parameter = Parameter { values: &mut weight, shape: &sizes, states: &mut [] };
            let rule = SgdRule { learning_rate: 0.1, weight_decay: 0.0 };
            update_by_product(shape, &operands.dy, &operands.x, parameter, &rule);
            (y, dx, weight)
        })
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn bias_gradient_sums_the_rows() {
    let mut gradient = [10.0, 20.0];
    bias_gradient(&[1.0, 2.0, 3.0, 4.0], &mut gradient);
    assert_eq!(gradient, [14.0, 26.0]);
}

/// A shape whose sizes multiply to a small number by overflow must not pass for a small one.
#[test]
#[should_panic(expected = "x is [")]
fn sizes_beyond_memory_are_refused() {
    let shape = GemmShape { batch: usize::MAX / 2 + 1, inputs: 2, outputs: 1 };
    affine(shape, &[], &[1.0, 1.0], &[0.0], &mut []);
}
