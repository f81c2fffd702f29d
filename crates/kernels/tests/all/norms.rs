//! Normalisation against the loops that define it, bit for bit, against the slopes of its own forward pass and against PyTorch.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::excessive_precision, reason = "PyTorch's digits as it prints them")]

use crate::common::{on_threads, values};
use strata_kernels::{
    Statistics, batch_norm, batch_norm_evaluation, batch_norm_gradient, layer_norm, layer_norm_gradient, reference,
    rms_norm, rms_norm_gradient,
};

const SHAPES: [(usize, usize); 7] = [(2, 1), (3, 2), (5, 17), (17, 64), (19, 65), (130, 33), (128, 515)];
const EPS: f32 = 1e-5;

struct Operands {
    x: Vec<f32>,
    gain: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

fn operands(batch: usize, features: usize) -> Operands {
    // A mean far from zero, as a sum of squares would not bear.
    let x = values(batch * features, 1).iter().map(|x| 3.0 + 0.5 * x).collect();
    Operands { x, gain: values(features, 2), bias: values(features, 3), dy: values(batch * features, 4) }
}

/// Result, statistics, input gradient, gain gradient and bias gradient, the latter two added to 1.
type All = (Vec<f32>, Statistics, Vec<f32>, Vec<f32>, Vec<f32>);

type Forward = fn(&[f32], &[f32], &[f32], f32, &mut [f32]) -> Statistics;
type Backward = fn(&[f32], &Statistics, &[f32], &[f32], &mut [f32], &mut [f32], &mut [f32]);

fn run(operands: &Operands, forward: Forward, backward: Backward) -> All {
    let Operands { x, gain, bias, dy } = operands;
    let (mut y, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
    let (mut of_gain, mut of_bias) = (vec![1.0; gain.len()], vec![1.0; gain.len()]);
    let statistics = forward(x, gain, bias, EPS, &mut y);
    backward(x, &statistics, gain, dy, &mut dx, &mut of_gain, &mut of_bias);
    (y, statistics, dx, of_gain, of_bias)
}

fn plus_one(values: Vec<f32>) -> Vec<f32> {
    values.iter().map(|value| 1.0 + value).collect()
}

#[test]
fn batch_norm_equals_the_reference_for_any_number_of_threads() {
    for (batch, features) in SHAPES {
        let o = operands(batch, features);
        let (statistics, y) = reference::batch_norm(&o.x, &o.gain, &o.bias, EPS);
        let [dx, gain, bias] = reference::batch_norm_gradient(&o.x, &statistics, &o.gain, &o.dy);
        let expected = (y, statistics, dx, plus_one(gain), plus_one(bias));
        for threads in [1, 3] {
            let got = on_threads(threads, || run(&o, batch_norm, batch_norm_gradient));
            assert!(got == expected, "[{batch}, {features}], {threads} threads");
        }
    }
}

#[test]
fn layer_norm_equals_the_reference_for_any_number_of_threads() {
    for (batch, features) in SHAPES {
        let o = operands(batch, features);
        let (statistics, y) = reference::layer_norm(&o.x, &o.gain, &o.bias, EPS);
        let [dx, gain, bias] = reference::layer_norm_gradient(&o.x, &statistics, &o.gain, &o.dy);
        let expected = (y, statistics, dx, plus_one(gain), plus_one(bias));
        for threads in [1, 3] {
            let got = on_threads(threads, || run(&o, layer_norm, layer_norm_gradient));
            assert!(got == expected, "[{batch}, {features}], {threads} threads");
        }
    }
}

#[test]
fn rms_norm_equals_the_reference_for_any_number_of_threads() {
    for (batch, features) in SHAPES {
        let o = operands(batch, features);
        let (inverse, y) = reference::rms_norm(&o.x, &o.gain, EPS);
        let [dx, gain] = reference::rms_norm_gradient(&o.x, &inverse, &o.gain, &o.dy);
        for threads in [1, 3] {
            let got = on_threads(threads, || {
                let (mut y, mut dx) = (vec![f32::NAN; o.x.len()], vec![f32::NAN; o.x.len()]);
                let mut of_gain = vec![1.0; features];
                let inverse = rms_norm(&o.x, &o.gain, EPS, &mut y);
                rms_norm_gradient(&o.x, &inverse, &o.gain, &o.dy, &mut dx, &mut of_gain);
                (inverse, y, dx, of_gain)
            });
            let expected = (inverse.clone(), y.clone(), dx.clone(), plus_one(gain.clone()));
            assert!(got == expected, "[{batch}, {features}], {threads} threads");
        }
    }
}

/// `(L(v + h) - L(v - h)) / 2h` of `L = Σ dy · y` in double precision, for some of the values, against the gradient.
fn slopes(values: &[f32], gradient: &[f32], loss: impl Fn(&[f32]) -> f64, what: &str) {
    for at in (0..values.len()).step_by(values.len().div_ceil(29)) {
        let h = 1e-2;
        let mut moved = values.to_vec();
        moved[at] = values[at] + h;
        let above = loss(&moved);
        moved[at] = values[at] - h;
        let slope = (above - loss(&moved)) / (2.0 * f64::from(h));
        assert!((slope - f64::from(gradient[at])).abs() < 5e-3, "{what}[{at}]: {}, measured {slope}", gradient[at]);
    }
}

fn weighted(dy: &[f32], y: &[f32]) -> f64 {
    dy.iter().zip(y).map(|(dy, y)| f64::from(*dy) * f64::from(*y)).sum()
}

#[test]
fn gradients_are_the_slopes_of_the_forward_pass() {
    type ForwardLoops = fn(&[f32], &[f32], &[f32], f32) -> (Statistics, Vec<f32>);
    type BackwardLoops = fn(&[f32], &Statistics, &[f32], &[f32]) -> [Vec<f32>; 3];
    let pairs: [(&str, ForwardLoops, BackwardLoops); 2] = [
        ("batch", reference::batch_norm, reference::batch_norm_gradient),
        ("layer", reference::layer_norm, reference::layer_norm_gradient),
    ];
    for (batch, features) in [(7, 5), (11, 17)] {
        let o = operands(batch, features);
        for (name, forward, backward) in pairs {
            let (statistics, _) = forward(&o.x, &o.gain, &o.bias, EPS);
            let [dx, gain, bias] = backward(&o.x, &statistics, &o.gain, &o.dy);
            slopes(&o.x, &dx, |x| weighted(&o.dy, &forward(x, &o.gain, &o.bias, EPS).1), name);
            slopes(&o.gain, &gain, |gain| weighted(&o.dy, &forward(&o.x, gain, &o.bias, EPS).1), name);
            slopes(&o.bias, &bias, |bias| weighted(&o.dy, &forward(&o.x, &o.gain, bias, EPS).1), name);
        }
        let (inverse, _) = reference::rms_norm(&o.x, &o.gain, EPS);
        let [dx, gain] = reference::rms_norm_gradient(&o.x, &inverse, &o.gain, &o.dy);
        slopes(&o.x, &dx, |x| weighted(&o.dy, &reference::rms_norm(x, &o.gain, EPS).1), "rms");
        slopes(&o.gain, &gain, |gain| weighted(&o.dy, &reference::rms_norm(&o.x, gain, EPS).1), "rms");
    }
}

/// PyTorch 2.15's `batch_norm`, `layer_norm` and `rms_norm` of four samples of three features, printed to nine digits.
mod pytorch {
    pub(super) const X: [f32; 12] = [0.5, -1.25, 3.0, 2.0, 0.75, -0.5, -1.5, 0.25, 1.0, 0.1, 2.5, -2.0];
    pub(super) const GAIN: [f32; 3] = [1.5, -0.5, 2.0];
    pub(super) const BIAS: [f32; 3] = [0.1, -0.2, 0.3];
    pub(super) const DY: [f32; 12] = [1.0, -0.5, 0.25, 0.3, 0.7, -1.1, -0.2, 0.9, 0.4, 0.6, -0.8, 1.3];
    pub(super) const BATCH: [&[f32]; 4] = [
        &[
            0.370_921_82,
            0.476_800_14,
            3.138_092_8,
            2.177_067_3,
            -0.270_013_8,
            -0.646_030_9,
            -2.037_272_2,
            -0.083_310_32,
            0.975_736_4,
            -0.110_716_99,
            -0.923_476_04,
            -2.267_798_2,
        ],
        &[
            0.649_039_1,
            0.289_613_7,
            0.293_250_32,
            -0.482_606_53,
            -0.241_128_13,
            -1.503_281_7,
            -0.410_840_3,
            -0.295_146_14,
            0.262_889_06,
            0.244_407_74,
            0.246_660_56,
            0.947_142_36,
        ],
        &[0.796_710_85, -0.592_783_63, -0.658_842_9],
        &[1.7, 0.299_999_95, 0.849_999_9],
    ];
    pub(super) const RUNNING: [&[f32]; 2] = [&[0.027_5, 0.056_25, 0.037_5], &[1.106_916_7, 1.139_062_5, 1.356_249_9]];
    pub(super) const EVALUATION: &[f32] = &[
        0.773_648_98,
        0.411_956_6,
        5.387_646,
        2.912_217_1,
        -0.525_010_47,
        -0.623_075,
        -2.077_775_2,
        -0.290_768_68,
        1.952_948_3,
        0.203_364_13,
        -1.344_856_6,
        -3.199_098_3,
    ];
    pub(super) const LAYER: [&[f32]; 4] = [
        &[
            -0.115_017_965,
            0.373_381_26,
            2.880_215_6,
            1.937_108_6,
            -0.2,
            -2.149_478_2,
            -1.928_661_8,
            -0.359_110_7,
            2.368_439_2,
            0.018_410_84,
            -0.825_516_6,
            -2.093_281,
        ],
        &[
            0.433_963_2,
            -0.255_272_57,
            -0.178_690_61,
            -0.171_451_21,
            0.342_926_86,
            -0.171_475_77,
            0.166_759_9,
            -0.555_879_53,
            0.389_119_62,
            -0.243_801_77,
            0.113_772_39,
            0.130_029_2,
        ],
        &[0.461_928_96, -0.141_046_05, 0.527_795_3],
        &[1.7, 0.299_999_95, 0.849_999_9],
    ];
    pub(super) const RMS: [&[f32]; 3] = [
        &[
            0.395_056_13,
            0.329_213_44,
            3.160_449,
            2.368_625_9,
            -0.296_078_24,
            -0.789_541_96,
            -2.141_239_2,
            -0.118_957_73,
            1.903_323_6,
            0.081_110_71,
            -0.675_922_6,
            -2.162_952_2,
        ],
        &[
            0.742_918_67,
            0.249_669_37,
            -0.019_790_828,
            -0.214_816_84,
            -0.490_131_2,
            -1.594_464_7,
            0.204_697_01,
            -0.509_947_06,
            0.434_532_43,
            0.508_325_4,
            0.757_823_8,
            0.972_696_07,
        ],
        &[1.055_038_7, -0.123_629_21, -0.195_949_91],
    ];
}

fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() < 2e-6 * theirs.abs().max(1.0), "{what}[{at}]: {ours}, PyTorch {theirs}");
    }
}

