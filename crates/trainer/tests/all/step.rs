//! A step that is composed: loss, clipping, decay by kinds and optimizers against PyTorch.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::excessive_precision, reason = "PyTorch's digits as it prints them")]

use dfdx::prelude::*;
use strata_kernels::{Parameter, update};
use strata_model::{Activation, Layers, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Adagrad, Adam, Batch, Classifier, ClassifierOptions, Clipping, CrossEntropy, DecayedKinds, Device as DeviceKind,
    Lion, MixedLabels, NAdam, Optimizer, RmsProp, Sgd, Step, TensorClassifier, TrainingStep, build,
};

/// Three steps on four values by `torch.optim` (PyTorch 2.15); Lion's by its authors' algorithm in double precision.
#[test]
fn three_steps_of_every_optimizer_equal_pytorchs() {
    const GRADIENTS: [[f32; 4]; 3] = [[0.3, -0.2, 0.1, 1.5], [-0.6, 0.4, 0.05, 0.7], [0.2, 0.2, -0.9, -0.1]];
    let sgd = |momentum, nesterov| Box::new(Sgd { momentum, nesterov, weight_decay: 0.01 });
    let (betas, epsilon) = ([0.9, 0.999], 1e-8);
    let adam = |weight_decay, decoupled| Box::new(Adam { betas, epsilon, weight_decay, decoupled });
    let n_adam =
        |weight_decay, decoupled| Box::new(NAdam { betas, epsilon, weight_decay, momentum_decay: 4e-3, decoupled });
    let rms_prop = |momentum| Box::new(RmsProp { alpha: 0.99, epsilon, weight_decay: 0.01, momentum });
    let rows: [(Box<dyn Optimizer>, f64, [f32; 4]); 11] = [
        (sgd(0.0, false), 0.1, [0.508_501_47, -1.037_002_9, 2.069_031, 0.039_620_59]),
        (sgd(0.9, false), 0.1, [0.509_951_4, -1.036_230_7, 2.042_232_5, -0.280_261_46]),
        (sgd(0.9, true), 0.1, [0.517_504_57, -1.069_646_4, 2.107_110_7, -0.436_762_36]),
        (adam(0.01, false), 0.01, [0.494_332_05, -0.998_297_6, 1.985_626_3, 0.224_037_36]),
        (adam(0.1, true), 0.01, [0.493_064_58, -0.995_872_86, 1.980_165_6, 0.223_332_24]),
        (n_adam(0.01, false), 0.01, [0.495_474_58, -1.003_095_3, 1.994_631_3, 0.234_195_28]),
        (n_adam(0.1, true), 0.01, [0.494_133_38, -1.000_454_7, 1.989_315_8, 0.233_495_9]),
        (rms_prop(0.0), 0.01, [0.459_686_97, -1.027_777, 1.948_774_7, 0.113_529_965]),
        (rms_prop(0.9), 0.01, [0.369_006_9, -0.936_311_7, 1.732_745_4, -0.095_647_34]),
        (
            Box::new(Adagrad { learning_rate_decay: 0.05, epsilon: 1e-10, weight_decay: 0.01 }),
            0.1,
            [0.458_183_4, -1.019_705_5, 1.942_335, 0.115_122_12],
        ),
        (
            Box::new(Lion { betas: [0.9, 0.99], weight_decay: 0.1 }),
            0.01,
            [0.488_511_5, -1.007_013, 1.984_036, 0.219_280_74],
        ),
    ];
    for (optimizer, learning_rate, expected) in rows {
        optimizer.check().unwrap();
        let mut values = [0.5, -1.0, 2.0, 0.25];
        let mut states = vec![vec![0.0; 4]; optimizer.states().len()];
        for (number, gradient) in (1..).zip(GRADIENTS) {
            let rule = optimizer.rule(Step { learning_rate, number, decays: true, is_hidden_weight: false }).unwrap();
            let parameter = Parameter { values: &mut values, shape: &[4], states: &mut states };
            update(parameter, &gradient, &*rule);
        }
        for (ours, theirs) in values.iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-6, "{optimizer:?}: {values:?}, PyTorch {expected:?}");
        }
    }
}

