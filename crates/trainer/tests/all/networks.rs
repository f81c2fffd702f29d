//! Networks beyond a chain: trained on both paths, stopped and resumed from the file, to the bit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use dfdx::prelude::*;
use strata_model::{Activation, External, Layers, ModelError, net};
use strata_rng::TorchRng;
use strata_spec::OptimizerSpec;
use strata_trainer::{
    Checkpoint, Classifier, ClassifierOptions, Outcome, Phase, Plan, Progress, TensorClassifier, TrainError, build, fit,
};

/// Batch normalisation, a pre-normalised inverted bottleneck of stochastic depth, dropout, a module of dfdx's.
type Residual = net!(
    12,
    8 batch_norm gelu,
    skip(layer_norm, 16 silu dropout(0.1), 8 stochastic_depth(0.2)),
    module(LayerNorm1D<8> => 8),
    rms_norm,
    3
);

const ADAM: OptimizerSpec = OptimizerSpec::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };

const SGD: OptimizerSpec = OptimizerSpec::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 };

fn options(activation: Activation) -> ClassifierOptions<'static> {
    ClassifierOptions { activation, seed: 43, ..ClassifierOptions::new(ADAM) }
}

fn classifier() -> Box<dyn Classifier> {
    build::<Residual, FEATURES, CLASSES>(options(Activation::Identity)).unwrap()
}

fn loader(samples: usize, shuffle: bool) -> Memory {
    Memory { samples, batch: 8, shuffle, indices_only: false }
}

fn plan() -> Plan {
    let phases = vec![Phase::constant(2, 0.02)];
    Plan { phases, checkpoint_every: Some(3), ..Plan::default() }
}

fn run(classifier: &mut dyn Classifier, progress: Progress, keeper: &mut Keeper) -> Outcome {
    fit(classifier, &loader(50, true), &loader(30, false), &plan(), progress, keeper).unwrap().1
}

#[test]
fn a_residual_network_stopped_after_any_batch_is_resumed_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let mut whole = classifier();
    let mut rng = TorchRng::new(43);
    whole.initialise(&mut rng).unwrap();
    let mut keeper = Keeper::default();
    assert_eq!(run(&mut *whole, Progress::new(&rng), &mut keeper), Outcome::Finished);
    let (history, expected) = (keeper.history.clone(), keeper.checkpoints.pop().unwrap());
    assert!(history[2].val_loss < history[0].val_loss, "{history:?}");
    let names: Vec<_> = expected.weights.tensors.iter().map(|tensor| &*tensor.name).collect();
    assert_eq!(names[4..6], ["norm1.running_mean", "norm1.running_var"]);
    assert!(names.contains(&"module1.gamma"), "{names:?}");
    for stop in 5..keeper.batches {
        let mut first = classifier();
        let mut rng = TorchRng::new(43);
        first.initialise(&mut rng).unwrap();
        let mut keeper = Keeper { interrupt_after: Some(stop), ..Keeper::default() };
        if run(&mut *first, Progress::new(&rng), &mut keeper) == Outcome::Interrupted {
            keeper.checkpoints.pop().unwrap().save(&path).unwrap();
            let mut second = classifier();
            let checkpoint = Checkpoint::load(&path, "a-run", second.architecture()).unwrap();
            second.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
            keeper = Keeper::default();
            run(&mut *second, checkpoint.progress, &mut keeper);
        }
        assert!(keeper.checkpoints.pop().unwrap() == expected, "stopped after {stop} batches");
    }
}

/// The fused operations and their products against the operations that a card runs, here on dfdx's CPU device. By plain steps: the gradient of a
/// bias in front of a batch normalisation is rounding, which Adam makes as large as any other.
#[test]
fn the_fast_path_and_the_tensor_path_train_a_residual_network_alike() {
    let device = Cpu::default();
    let mut network = device.build_module::<Residual, f32>();
    network.configure(Activation::Identity, 0.0, 43).unwrap();
    let mut tensors: Box<dyn Classifier> =
        Box::new(TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, SGD, None).unwrap());
    let mut losses = Vec::new();
    let step = SGD.into();
    let mut kernels =
        build::<Residual, FEATURES, CLASSES>(ClassifierOptions { step, ..options(Activation::Identity) }).unwrap();
    for classifier in [&mut kernels, &mut tensors] {
        let mut rng = TorchRng::new(43);
        classifier.initialise(&mut rng).unwrap();
        let mut keeper = Keeper::default();
        run(&mut **classifier, Progress::new(&rng), &mut keeper);
        losses.push(keeper.history.iter().map(|line| line.val_loss).collect::<Vec<_>>());
    }
    assert_eq!(losses[0].len(), losses[1].len());
    for (a, b) in losses[0].iter().zip(&losses[1]) {
        assert!((a - b).abs() < 1e-3, "{losses:?}");
    }
}

/// 49 samples in batches of 8 leave one over, which has no variance: found before anything is trained.
#[test]
fn a_single_sample_under_batch_normalisation_is_an_error_before_the_first_step() {
    let mut classifier = classifier();
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng).unwrap();
    let before = classifier.snapshot().unwrap();
    let progress = Progress::new(&rng);
    let result =
        fit(&mut *classifier, &loader(49, true), &loader(30, false), &plan(), progress, &mut Keeper::default());
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::BatchTooSmall { samples: 1, smallest: 2 }), "{error}");
    assert_eq!(classifier.snapshot().unwrap(), before);
}

#[test]
fn options_with_another_activation_are_refused() {
    let error = build::<Residual, FEATURES, CLASSES>(options(Activation::Relu)).err().unwrap();
    assert!(matches!(error, TrainError::Model(ModelError::ActivationIsFixed { .. })), "{error}");
}

#[test]
fn dfdxs_own_dropout_is_refused() {
    type Network = (net!(12, 8 relu), (External<Dropout, 8, 8>, net!(8, 3)));
    let error = build::<Network, FEATURES, CLASSES>(options(Activation::Identity)).err().unwrap();
    assert!(matches!(error, TrainError::Model(ModelError::PrivateGenerator { .. })), "{error}");
}

#[test]
fn a_network_may_begin_with_a_module_of_another_width() {
    type First = net!(12, module(Linear<12, 5> => 5), 3);
    let classifier = build::<First, FEATURES, CLASSES>(options(Activation::Identity)).unwrap();
    let network = classifier.architecture().network();
    assert_eq!((network.inputs(), network.outputs()), (12, 3));
}

/// A module gives eight features and is said to give seven, inside a skip connection and at the end.
#[test]
fn a_module_that_gives_other_features_than_it_says_is_refused() {
    type Inside = net!(12, 8 relu, skip(module(LayerNorm1D<8> => 7)), 3);
    type Last = (net!(12, 3 relu), External<LayerNorm1D<3>, 3, 4>);
    let errors = [
        build::<Inside, FEATURES, CLASSES>(options(Activation::Identity)).err().unwrap(),
        build::<Last, FEATURES, CLASSES>(options(Activation::Identity)).err().unwrap(),
    ];
    for error in errors {
        assert!(matches!(error, TrainError::Model(ModelError::Mismatch { .. })), "{error}");
        assert!(error.to_string().contains("described as"), "{error}");
    }
}
