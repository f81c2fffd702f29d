//! The CUDA build on a GPU, or on what stands in for one (`crates/model/cuda-emulator/README.md`), against the kernels of the CPU.
//! Where neither is, these tests fail: so they run only where they are asked for, by `-- --ignored`.
#![cfg(feature = "cuda")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{CLASSES, FEATURES, Keeper, Memory, bytes, features, tables};
use dfdx::prelude::*;
use strata_kernels::{CrossEntropy, Mirror};
use strata_model::{Activation, ByteSamples, TrainingDevice, mlp, net};
use strata_rng::TorchRng;
use strata_spec::OptimizerSpec;
use strata_trainer::{
    Checkpoint, Classifier, ClassifierOptions, Device as DeviceKind, DeviceChoice, HistoryRow, Loader, MixedLabels,
    Phase, Plan, Progress, TrainingStep, build, fit,
};

type Network = mlp!(12, 16, 8, 3);
const SAMPLES: usize = 60;

fn card() -> DeviceKind {
    DeviceKind::choose(DeviceChoice::Cuda(0)).unwrap()
}

fn classifier(device: DeviceKind, optimizer: OptimizerSpec, activation: Activation) -> Box<dyn Classifier> {
    let held: Vec<u8> = (0..SAMPLES).flat_map(bytes).collect();
    let tables = tables();
    let resident = ByteSamples { bytes: &held, tables: &tables };
    let resident = (device != DeviceKind::Cpu).then_some(resident);
    let options =
        ClassifierOptions { device, activation, dropout: 0.1, seed: 43, resident, ..ClassifierOptions::new(optimizer) };
    build::<Network, FEATURES, CLASSES>(options).unwrap()
}

/// Two epochs of 60 samples in batches of 16, the last of 12; gives the last checkpoint and the history.
fn trained(device: DeviceKind, optimizer: OptimizerSpec, activation: Activation) -> (Checkpoint, Vec<HistoryRow>) {
    let mut classifier = classifier(device, optimizer, activation);
    let mut rng = TorchRng::new(7);
    classifier.initialise(&mut rng).unwrap();
    let indices_only = device != DeviceKind::Cpu;
    let train = Memory { samples: SAMPLES, batch: 16, shuffle: true, indices_only };
    let validation = Memory { samples: 50, batch: 16, shuffle: false, indices_only };
    let phases = vec![Phase::constant(2, 0.02)];
    let plan = Plan { phases, ..Plan::default() };
    let mut keeper = Keeper::default();
    fit(&mut *classifier, &train, &validation, &plan, Progress::new(&rng), &mut keeper).unwrap();
    let checkpoint = keeper.checkpoints.pop().unwrap();
    // What the card remembers goes back to it unchanged.
    classifier.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
    assert!(classifier.snapshot().unwrap() == (checkpoint.weights.clone(), checkpoint.optimizer.clone()));
    (checkpoint, keeper.history)
}

fn close(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() < tolerance, "{what}[{i}]: {a} on the CPU, {b} on the card");
    }
}

fn compare(optimizer: OptimizerSpec, activation: Activation) {
    let card = card();
    let what = format!("{optimizer:?}, {activation:?}");
    let (ours, our_history) = trained(DeviceKind::Cpu, optimizer, activation);
    let (theirs, their_history) = trained(card, optimizer, activation);
    assert_eq!(ours.weights.tensors.len(), theirs.weights.tensors.len());
    for (ours, theirs) in ours.weights.tensors.iter().zip(&theirs.weights.tensors) {
        close(&ours.values, &theirs.values, 2e-4, &what);
    }
    assert_eq!(ours.optimizer.parameters.len(), theirs.optimizer.parameters.len());
    for (ours, theirs) in ours.optimizer.parameters.iter().zip(&theirs.optimizer.parameters) {
        close(&ours.buffers.concat(), &theirs.buffers.concat(), 2e-4, &what);
    }
    for (ours, theirs) in our_history.iter().zip(&their_history) {
        assert!((ours.val_loss - theirs.val_loss).abs() < 1e-4, "{what}: {ours:?}, {theirs:?}");
        assert!((ours.val_acc - theirs.val_acc).abs() < 0.021, "{what}: {ours:?}, {theirs:?}");
        let losses = ours.train_loss.zip(theirs.train_loss);
        assert!(losses.is_none_or(|(a, b)| (a - b).abs() < 1e-4), "{what}: {ours:?}, {theirs:?}");
    }
    assert_eq!(our_history.len(), their_history.len());
}