#[test]
fn batch_norm_equals_pytorchs() {
    use pytorch::{BATCH, BIAS, DY, EVALUATION, GAIN, RUNNING, X};
    let (mut y, mut dx, mut of_gain, mut of_bias) = ([0.0; 12], [0.0; 12], [0.0; 3], [0.0; 3]);
    let (mut mean, mut variance) = ([0.0; 3], [1.0; 3]);
    let statistics = batch_norm(&X, &GAIN, &BIAS, EPS, &mut y);
    statistics.update_running(4, 0.1, &mut mean, &mut variance);
    batch_norm_gradient(&X, &statistics, &GAIN, &DY, &mut dx, &mut of_gain, &mut of_bias);
    for (ours, theirs) in [&y[..], &dx, &of_gain, &of_bias].into_iter().zip(BATCH) {
        close(ours, theirs, "batch norm");
    }
    close(&mean, RUNNING[0], "running mean");
    close(&variance, RUNNING[1], "running variance");
    batch_norm_evaluation(&X, &mean, &variance, &GAIN, &BIAS, EPS, &mut y);
    close(&y, EVALUATION, "evaluation");
}

#[test]
fn layer_norm_and_rms_norm_equal_pytorchs() {
    use pytorch::{BIAS, DY, GAIN, LAYER, RMS, X};
    let (mut y, mut dx, mut of_gain, mut of_bias) = ([0.0; 12], [0.0; 12], [0.0; 3], [0.0; 3]);
    let statistics = layer_norm(&X, &GAIN, &BIAS, EPS, &mut y);
    layer_norm_gradient(&X, &statistics, &GAIN, &DY, &mut dx, &mut of_gain, &mut of_bias);
    for (ours, theirs) in [&y[..], &dx, &of_gain, &of_bias].into_iter().zip(LAYER) {
        close(ours, theirs, "layer norm");
    }
    of_gain = [0.0; 3];
    let inverse = rms_norm(&X, &GAIN, f32::EPSILON, &mut y);
    rms_norm_gradient(&X, &inverse, &GAIN, &DY, &mut dx, &mut of_gain);
    for (ours, theirs) in [&y[..], &dx, &of_gain].into_iter().zip(RMS) {
        close(ours, theirs, "RMS norm");
    }
}

