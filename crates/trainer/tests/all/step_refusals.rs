//! Steps that cannot be served: errors before anything is changed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use dfdx::prelude::*;
use strata_kernels::{ElementwiseRule, UpdateRule};
use strata_model::{Activation, Layers, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Adam, Averaging, Batch, Classifier, ClassifierOptions, Clipping, DecayedKinds, Device as DeviceKind, Lion,
    MeanSquaredError, NAdam, Optimizer, Sgd, Step, TensorClassifier, TrainError, TrainingStep, build,
};

fn classifier(step: TrainingStep) -> Box<dyn Classifier> {
    let device = DeviceKind::Cpu;
    let options = ClassifierOptions { device, activation: Activation::Tanh, seed: 43, ..ClassifierOptions::new(step) };
    build::<mlp!(4, 5, 3), 4, 3>(options).unwrap()
}

#[test]
fn numbers_that_overflow_32_bits_are_refused() {
    let number = |step: TrainingStep| match step.check() {
        Err(TrainError::Number { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let adam = |betas, epsilon| Adam { betas, epsilon, weight_decay: 0.0, decoupled: false };
    assert_eq!(number(adam([0.9, 0.999_999_999], 1e-8).into()), "second beta");
    assert_eq!(number(adam([0.9, 0.999], 1e-60).into()), "epsilon");
    assert_eq!(number(Sgd { momentum: 1.0, ..Sgd::default() }.into()), "momentum");
    assert_eq!(number(Sgd { weight_decay: f64::NAN, ..Sgd::default() }.into()), "weight decay");
    let clipping = |norm, value| TrainingStep::new(Sgd::default()).clipping(Clipping { norm, value });
    assert_eq!(number(clipping(Some(0.0), None)), "largest norm");
    assert_eq!(number(clipping(None, Some(f64::INFINITY))), "largest value");

    let mut classifier = classifier(Sgd::default().into());
    classifier.initialise(&mut TorchRng::new(3)).unwrap();
    let before = classifier.snapshot().unwrap();
    for rate in [1e-60, 1e39, f64::NAN, f64::INFINITY, -0.1] {
        let batch = Batch { features: vec![0.5; 4], labels: vec![1], ..Batch::default() };
        let error = classifier.training_step(batch, rate).unwrap_err();
        assert!(matches!(error, TrainError::Number { what: "learning rate", .. }), "{rate}: {error}");
    }
    assert!(classifier.snapshot().unwrap() == before, "a rate that is refused changes nothing");
}

/// Beyond the steps that an `i32` counts, the corrections are those of a run without end.
#[test]
fn steps_beyond_32_bits_are_counted() {
    let step = |number| Step { learning_rate: 1e-3, number, decays: true, is_hidden_weight: false };
    assert_eq!(step(u64::MAX).bias_correction(0.999), 1.0);
    let n_adam =
        NAdam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0, momentum_decay: 4e-3, decoupled: false };
    assert_eq!(n_adam.rule(step(u64::MAX)).unwrap().states(), 2);
}

#[test]
fn a_batch_whose_gradients_overflow_is_not_clipped_but_refused() {
    let clipping = Clipping { norm: Some(1.0), value: None };
    let mut classifier = classifier(TrainingStep::new(Sgd::default()).loss(MeanSquaredError).clipping(clipping));
    classifier.initialise(&mut TorchRng::new(3)).unwrap();
    let before = classifier.snapshot().unwrap();
    let batch = Batch { features: vec![f32::NAN; 4], labels: vec![1], ..Batch::default() };
    let error = classifier.training_step(batch, 0.1).unwrap_err();
    assert!(matches!(error, TrainError::GradientNorm { .. }), "{error}");
    assert!(classifier.snapshot().unwrap() == before);
}

/// What dfdx's operations cannot do is refused before the first step.
#[test]
fn the_tensor_path_refuses_what_it_cannot_do() {
    let new = |step: TrainingStep| {
        let device = Cpu::default();
        let mut network = device.build_module::<mlp!(4, 5, 3), f32>();
        network.configure(Activation::Relu, 0.0, 43).unwrap();
        TensorClassifier::<_, _, 4, 3>::new(device, network, step, None)
    };
    let plain = || TrainingStep::new(Sgd::default());
    let refused = |step: TrainingStep, what: &str| {
        let error = new(step).err().expect(what).to_string();
        assert!(error.contains(what) && error.contains("CPU only"), "{error}");
    };
    refused(TrainingStep::new(Lion { betas: [0.9, 0.99], weight_decay: 0.0 }), "Lion");
    refused(plain().loss(MeanSquaredError), "MeanSquaredError");
    refused(plain().clipping(Clipping { norm: Some(1.0), value: None }), "clipping");
    refused(plain().decayed(DecayedKinds { gains: false, ..DecayedKinds::default() }), "gains");
}

/// Steps alone of a rule of a user's own that keeps this many buffers.
#[derive(Debug)]
struct Keeps<const N: usize>;

#[derive(Debug)]
struct KeptRule<const N: usize>;

impl<const N: usize> ElementwiseRule for KeptRule<N> {
    type State = [f32; N];

    fn step(&self, p: f32, g: f32, state: [f32; N]) -> (f32, [f32; N]) {
        (p - g, state)
    }
}

impl<const N: usize> Optimizer for Keeps<N> {
    fn states(&self) -> &'static [&'static str] {
        &["a", "b", "c", "d", "e", "f", "g", "h", "i"][..N]
    }

    fn rule(&self, _: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        Ok(Box::new(KeptRule::<N>))
    }
}

/// A run would be lost at its end: no checkpoint of it could be read.
#[test]
fn more_buffers_than_a_checkpoint_holds_are_refused() {
    let averaged = |step: TrainingStep| step.averaging(Averaging::Exponential { decay: 0.9 });
    TrainingStep::new(Keeps::<8>).check().unwrap();
    averaged(TrainingStep::new(Keeps::<7>)).check().unwrap();
    for (step, buffers) in [(TrainingStep::new(Keeps::<9>), 9.0), (averaged(TrainingStep::new(Keeps::<8>)), 9.0)] {
        assert!(matches!(step.check(), Err(TrainError::Number { value, .. }) if value == buffers));
    }
}