const PLAIN: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.01 };

#[test]
#[ignore = "needs a GPU or the emulator of its driver"]
fn every_optimizer_trains_on_the_gpu_as_on_the_cpu() {
    let sgd = |momentum, nesterov, weight_decay| OptimizerSpec::Sgd { momentum, nesterov, weight_decay };
    let adam = |weight_decay| OptimizerSpec::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay };
    let adam_w = OptimizerSpec::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
    for optimizer in [PLAIN, sgd(0.9, false, 0.01), sgd(0.9, true, 0.0), adam(0.01), adam_w] {
        compare(optimizer, Activation::Relu);
    }
}

#[test]
#[ignore = "needs a GPU or the emulator of its driver"]
fn every_activation_trains_on_the_gpu_as_on_the_cpu() {
    for activation in Activation::ALL {
        compare(PLAIN, activation);
    }
}

/// A mirrored network, with an odd input and a pair, layers of both kinds, batch normalisation; labels spread, and mixed in every other batch.
#[test]
#[ignore = "needs a GPU or the emulator of its driver"]
fn a_mirrored_network_learns_mixed_labels_on_the_gpu_as_on_the_cpu() {
    type Mirrored = net!(12, mirrored(9 batch_norm relu, skip(layer_norm, 7 gelu, 9), 5 tanh), 3);
    let mirror = Mirror::from_places(&[2., 1., -3., 4., 6., 5., -8., -7., -9., 10., 12., 11.]).unwrap();
    let [ours, theirs] = [DeviceKind::Cpu, card()].map(|device| {
        let step = TrainingStep::from(PLAIN).loss(CrossEntropy { label_smoothing: 0.1 });
        let options = ClassifierOptions { device, mirror: Some(mirror.clone()), ..ClassifierOptions::of_net(step) };
        let mut classifier = build::<Mirrored, FEATURES, CLASSES>(options).unwrap();
        let mut rng = TorchRng::new(7);
        classifier.initialise(&mut rng).unwrap();
        let train = Memory { samples: SAMPLES, batch: 16, shuffle: true, indices_only: false };
        let mut losses = Vec::new();
        for pass in 0..3 {
            for (count, mut batch) in train.pass(&mut rng, 0).map(Result::unwrap).enumerate() {
                let labels = batch.labels.iter().map(|label| (label + 1) % CLASSES as u8).collect();
                let shares = (0..batch.labels.len()).map(|i| (i + pass) as f32 / 20.0).collect();
                batch.mix = (count % 2 == 1).then_some(MixedLabels { labels, shares });
                classifier.training_step(batch, 0.05).unwrap();
            }
            losses.push(classifier.training_score().unwrap().mean_loss());
            train.pass(&mut rng, 0).map(Result::unwrap).for_each(|batch| classifier.validation_step(batch).unwrap());
            losses.push(classifier.validation_score().unwrap().mean_loss());
        }
        (losses, classifier.snapshot().unwrap().0)
    });
    assert!(ours.0[5] < ours.0[1] - 0.02, "{:?}", ours.0);
    for (a, b) in ours.0.iter().zip(&theirs.0) {
        assert!((a - b).abs() < 1e-4, "{:?}, {:?}", ours.0, theirs.0);
    }
    for (ours, theirs) in ours.1.tensors.iter().zip(&theirs.1.tensors) {
        close(&ours.values, &theirs.values, 2e-4, &ours.name);
    }
}

/// Each batch size has a buffer of its own, more sizes than are kept included; a batch is its own copy.
#[test]
#[ignore = "needs a GPU or the emulator of its driver"]
fn batches_on_the_gpu_equal_the_tables_values() {
    let device = Cuda::try_build(0, 0).unwrap();
    let held: Vec<u8> = (0..SAMPLES).flat_map(bytes).collect();
    let mut on_card = device.try_hold::<FEATURES>(ByteSamples { bytes: &held, tables: &tables() }).unwrap();
    let mut kept = Vec::new();
    for size in (1..=20).chain([16, 12]) {
        let indices: Vec<u32> = (0..size).map(|i| (i * 37 + size) % SAMPLES as u32).collect();
        let batch = device.try_gather::<FEATURES>(&mut on_card, &indices).unwrap();
        kept.push((indices, batch));
    }
    for (indices, batch) in kept {
        let expected: Vec<f32> = indices.iter().flat_map(|i| features(*i as usize)).collect();
        assert_eq!(batch.as_vec(), expected);
    }
}