/// Both moments are means from the first step on, however near to 1 the betas are in 32 bits.
#[test]
fn adams_first_step_is_the_learning_rate_long() {
    for beta in [0.5, 0.999, 0.999_99, 0.999_999_9] {
        let betas = [beta, beta];
        let adam = Adam { betas, epsilon: 1e-30, weight_decay: 0.0, decoupled: false };
        let mut values = [0.0];
        let rule = adam.rule(Step { learning_rate: 0.1, number: 1, decays: true, is_hidden_weight: false }).unwrap();
        let states = &mut [vec![0.0], vec![0.0]];
        update(Parameter { values: &mut values, shape: &[1], states }, &[0.3], &*rule);
        assert!((values[0] + 0.1_f32).abs() < 1e-6, "{beta}: {values:?}");
    }
}

fn classifier(step: TrainingStep) -> Box<dyn Classifier> {
    let device = DeviceKind::Cpu;
    let options = ClassifierOptions { device, activation: Activation::Tanh, seed: 43, ..ClassifierOptions::new(step) };
    build::<mlp!(4, 5, 3), 4, 3>(options).unwrap()
}

/// Three steps of tanh(4 → 5) → 3 with label smoothing, momentum, decay of the weights only and each kind of clipping, against PyTorch.
#[test]
fn composed_steps_equal_pytorchs() {
    let steps = |clipping| {
        let sgd = Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.1 };
        let decayed = DecayedKinds { weights: true, biases: false, gains: false };
        let loss = CrossEntropy { label_smoothing: 0.1 };
        let mut classifier = classifier(TrainingStep::new(sgd).loss(loss).clipping(clipping).decayed(decayed));
        let (mut weights, state) = classifier.snapshot().unwrap();
        let grid = |inputs: i32, outputs: i32, at: fn(i32, i32) -> i32| -> Vec<f32> {
            (0..outputs).flat_map(|o| (0..inputs).map(move |i| 0.1 * at(i, o) as f32)).collect()
        };
        weights.tensors[0].values = grid(4, 5, |i, o| (i * 7 + o * 3) % 11 - 5);
        weights.tensors[1].values = (0..5).map(|o| 0.05 * (o - 2) as f32).collect();
        weights.tensors[2].values = grid(5, 3, |i, o| (i * 5 + o * 2) % 7 - 3);
        weights.tensors[3].values = vec![0.1, -0.1, 0.0];
        classifier.restore(&weights, &state).unwrap();
        let features: Vec<f32> =
            (0..3).flat_map(|b| (0..4).map(move |i| 0.3 * ((b * 5 + i * 3) % 9 - 4) as f32)).collect();
        let batch = Batch { features, labels: vec![2, 0, 1], ..Batch::default() };
        let mut losses = Vec::new();
        for _ in 0..3 {
            classifier.training_step(batch.clone(), 0.2).unwrap();
            losses.push(classifier.training_score().unwrap().mean_loss());
        }
        let (weights, _) = classifier.snapshot().unwrap();
        (losses, [weights.tensors[1].values.clone(), weights.tensors[2].values[..5].to_vec()].concat())
    };
    let by_norm = |norm| Clipping { norm: Some(norm), value: None };
    let rows = [
        (
            by_norm(0.5),
            [1.333_422_66, 1.255_436_78, 1.141_287_09],
            [
                -0.076_472_655,
                -0.086_823_97,
                0.005_426_25,
                0.043_688_163,
                0.096_200_116,
                -0.171_198_815,
                0.128_847_39,
                -0.139_283_851,
                0.090_516_373_5,
                0.121_519_685,
            ],
        ),
        // Larger than any norm: nothing is clipped.
        (
            by_norm(100.0),
            [1.333_422_66, 1.225_021, 1.094_510_67],
            [
                -0.070_433_25,
                -0.097_118_34,
                0.007_450_938,
                0.042_080_2,
                0.095_171_176,
                -0.146_500_573,
                0.118_956_491,
                -0.179_855_064,
                0.167_468_801,
                0.082_519_926_1,
            ],
        ),
        (
            Clipping { norm: None, value: Some(0.1) },
            [1.333_422_66, 1.257_590_17, 1.153_051_73],
            [
                -0.067_717_388,
                -0.099_412_307,
                0.006_142_448,
                0.041_373_465,
                0.093_792_394,
                -0.167_597_979,
                0.111_547_261,
                -0.110_287_994,
                -0.067_654_393_6,
                0.156_799_585,
            ],
        ),
    ];
    for (clipping, losses, parameters) in rows {
        let (our_losses, ours) = steps(clipping);
        for (ours, theirs) in our_losses.iter().zip(losses) {
            assert!((ours - theirs).abs() < 1e-5, "{clipping:?}: losses {our_losses:?}, PyTorch {losses:?}");
        }
        for (at, (ours, theirs)) in ours.iter().zip(parameters).enumerate() {
            assert!((ours - theirs).abs() < 1e-5, "{clipping:?}[{at}]: {ours}, PyTorch {theirs}");
        }
    }
}

