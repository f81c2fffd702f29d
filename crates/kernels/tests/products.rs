//! The products against the loops they stand for, bit for bit, at shapes that meet every edge of the blocking.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use strata_kernels::{
    GemmShape, Parameter, Update, affine, bias_gradient, input_gradient, update, update_by_product, weight_gradient,
};

/// Values that are neither small nor round, so that another order of summation shows.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Chains of fused multiply-adds in order, added in order: what every element of every product is. A chain has 256 terms, or
/// 64 where zeros are skipped.
fn chains(depth: usize, terms: impl Iterator<Item = (f32, f32)>) -> f32 {
    let terms: Vec<_> = terms.collect();
    terms.chunks(depth).fold(0.0, |sum, chain| sum + chain.iter().fold(0.0, |sum, (a, b)| a.mul_add(*b, sum)))
}

fn shapes() -> Vec<GemmShape> {
    let mut shapes = Vec::new();
    for batch in [1, 3, 17, 128, 130] {
        for (inputs, outputs) in [(1, 1), (3, 17), (17, 3), (64, 10), (515, 31), (33, 600)] {
            shapes.push(GemmShape { batch, inputs, outputs });
        }
    }
    // Deeper than one block of each summed index, and small enough for a debug build.
    shapes.push(GemmShape { batch: 1100, inputs: 19, outputs: 101 });
    shapes.push(GemmShape { batch: 20, inputs: 1030, outputs: 1030 });
    // A batch of more panels than one group, and wide rows of more panels than one group.
    shapes.push(GemmShape { batch: 1200, inputs: 520, outputs: 7 });
    shapes.push(GemmShape { batch: 4, inputs: 1300, outputs: 9 });
    shapes
}

struct Operands {
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

/// Operands without zeros, for chains of 256, and operands half of whose values that may be sparse are, for chains of 64.
fn cases() -> impl Iterator<Item = (GemmShape, usize, Operands)> {
    let sparse = |shape: GemmShape| {
        let Operands { mut x, weight, bias, mut dy } = operands(shape);
        for values in [&mut x, &mut dy] {
            // Runs of zeros, whole rows among them, and rows without one.
            values.iter_mut().enumerate().filter(|(i, _)| i * i % 7 < 4 || i % 997 < 300).for_each(|(_, x)| *x = 0.0);
        }
        Operands { x, weight, bias, dy }
    };
    let sizes = |batch, inputs, outputs| GemmShape { batch, inputs, outputs };
    // Whole panels and blocks, and shapes that meet every edge: the last row, column, block, strip and part.
    let shapes_of_zeros =
        [sizes(64, 64, 64), sizes(128, 192, 128), sizes(130, 515, 180), sizes(97, 111, 63), sizes(300, 50, 61)];
    let dense = shapes().into_iter().map(|shape| (shape, 256, operands(shape)));
    dense.chain(shapes_of_zeros.into_iter().map(move |shape| (shape, 64, sparse(shape))))
}

fn operands(shape: GemmShape) -> Operands {
    Operands {
        x: values(shape.batch * shape.inputs, 1),
        weight: values(shape.outputs * shape.inputs, 2),
        bias: values(shape.outputs, 3),
        dy: values(shape.batch * shape.outputs, 4),
    }
}

#[test]
fn affine_is_the_chains_plus_the_bias() {
    for (shape, depth, Operands { x, weight, bias, .. }) in cases() {
        let GemmShape { batch, inputs, outputs } = shape;
        let mut y = vec![f32::NAN; batch * outputs];
        affine(shape, &x, &weight, &bias, &mut y);
        for b in 0..batch {
            for o in 0..outputs {
                let sum = chains(depth, (0..inputs).map(|i| (weight[o * inputs + i], x[b * inputs + i])));
                assert_eq!(y[b * outputs + o], sum + bias[o], "{shape:?} at {b}, {o}");
            }
        }
    }
}

#[test]
fn input_gradient_is_the_chains() {
    for (shape, depth, Operands { weight, dy, .. }) in cases() {
        let GemmShape { batch, inputs, outputs } = shape;
        let mut dx = vec![f32::NAN; batch * inputs];
        input_gradient(shape, &dy, &weight, &mut dx);
        for b in 0..batch {
            for i in 0..inputs {
                let sum = chains(depth, (0..outputs).map(|o| (dy[b * outputs + o], weight[o * inputs + i])));
                assert_eq!(dx[b * inputs + i], sum, "{shape:?} at {b}, {i}");
            }
        }
    }
}

fn gradient_by_loops(shape: GemmShape, depth: usize, operands: &Operands) -> Vec<f32> {
    let GemmShape { batch, inputs, outputs } = shape;
    let element = |o: usize, i: usize| {
        chains(depth, (0..batch).map(|b| (operands.dy[b * outputs + o], operands.x[b * inputs + i])))
    };
    (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))).map(|(o, i)| element(o, i)).collect()
}

