//! A product, batch normalisation and a rectifier as one operation against the three one after the other, bit for bit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{Operands, cases, on_threads, operands, values};
use strata_kernels::{
    Affine, BiasOf, GemmShape, Norm, Normalised, Rectified, RectifiedGradient, Statistics, activate,
    activation_gradient, affine, batch_norm, batch_norm_gradient, bias_gradient, sums_and_differences, views_of,
    weight_gradient,
};
use strata_spec::Activation::Relu;

const EPS: f32 = 1e-5;

/// Result, statistics, gradients of the gain, the normalisation's bias and the products' bias, then of each product by rows.
type All = (Vec<f32>, Statistics, [Vec<f32>; 3], Vec<Vec<f32>>);

/// Of products' results `x`, `[rows, features]`.
fn one_after_the_other(x: &[f32], norm: Norm<'_>, dy: &[f32], views: Option<f32>, bias_of: BiasOf) -> All {
    let features = norm.gain.len();
    let mut y = vec![0.0; x.len()];
    let statistics = batch_norm(x, norm.gain, norm.bias, EPS, &mut y);
    activate(Relu, &mut y);
    let (mut dy, mut dx) = (dy.to_vec(), vec![0.0; x.len()]);
    activation_gradient(Relu, &y, &mut dy);
    let [mut gain, mut bias, mut product_bias] = [0; 3].map(|_| vec![0.0; features]);
    batch_norm_gradient(x, &statistics, norm.gain, &dy, &mut dx, &mut gain, &mut bias);
    if bias_of == BiasOf::Rows {
        bias_gradient(&dx, &mut product_bias);
    }
    let products = match views {
        None => vec![dx],
        Some(factor) => sums_and_differences(&dx, factor).to_vec(),
    };
    if bias_of == BiasOf::Sums {
        bias_gradient(&products[0], &mut product_bias);
    }
    (y, statistics, [gain, bias, product_bias], products)
}

fn all(rectified: &Rectified, y: Vec<f32>, gradient: RectifiedGradient) -> All {
    let parts = 0..gradient.columns.len();
    let rows: Vec<_> = parts.map(|part| gradient.rows(part).unwrap().to_vec()).collect();
    for (columns, rows) in gradient.columns.iter().zip(&rows) {
        assert_eq!(&columns.to_rows(), rows);
    }
    let RectifiedGradient { gain, bias, product_bias, .. } = gradient;
    (y, rectified.statistics().clone(), [gain, bias, product_bias], rows)
}

fn product(shape: GemmShape, operands: &Operands) -> Affine<'_> {
    Affine { shape, x: &operands.x, weight: &operands.weight, bias: &operands.bias }
}

fn by_affine(product: Affine<'_>) -> Vec<f32> {
    let mut y = vec![0.0; product.shape.batch * product.shape.outputs];
    affine(product.shape, product.x, product.weight, product.bias, &mut y);
    y
}

#[test]
fn one_operation_has_the_bits_of_three() {
    for (shape, _, operands) in cases().filter(|(shape, ..)| shape.batch > 1) {
        let (gain, bias) = (values(shape.outputs, 5), values(shape.outputs, 6));
        let norm = Norm { gain: &gain, bias: &bias, eps: EPS };
        let product = product(shape, &operands);
        let expected = one_after_the_other(&by_affine(product), norm, &operands.dy, None, BiasOf::Rows);
        for threads in [1, 2, 5] {
            let got = on_threads(threads, || {
                let mut y = vec![f32::NAN; operands.dy.len()];
                let rectified = Rectified::forward(Normalised::One(product), norm, &mut y);
                let gradient = rectified.gradient(norm, &operands.dy, None, BiasOf::Rows, true);
                all(&rectified, y, gradient)
            });
            assert!(got == expected, "{shape:?}, {threads} threads");
        }
    }
}

#[test]
fn of_two_views_too() {
    let sizes = |batch, inputs, outputs| GemmShape { batch, inputs, outputs };
    for (shape, other_inputs) in [(sizes(3, 5, 7), 4), (sizes(70, 96, 128), 96), (sizes(128, 40, 200), 33)] {
        let other_shape = GemmShape { inputs: other_inputs, ..shape };
        let (one, other) = (operands(shape), operands(other_shape));
        let products = [product(shape, &one), product(other_shape, &other)];
        let (gain, bias) = (values(shape.outputs, 5), values(shape.outputs, 6));
        let norm = Norm { gain: &gain, bias: &bias, eps: EPS };
        let dy = values(2 * shape.batch * shape.outputs, 7);
        for (forward, backward, bias_of) in [(1.0, 1.0, BiasOf::Sums), (0.5, 0.5, BiasOf::Rows)] {
            let mut x = vec![0.0; dy.len()];
            views_of(&by_affine(products[0]), &by_affine(products[1]), forward, &mut x);
            let expected = one_after_the_other(&x, norm, &dy, Some(backward), bias_of);
            for threads in [1, 3] {
                let got = on_threads(threads, || {
                    let mut y = vec![f32::NAN; dy.len()];
                    let rectified = Rectified::forward(Normalised::Views(products, forward), norm, &mut y);
                    let gradient = rectified.gradient(norm, &dy, Some(backward), bias_of, true);
                    all(&rectified, y, gradient)
                });
                assert!(got == expected, "{shape:?}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_gradient_by_columns_gives_the_weight_its_own() {
    for (shape, _, operands) in cases().filter(|(shape, ..)| shape.batch > 1) {
        let ones = vec![1.0; shape.outputs];
        let norm = Norm { gain: &ones, bias: &ones, eps: EPS };
        let mut y = vec![0.0; operands.dy.len()];
        let rectified = Rectified::forward(Normalised::One(product(shape, &operands)), norm, &mut y);
        let gradient = rectified.gradient(norm, &operands.dy, None, BiasOf::Rows, false);
        assert!(gradient.rows(0).is_none());
        let columns = &gradient.columns[0];
        let mut expected = vec![0.5; shape.outputs * shape.inputs];
        let mut got = expected.clone();
        weight_gradient(shape, &columns.to_rows(), &operands.x, &mut expected);
        columns.weight_gradient(shape, &operands.x, &mut got);
        assert!(got == expected, "{shape:?}");
    }
}