/// A batch mixed with share 1 is the batch; with share 0 it is one of the other labels.
#[test]
fn mixed_labels_are_trained_on() {
    let trained = |labels: [u8; 2], mix: Option<MixedLabels>| {
        let mut classifier = classifier(Sgd::default().into());
        classifier.initialise(&mut TorchRng::new(3)).unwrap();
        let features = (0..8).map(|i| i as f32 * 0.1).collect();
        let batch = Batch { features, labels: labels.to_vec(), mix, ..Batch::default() };
        classifier.training_step(batch, 0.1).unwrap();
        let (weights, _) = classifier.snapshot().unwrap();
        weights.layers().into_iter().flat_map(|layer| layer.weight).collect::<Vec<f32>>()
    };
    let mix = |shares: [f32; 2]| Some(MixedLabels { labels: vec![0, 1], shares: shares.to_vec() });
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-7);
    assert!(close(&trained([2, 0], mix([1.0, 1.0])), &trained([2, 0], None)));
    assert!(close(&trained([2, 0], mix([0.0, 0.0])), &trained([0, 1], None)));
    assert!(!close(&trained([2, 0], mix([0.5, 0.5])), &trained([2, 0], None)));
}

/// Weights decay and biases do not, by the path of the kernels and by that of tensors.
#[test]
fn weight_decay_by_kind_is_the_same_on_tensors_and_kernels() {
    let step = || {
        let sgd = Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.5 };
        TrainingStep::new(sgd).decayed(DecayedKinds { weights: true, biases: false, gains: false })
    };
    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(4, 5, 3), f32>();
    network.configure(Activation::Tanh, 0.0, 43).unwrap();
    let tensors = TensorClassifier::<_, _, 4, 3>::new(device, network, step(), None).unwrap();
    let [ours, theirs] = [classifier(step()), Box::new(tensors) as Box<dyn Classifier>].map(|mut classifier| {
        classifier.initialise(&mut TorchRng::new(3)).unwrap();
        for _ in 0..3 {
            let batch = Batch { features: vec![0.5; 8], labels: vec![1, 2], ..Batch::default() };
            classifier.training_step(batch, 0.1).unwrap();
        }
        let (weights, _) = classifier.snapshot().unwrap();
        weights.layers().into_iter().flat_map(|layer| [layer.weight, layer.bias].concat()).collect::<Vec<f32>>()
    });
    assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-5), "{ours:?} {theirs:?}");
}