#[test]
fn weight_gradient_adds_the_chains() {
    for (shape, depth, operands) in cases() {
        let before = values(shape.outputs * shape.inputs, 5);
        let mut gradient = before.clone();
        weight_gradient(shape, &operands.dy, &operands.x, &mut gradient);
        let sums = gradient_by_loops(shape, depth, &operands);
        let expected: Vec<f32> = before.iter().zip(&sums).map(|(before, sum)| before + sum).collect();
        assert!(gradient == expected, "{shape:?}");
    }
}

/// The fused update is the gradient, then the update: not nearly, but to the bit, for every rule.
#[test]
fn update_by_product_is_the_gradient_then_the_update() {
    let rules = [
        Update::Sgd { learning_rate: 0.1, weight_decay: 1e-3 },
        Update::Momentum { learning_rate: 0.1, weight_decay: 1e-3, momentum: 0.9, nesterov: false },
        Update::Momentum { learning_rate: 0.1, weight_decay: 0.0, momentum: 0.9, nesterov: true },
        Update::Adam {
            step_size: 0.01,
            correction: 0.5,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            keep: 0.99,
        },
    ];
    for (shape, depth, operands) in cases() {
        let gradient = gradient_by_loops(shape, depth, &operands);
        for rule in rules {
            let length = |n| if rule.states() >= n { gradient.len() } else { 0 };
            let first = values(length(1), 6);
            let second: Vec<f32> = values(length(2), 7).iter().map(|v| v * v).collect();
            let mut fused = (operands.weight.clone(), first.clone(), second.clone());
            let mut apart = fused.clone();
            let parameter = Parameter { values: &mut fused.0, first: &mut fused.1, second: &mut fused.2 };
            update_by_product(shape, &operands.dy, &operands.x, parameter, &rule);
            let parameter = Parameter { values: &mut apart.0, first: &mut apart.1, second: &mut apart.2 };
            update(parameter, &gradient, &rule);
            assert!(fused == apart, "{shape:?} {rule:?}");
        }
    }
}

/// One plain SGD step by hand: p = 1, g = 0.5, decay 0.1: 1 - 0.2 · (0.5 + 0.1 · 1) = 0.88. With momentum 0.9 and v = 2:
/// v = 1.8 + 0.5 = 2.3, p = 1 - 0.2 · 2.3 = 0.54; Nesterov: 1 - 0.2 · (0.5 + 0.9 · 2.3) = 0.486.
#[test]
fn steps_by_hand() {
    let step = |rule: Update, first: &mut [f32]| {
        let mut p = [1.0];
        update(Parameter { values: &mut p, first, second: &mut [] }, &[0.5], &rule);
        p[0]
    };
    let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
    close(step(Update::Sgd { learning_rate: 0.2, weight_decay: 0.1 }, &mut []), 0.88);
    let momentum = |nesterov| Update::Momentum { learning_rate: 0.2, weight_decay: 0.0, momentum: 0.9, nesterov };
    close(step(momentum(false), &mut [2.0]), 0.54);
    close(step(momentum(true), &mut [2.0]), 0.486);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for zeros in [false, true] {
        same_bits_for_any_threads(zeros);
    }
}

fn same_bits_for_any_threads(zeros: bool) {
    let shape = GemmShape { batch: 130, inputs: 515, outputs: 301 };
    let mut operands = operands(shape);
    if zeros {
        let half = |values: &mut [f32]| values.iter_mut().filter(|value| **value < 0.0).for_each(|value| *value = 0.0);
        half(&mut operands.x);
        half(&mut operands.dy);
    }
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut y = vec![0.0; shape.batch * shape.outputs];
            affine(shape, &operands.x, &operands.weight, &operands.bias, &mut y);
            let mut dx = vec![0.0; shape.batch * shape.inputs];
            input_gradient(shape, &operands.dy, &operands.weight, &mut dx);
            let mut weight = operands.weight.clone();
            let parameter = Parameter { values: &mut weight, first: &mut [], second: &mut [] };
            update_by_product(
                shape,
                &operands.dy,
                &operands.x,
                parameter,
                &Update::Sgd { learning_rate: 0.1, weight_decay: 0.0 },
            );
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
