//! What a card does, on dfdx's CPU device: the data set held as bytes, batches as indices, scores added up on the device, the run resumed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory, bytes, features, tables};
use dfdx::prelude::*;
use strata_kernels::CrossEntropy;
use strata_model::{Activation, ByteSamples, Layers, mlp};
use strata_rng::TorchRng;
use strata_spec::OptimizerSpec;
use strata_trainer::{
    Batch, Checkpoint, Classifier, ClassifierOptions, Device as DeviceKind, Loader, MixedLabels, Outcome, Pass, Phase,
    Plan, Progress, TensorClassifier, TrainError, TrainingStep, build, evaluate, fit,
};

const SAMPLES: usize = 50;
const ADAM: OptimizerSpec = OptimizerSpec::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
const NESTEROV: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 };
const PLAIN: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };

fn tensors(optimizer: OptimizerSpec) -> Box<dyn Classifier> {
    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(12, 8, 3), f32>();
    network.configure(Activation::Relu, 0.2, 43).unwrap();
    let held: Vec<u8> = (0..SAMPLES).flat_map(bytes).collect();
    let resident = Some(ByteSamples { bytes: &held, tables: &tables() });
    Box::new(TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, optimizer, resident).unwrap())
}

fn kernels(optimizer: OptimizerSpec) -> Box<dyn Classifier> {
    let device = DeviceKind::Cpu;
    let options = ClassifierOptions { device, dropout: 0.2, seed: 43, ..ClassifierOptions::new(optimizer) };
    build::<mlp!(12, 8, 3), FEATURES, CLASSES>(options).unwrap()
}

fn loaders(indices_only: bool) -> (Memory, Memory) {
    let loader = |shuffle| Memory { samples: SAMPLES, batch: 8, shuffle, indices_only };
    (loader(true), loader(false))
}

fn plan() -> Plan {
    let phases = vec![Phase::constant(2, 0.05), Phase::constant(1, 0.01)];
    Plan { phases, checkpoint_every: Some(3), ..Plan::default() }
}

/// Trains from the start, or goes on, and stops after `stop` batches.
fn run(optimizer: OptimizerSpec, from: Option<Checkpoint>, stop: Option<usize>) -> (Outcome, Checkpoint) {
    let mut classifier = tensors(optimizer);
    let mut rng = TorchRng::new(43);
    let progress = match from {
        Some(checkpoint) => {
            classifier.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
            checkpoint.progress
        }
        None => {
            classifier.initialise(&mut rng).unwrap();
            Progress::new(&rng)
        }
    };
    let (train, validation) = loaders(true);
    let mut keeper = Keeper { interrupt_after: stop, ..Keeper::default() };
    let (_, outcome) = fit(&mut *classifier, &train, &validation, &plan(), progress, &mut keeper).unwrap();
    (outcome, keeper.checkpoints.pop().unwrap())
}

/// Weights and optimizer state to the bit (on this device nothing is added in another order); losses to rounding, since a stop
/// is a read of the sum.
#[test]
fn a_tensor_path_run_stopped_after_any_batch_resumes_to_the_bit() {
    for optimizer in [PLAIN, NESTEROV, ADAM] {
        let (outcome, expected) = run(optimizer, None, None);
        assert_eq!(outcome, Outcome::Finished);
        // 7 batches of the initial evaluation, then three epochs of 7 and 7.
        for stop in 8..49 {
            let (outcome, checkpoint) = run(optimizer, None, Some(stop));
            assert_eq!(outcome, Outcome::Interrupted);
            let (outcome, last) = run(optimizer, Some(checkpoint), None);
            assert_eq!(outcome, Outcome::Finished);
            assert!(last.weights == expected.weights, "{optimizer:?} stopped after {stop} batches");
            assert!(last.optimizer == expected.optimizer, "{optimizer:?} stopped after {stop} batches");
            for (ours, theirs) in [
                (last.progress.last.as_ref().unwrap(), expected.progress.last.as_ref().unwrap()),
                (last.progress.best.as_ref().unwrap(), expected.progress.best.as_ref().unwrap()),
            ] {
                assert_eq!((ours.epoch, ours.val_acc), (theirs.epoch, theirs.val_acc));
                assert_eq!(ours.val_loss, theirs.val_loss);
                let losses = ours.train_loss.zip(theirs.train_loss);
                assert!(losses.is_none_or(|(a, b)| (a - b).abs() < 1e-6), "{ours:?}, {theirs:?}");
            }
        }
    }
}

