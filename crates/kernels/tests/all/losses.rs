//! Losses against PyTorch, against the slopes of their own values, and what they refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::excessive_precision, reason = "PyTorch's digits as it prints them")]

use crate::common::values;
use strata_kernels::{
    CrossEntropy, Loss, LossSum, MeanSquaredError, Mix, TargetError, Targets, WeightedCrossEntropy, cross_entropy,
    cross_entropy_gradient,
};

const LOGITS: [f32; 12] = [0.5, -1.25, 3.0, 2.0, 0.75, -0.5, -1.5, 0.25, 1.0, 0.1, 2.5, -2.0];
const PLAIN: Targets<'static> = Targets { labels: &[2, 0, 1, 1], mix: None };
const MIXED: Targets<'static> =
    Targets { labels: &[2, 0, 1, 1], mix: Some(Mix { labels: &[0, 0, 2, 1], shares: &[0.3, 0.6, 1.0, 0.25] }) };

/// Mean loss and its gradient, of four samples of three classes.
fn agrees(loss: &dyn Loss, targets: Targets<'_>, mean: f64, gradient: [f32; 12]) {
    let ours = loss.loss(&LOGITS, targets, 3);
    assert!((ours.loss / 4.0 - mean).abs() < 1e-6, "{loss:?}: {}, PyTorch {mean}", ours.loss / 4.0);
    assert_eq!(ours.correct, 3, "the third sample is not right");
    let mut of_logits = [f32::NAN; 12];
    loss.gradient(&LOGITS, targets, 3, &mut of_logits);
    for (at, (ours, theirs)) in of_logits.iter().zip(gradient).enumerate() {
        assert!((ours - theirs).abs() < 1e-6, "{loss:?}[{at}]: {ours}, PyTorch {theirs}");
    }
}

/// `torch.nn.functional.cross_entropy(…, weight=torch.tensor([0.5, 2.0, 1.25]))`, smoothed, and with probabilities as targets; PyTorch 2.15.
#[test]
fn cross_entropy_with_class_weights_equals_pytorchs() {
    let weighted = |label_smoothing| WeightedCrossEntropy { label_smoothing, weights: [0.5, 2.0, 1.25].into() };
    let plain = [
        0.016_276_352,
        0.002_828_406,
        -0.019_104_753,
        -0.023_419_205,
        0.018_203_747,
        0.005_215_461,
        0.018_367_447,
        -0.242_128_745,
        0.223_761_32,
        0.028_637_953,
        -0.032_144_837,
        0.003_506_902,
    ];
    agrees(&weighted(0.0), PLAIN, 0.495_314_3, plain);
    let smoothed = [
        0.013_377_801,
        -0.008_765_797,
        -0.004_612_002,
        -0.008_091_504,
        0.009_340_107,
        -0.001_248_597,
        0.014_780_115,
        -0.222_903_982,
        0.208_123_878,
        0.024_665_479,
        -0.020_794_485,
        -0.003_870_984,
    ];
    agrees(&weighted(0.1), PLAIN, 0.610_939_264, smoothed);
    let mixed = [
        -0.068_363_577,
        -0.014_137_719,
        0.082_501_307,
        -0.011_631_53,
        0.013_426_404,
        -0.001_794_858,
        0.021_246_416,
        -0.320_424_467,
        0.299_178_064,
        0.035_456_624,
        -0.029_892_074,
        -0.005_564_539,
    ];
    agrees(&weighted(0.1), MIXED, 1.064_234_376, mixed);
    // Weights of 1 change nothing.
    let (even, plain) = (
        WeightedCrossEntropy { label_smoothing: 0.1, weights: [1.0; 3].into() },
        CrossEntropy { label_smoothing: 0.1 },
    );
    let (found, expected) = (even.loss(&LOGITS, PLAIN, 3).loss, plain.loss(&LOGITS, PLAIN, 3).loss);
    assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
    // The mean over two batches is that of both together.
    let loss = weighted(0.1);
    let part = |samples: std::ops::Range<usize>| {
        let (targets, count) = (Targets { labels: &PLAIN.labels[samples.clone()], mix: None }, samples.len() as f64);
        let (sum, weight) =
            (loss.loss(&LOGITS[3 * samples.start..3 * samples.end], targets, 3).loss, loss.weight(targets));
        (sum * weight / count, weight)
    };
    let parts = [part(0..1), part(1..4)];
    let mean = (parts[0].0 + parts[1].0) / (parts[0].1 + parts[1].1);
    assert!((mean - 0.610_939_264).abs() < 1e-6, "{mean}");
}

/// `torch.nn.functional.cross_entropy` with `label_smoothing`, and with probabilities as targets; PyTorch 2.15.
#[test]
fn cross_entropy_with_smoothing_and_mixed_targets_equals_pytorchs() {
    let smoothed = [
        0.010_384_471,
        -0.005_080_667,
        -0.005_303_8,
        -0.050_663_546,
        0.044_002_44,
        0.006_661_116,
        0.004_868_268,
        -0.157_363_36,
        0.152_495_1,
        0.012_250_195,
        -0.006_437_436,
        -0.005_812_748,
    ];
    agrees(&CrossEntropy { label_smoothing: 0.1 }, PLAIN, 0.576_798_081, smoothed);
    let mixed = [
        -0.156_282_19,
        0.003_252_667,
        0.153_029_53,
        -0.067_330_21,
        0.052_335_773,
        0.014_994_45,
        0.013_201_602,
        -0.174_030_04,
        0.160_828_44,
        0.020_583_529,
        -0.023_104_101,
        0.002_520_586,
    ];
    agrees(&CrossEntropy::default(), MIXED, 0.860_964_715, mixed);
    let both = [
        -0.137_948_86,
        -0.013_414_001,
        0.151_362_87,
        -0.033_996_88,
        0.035_669_103,
        -0.001_672_218,
        -0.003_465_066,
        -0.140_696_7,
        0.144_161_78,
        0.003_916_861,
        0.010_229_23,
        -0.014_146_082,
    ];
    agrees(&CrossEntropy { label_smoothing: 0.2 }, MIXED, 1.080_131_53, both);
}