/// Running statistics by hand: mean 10, biased variance 4 over 5 samples, unbiased 5; from 0 and 1 with momentum 0.1: 1 and 1.4.
#[test]
fn running_statistics_move_towards_the_batch() {
    let statistics = Statistics { mean: vec![10.0], variance: vec![4.0], inverse_deviation: vec![0.5] };
    let (mut mean, mut variance) = ([0.0], [1.0]);
    statistics.update_running(5, 0.1, &mut mean, &mut variance);
    assert!((mean[0] - 1.0).abs() < 1e-6 && (variance[0] - 1.4).abs() < 1e-6, "{mean:?} {variance:?}");
}

/// With the batch's own statistics, evaluation is training.
#[test]
fn evaluation_uses_the_statistics_that_it_is_given() {
    let o = operands(19, 65);
    let (mut trained, mut evaluated) = (vec![0.0; o.x.len()], vec![0.0; o.x.len()]);
    let statistics = batch_norm(&o.x, &o.gain, &o.bias, EPS, &mut trained);
    batch_norm_evaluation(&o.x, &statistics.mean, &statistics.variance, &o.gain, &o.bias, EPS, &mut evaluated);
    for (a, b) in trained.iter().zip(&evaluated) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    let mut one = [0.0];
    batch_norm_evaluation(&[5.0], &[3.0], &[4.0], &[2.0], &[1.0], 0.0, &mut one);
    assert_eq!(one, [3.0], "(5 - 3) / √4 · 2 + 1, of a single sample");
}