/// Labels that are spread and mixed: losses, weights and the hits of first classes.
#[test]
fn the_tensor_path_learns_spread_and_mixed_labels_as_the_kernels_do() {
    let step = || TrainingStep::from(NESTEROV).loss(CrossEntropy { label_smoothing: 0.1 });
    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(12, 8, 3), f32>();
    network.configure(Activation::Relu, 0.0, 43).unwrap();
    let tensors = TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, step(), None).unwrap();
    let kernels = build::<mlp!(12, 8, 3), FEATURES, CLASSES>(ClassifierOptions::new(step())).unwrap();
    let [ours, theirs] = [kernels, Box::new(tensors) as Box<dyn Classifier>].map(|mut classifier| {
        let mut rng = TorchRng::new(43);
        classifier.initialise(&mut rng).unwrap();
        let (train, _) = loaders(false);
        let mixed = |mut batch: Batch, count: usize| {
            let labels = batch.labels.iter().map(|label| (label + 1) % CLASSES as u8).collect();
            let shares = (0..batch.labels.len()).map(|i| i as f32 / 8.0).collect();
            batch.mix = (count % 2 == 1).then_some(MixedLabels { labels, shares });
            batch
        };
        for (count, batch) in train.pass(&mut rng, 0).map(Result::unwrap).enumerate() {
            classifier.training_step(mixed(batch, count), 0.05).unwrap();
        }
        let trained = classifier.training_score().unwrap();
        for (count, batch) in train.pass(&mut rng, 0).map(Result::unwrap).enumerate() {
            classifier.validation_step(mixed(batch, count)).unwrap();
        }
        (trained.mean_loss(), classifier.validation_score().unwrap(), classifier.snapshot().unwrap().0)
    });
    assert!((ours.0 - theirs.0).abs() < 1e-6, "{}, {}", ours.0, theirs.0);
    assert!((ours.1.mean_loss() - theirs.1.mean_loss()).abs() < 1e-6 && ours.1.correct == theirs.1.correct);
    for (ours, theirs) in ours.2.tensors.iter().zip(&theirs.2.tensors) {
        for (a, b) in ours.values.iter().zip(&theirs.values) {
            assert!((a - b).abs() < 1e-6, "{}: {a}, {b}", ours.name);
        }
    }
}

/// The same scores as the kernels', from indices as from features, the smaller last batch counted as what it is.
#[test]
fn tensor_path_scores_equal_the_kernels() {
    let score = |mut classifier: Box<dyn Classifier>, indices_only: bool| {
        let mut rng = TorchRng::new(43);
        classifier.initialise(&mut rng).unwrap();
        let (train, validation) = loaders(indices_only);
        let untrained = evaluate(&mut *classifier, &validation, &mut rng, Pass::Test, &mut ()).unwrap().unwrap();
        for _ in 0..3 {
            for batch in train.pass(&mut rng, 0).map(Result::unwrap) {
                classifier.training_step(batch, 0.05).unwrap();
            }
        }
        let trained = classifier.training_score().unwrap();
        assert_eq!(classifier.training_score().unwrap().samples, 0, "a score is read once");
        let after = evaluate(&mut *classifier, &validation, &mut rng, Pass::Test, &mut ()).unwrap().unwrap();
        [untrained, trained, after]
    };
    let expected = score(kernels(NESTEROV), false);
    assert!(expected[2].correct > 40 && expected[2].samples == 50 && expected[1].samples == 150, "{expected:?}");
    for indices_only in [true, false] {
        for (ours, theirs) in score(tensors(NESTEROV), indices_only).iter().zip(&expected) {
            assert_eq!((ours.samples, ours.correct), (theirs.samples, theirs.correct));
            assert!((ours.mean_loss() - theirs.mean_loss()).abs() < 1e-5, "{ours:?}, {theirs:?}");
        }
    }
}

#[test]
fn batches_and_samples_that_do_not_fit_are_refused() {
    let error = |batch| tensors(PLAIN).training_step(batch, 0.1).unwrap_err().to_string();
    let beyond = Batch { indices: vec![3, 50], features: Vec::new(), labels: vec![0, 1], mix: None };
    assert_eq!(error(beyond), "a batch names sample 50; the device holds 50");
    let short = Batch { indices: vec![3], features: Vec::new(), labels: vec![0, 1], mix: None };
    assert_eq!(error(short), "a batch of 2 labels names 1 samples");
    let narrow = Batch { indices: vec![3], features: features(3)[..5].to_vec(), labels: vec![0], mix: None };
    assert_eq!(error(narrow), "5 values for 1 samples; the network takes 12 features a sample");

    let device = Cpu::default();
    let network = device.build_module::<mlp!(12, 8, 3), f32>();
    let resident = Some(ByteSamples { bytes: &[0; 25], tables: &tables() });
    let result = TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, PLAIN, resident);
    let error = result.err().unwrap();
    assert!(matches!(error, TrainError::Resident { bytes: 25, tables: 2, inputs: 12 }), "{error}");
}