/// `torch.nn.functional.mse_loss` against `one_hot`, and against its mixture.
#[test]
fn mean_squared_error_equals_pytorchs() {
    let plain = [
        0.083_333_336,
        -0.208_333_34,
        0.333_333_34,
        0.166_666_67,
        0.125,
        -0.083_333_336,
        -0.25,
        -0.125,
        0.166_666_67,
        0.016_666_668,
        0.25,
        -0.333_333_34,
    ];
    agrees(&MeanSquaredError, PLAIN, 1.474_791_65, plain);
    let mixed = [
        -0.033_333_33,
        -0.208_333_34,
        0.45,
        0.166_666_67,
        0.125,
        -0.083_333_336,
        -0.25,
        -0.125,
        0.166_666_67,
        0.016_666_668,
        0.25,
        -0.333_333_34,
    ];
    agrees(&MeanSquaredError, MIXED, 1.731_458_31, mixed);
}

/// Without smoothing and mixture, the trait's cross entropy is the function that it was before there was one, to the bit.
#[test]
fn plain_cross_entropy_keeps_its_bits() {
    let (logits, labels): (Vec<f32>, Vec<u8>) = (values(70, 1), (0..7).collect());
    let targets = Targets::from(&labels[..]);
    assert_eq!(CrossEntropy::default().loss(&logits, targets, 10), cross_entropy(&logits, &labels, 10));
    let (mut ours, mut plain) = (vec![0.0; 70], vec![0.0; 70]);
    CrossEntropy::default().gradient(&logits, targets, 10, &mut ours);
    cross_entropy_gradient(&logits, &labels, 10, &mut plain);
    assert_eq!(ours, plain);
}

#[test]
fn gradients_are_the_slopes_of_the_mean_loss() {
    let (labels, others): (Vec<u8>, Vec<u8>) = ((0..5).collect(), (2..7).collect());
    let mix = Some(Mix { labels: &others, shares: &[0.0, 0.2, 0.5, 0.9, 1.0] });
    let targets = Targets { labels: &labels, mix };
    let losses: [&dyn Loss; 3] = [&CrossEntropy::default(), &CrossEntropy { label_smoothing: 0.3 }, &MeanSquaredError];
    for loss in losses {
        let mut logits = values(35, 9);
        let mut gradient = vec![0.0; 35];
        loss.gradient(&logits, targets, 7, &mut gradient);
        for at in 0..35 {
            let (before, h) = (logits[at], 1e-2);
            let mut mean = |value: f32| {
                logits[at] = value;
                loss.loss(&logits, targets, 7).loss / 5.0
            };
            let slope = (mean(before + h) - mean(before - h)) / (2.0 * f64::from(h));
            mean(before);
            assert!((slope - f64::from(gradient[at])).abs() < 1e-4, "{loss:?} [{at}]: {}, {slope}", gradient[at]);
        }
    }
}

#[test]
fn the_loss_of_no_samples_is_zero() {
    assert_eq!(MeanSquaredError.loss(&[], (&[][..]).into(), 3), LossSum::default());
    assert_eq!(CrossEntropy { label_smoothing: 0.1 }.loss(&[], (&[][..]).into(), 3), LossSum::default());
}

/// A class that the target has no share of may be as unlikely as can be.
#[test]
fn a_class_with_zero_probability_and_zero_share_adds_no_loss() {
    let targets = Targets { labels: &[0], mix: Some(Mix { labels: &[1], shares: &[1.0] }) };
    assert_eq!(CrossEntropy::default().loss(&[1.0, f32::NEG_INFINITY], targets, 2).loss, 0.0);
}

#[test]
fn targets_of_another_batch_are_errors() {
    let check = |labels: &[u8], mix| Targets { labels, mix }.check(2, 3).unwrap_err();
    assert_eq!(check(&[0], None), TargetError::Count { samples: 2, found: 1 });
    assert_eq!(check(&[0, 3], None), TargetError::Label { sample: 1, label: 3, classes: 3 });
    let mix = |labels, shares| Some(Mix { labels, shares });
    assert_eq!(check(&[0, 1], mix(&[4, 1], &[0.5; 2])), TargetError::Label { sample: 0, label: 4, classes: 3 });
    assert_eq!(check(&[0, 1], mix(&[1, 1], &[0.5; 3])), TargetError::Count { samples: 2, found: 3 });
    assert_eq!(check(&[0, 1], mix(&[1, 1], &[0.5, 1.5])), TargetError::Share { sample: 1, share: 1.5 });
}

#[test]
fn invalid_labels_classes_and_smoothing_are_refused() {
    let refused = |call: fn() -> LossSum| assert!(std::panic::catch_unwind(call).is_err());
    refused(|| cross_entropy(&[0.0; 2], &[2], 2));
    refused(|| cross_entropy(&[0.0; 2], &[], 0));
    refused(|| cross_entropy(&[0.0; 3], &[1], 2));
    refused(|| MeanSquaredError.loss(&[0.0; 2], (&[2][..]).into(), 2));
    refused(|| CrossEntropy { label_smoothing: 1.5 }.loss(&[0.0; 2], (&[1][..]).into(), 2));
    refused(|| CrossEntropy { label_smoothing: f32::NAN }.loss(&[0.0; 2], (&[1][..]).into(), 2));
}