#[test]
#[should_panic(expected = "batch normalisation of 1 samples")]
fn a_batch_of_one_cannot_be_normalised_in_training() {
    batch_norm(&[1.0, 2.0], &[1.0, 1.0], &[0.0, 0.0], EPS, &mut [0.0; 2]);
}

#[test]
fn lengths_that_disagree_are_refused() {
    let refused = |what: &str, call: fn()| assert!(std::panic::catch_unwind(call).is_err(), "{what}");
    refused("no features", || drop(layer_norm(&[], &[], &[], EPS, &mut [])));
    refused("part of a row", || drop(layer_norm(&[0.0; 5], &[1.0; 2], &[0.0; 2], EPS, &mut [0.0; 5])));
    refused("a short bias", || drop(layer_norm(&[0.0; 4], &[1.0; 2], &[0.0; 1], EPS, &mut [0.0; 4])));
    refused("a short result", || drop(rms_norm(&[0.0; 4], &[1.0; 2], EPS, &mut [0.0; 3])));
    refused("a long bias", || drop(batch_norm(&[0.0; 4], &[1.0; 2], &[0.0; 3], EPS, &mut [0.0; 4])));
    refused("a negative eps", || drop(rms_norm(&[0.0; 4], &[1.0; 2], -1.0, &mut [0.0; 4])));
    refused("a short gradient", || {
        rms_norm_gradient(&[0.0; 4], &[1.0; 2], &[1.0; 2], &[0.0; 4], &mut [0.0; 4], &mut [0.0; 1]);
    });
    refused("statistics of another batch", || {
        rms_norm_gradient(&[0.0; 4], &[1.0; 3], &[1.0; 2], &[0.0; 4], &mut [0.0; 4], &mut [0.0; 2]);
    });
}
