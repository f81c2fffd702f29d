//! Fifty steps of each optimizer, loss, clipping and average against PyTorch's in double precision.
//!
//! `golden/steps.json` was made by `crates/bench/pytorch/steps.py`, which has the same formulas.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::formula::{self, BATCH, CLASSES, FEATURES, SAMPLES};
use strata_model::{Activation, Weights, mlp, net};
use strata_trainer::{
    Adagrad, Adam, Averaging, Batch, BetaLasso, Classifier, ClassifierOptions, Clipping, CrossEntropy, DecayedKinds,
    Lion, MeanSquaredError, MixedLabels, Muon, NAdam, RmsProp, Sgd, TrainingStep, build,
};

const STEPS: usize = 50;

/// Largest difference from PyTorch's parameters, which are up to 3: single precision against double over fifty steps.
const TOLERANCE: f64 = 2e-5;

fn classifier(step: TrainingStep, batch_norm: bool) -> Box<dyn Classifier> {
    let options = |activation| ClassifierOptions { activation, ..ClassifierOptions::new(step.clone()) };
    let mut classifier = if batch_norm {
        build::<net!(7, 5 batch_norm tanh, 3), FEATURES, CLASSES>(options(Activation::Identity)).unwrap()
    } else {
        build::<mlp!(7, 5, 3), FEATURES, CLASSES>(options(Activation::Tanh)).unwrap()
    };
    let (weights, state) = classifier.snapshot().unwrap();
    classifier.restore(&formula::weights(weights), &state).unwrap();
    classifier
}

/// The weights after fifty steps at one rate, those that an evaluation uses.
fn trained(step: impl Into<TrainingStep>, rate: f64, batch_norm: bool, change: impl Fn(&mut Batch)) -> Weights {
    let mut classifier = classifier(step.into(), batch_norm);
    for number in 0..STEPS {
        let mut batch = formula::batch(number * BATCH % SAMPLES, BATCH);
        change(&mut batch);
        classifier.training_step(batch, rate).unwrap();
    }
    if classifier.begin_statistics() {
        for first in (0..SAMPLES).step_by(BATCH) {
            classifier.statistics_step(formula::batch(first, BATCH)).unwrap();
        }
        classifier.finish_statistics();
    }
    let averaged = classifier.averaged_weights().unwrap();
    averaged.unwrap_or_else(|| classifier.snapshot().unwrap().0)
}

/// Tries each case by its name in the golden file.
#[derive(Default)]
struct Cases {
    tried: Vec<&'static str>,
    worst: f64,
}

impl Cases {
    fn check(&mut self, name: &'static str, weights: &Weights) {
        let golden: serde_json::Value = serde_json::from_str(include_str!("../golden/steps.json")).unwrap();
        let expected: Vec<Vec<f64>> = serde_json::from_value(golden["cases"][name].clone()).expect(name);
        assert_eq!(weights.tensors.len(), expected.len(), "{name}");
        for (tensor, expected) in weights.tensors.iter().zip(expected) {
            assert_eq!(tensor.values.len(), expected.len(), "{name}: {}", tensor.name);
            for (at, (ours, theirs)) in tensor.values.iter().zip(expected).enumerate() {
                let difference = (f64::from(*ours) - theirs).abs();
                self.worst = self.worst.max(difference);
                assert!(difference < TOLERANCE, "{name}: {}[{at}] is {ours}, PyTorch has {theirs}", tensor.name);
            }
        }
        self.tried.push(name);
    }

    fn plain(&mut self, name: &'static str, rate: f64, step: impl Into<TrainingStep>) {
        self.check(name, &trained(step, rate, false, |_| ()));
    }
}

const BETAS: [f64; 2] = [0.9, 0.999];

fn optimizers(cases: &mut Cases) {
    let sgd = |momentum, nesterov, weight_decay| Sgd { momentum, nesterov, weight_decay };
    cases.plain("sgd", 0.1, sgd(0.0, false, 0.0));
    cases.plain("sgd, weight decay", 0.1, sgd(0.0, false, 0.01));
    cases.plain("momentum", 0.05, sgd(0.9, false, 0.01));
    cases.plain("nesterov", 0.05, sgd(0.9, true, 0.0));
    let adam = |betas, epsilon, weight_decay, decoupled| Adam { betas, epsilon, weight_decay, decoupled };
    cases.plain("adam", 0.02, adam([0.9, 0.99], 1e-8, 0.01, false));
    cases.plain("adamw", 0.02, adam(BETAS, 1e-6, 0.1, true));
    let n_adam = NAdam { betas: BETAS, epsilon: 1e-8, weight_decay: 0.01, momentum_decay: 4e-3, decoupled: false };
    cases.plain("nadam", 0.02, n_adam);
    cases.plain("rmsprop", 0.005, RmsProp { alpha: 0.9, epsilon: 1e-6, weight_decay: 0.01, momentum: 0.0 });
    cases.plain("rmsprop, momentum", 0.002, RmsProp { alpha: 0.99, epsilon: 1e-6, weight_decay: 0.0, momentum: 0.9 });
    cases.plain("adagrad", 0.1, Adagrad { learning_rate_decay: 0.01, epsilon: 1e-10, weight_decay: 0.01 });
    cases.plain("lion", 0.005, Lion { betas: [0.9, 0.99], weight_decay: 0.1 });
    let muon = |momentum, nesterov, iterations, weight_decay| Muon {
        momentum,
        nesterov,
        iterations,
        betas: BETAS,
        epsilon: 1e-8,
        weight_decay,
    };
    cases.plain("muon", 0.02, muon(0.95, true, 5, 0.1));
    cases.plain("muon, no look-ahead", 0.05, muon(0.9, false, 3, 0.0));
    cases.plain("beta-lasso", 0.1, BetaLasso { lambda: 1e-3, beta: 50.0 });
    let weights_only = DecayedKinds { weights: true, biases: false, gains: false };
    cases.plain("decay of weights", 0.02, TrainingStep::new(adam(BETAS, 1e-8, 0.2, true)).decayed(weights_only));
}

fn losses_and_clipping(cases: &mut Cases) {
    let sgd = || TrainingStep::new(Sgd::default());
    let smooth = |label_smoothing| CrossEntropy { label_smoothing };
    cases.plain("smoothing", 0.1, sgd().loss(smooth(0.2)));
    cases.plain("mse", 0.2, sgd().loss(MeanSquaredError));
    let mix = |batch: &mut Batch| {
        let labels = batch.labels.iter().map(|label| (label + 1) % CLASSES as u8).collect();
        batch.mix = Some(MixedLabels { labels, shares: vec![0.7; batch.labels.len()] });
    };
    cases.check("mixed", &trained(sgd(), 0.1, false, mix));
    cases.check("mixed, smoothing", &trained(sgd().loss(smooth(0.1)), 0.1, false, mix));
    let clipping = |norm, value| Clipping { norm, value };
    cases.plain("clip norm", 0.2, sgd().clipping(clipping(Some(0.3), None)));
    cases.plain("clip value", 0.2, sgd().clipping(clipping(None, Some(0.05))));
    let adam = Adam { betas: BETAS, epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
    let both = clipping(Some(0.3), Some(0.05));
    cases.plain("clip norm, value", 0.02, TrainingStep::new(adam).clipping(both));
}

/// Groups of two batches; an epoch of five has a last one of its own.
fn accumulation(cases: &mut Cases) {
    let accumulated = |step: TrainingStep, rate| {
        let mut classifier = classifier(step, false);
        let mut batches = (0..SAMPLES).step_by(BATCH).cycle();
        for step in 0..STEPS {
            if step % 3 < 2 {
                classifier.accumulate(formula::batch(batches.next().unwrap(), BATCH)).unwrap();
            }
            classifier.training_step(formula::batch(batches.next().unwrap(), BATCH), rate).unwrap();
        }
        classifier.snapshot().unwrap().0
    };
    let momentum = Sgd { momentum: 0.9, ..Sgd::default() };
    cases.check("accumulation", &accumulated(momentum.into(), 0.05));
    let adam = Adam { betas: BETAS, epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
    let clipped = TrainingStep::new(adam).clipping(Clipping { norm: Some(0.3), value: None });
    cases.check("accumulation, clip norm", &accumulated(clipped, 0.02));
}

fn averages(cases: &mut Cases) {
    let momentum = Sgd { momentum: 0.9, ..Sgd::default() };
    cases.check("batch norm", &trained(momentum, 0.05, true, |_| ()));
    let sgd = |averaging| TrainingStep::new(Sgd::default()).averaging(averaging);
    cases.plain("ema", 0.1, sgd(Averaging::Exponential { decay: 0.9 }));
    cases.plain("swa", 0.1, sgd(Averaging::Equal { after: 30 }));
    let ema = TrainingStep::new(momentum).averaging(Averaging::Exponential { decay: 0.95 });
    cases.check("ema, batch norm", &trained(ema, 0.05, true, |_| ()));
    cases.check("swa, batch norm", &trained(sgd(Averaging::Equal { after: 37 }), 0.1, true, |_| ()));
}

#[test]
fn fifty_steps_are_pytorchs() {
    let mut cases = Cases::default();
    optimizers(&mut cases);
    losses_and_clipping(&mut cases);
    accumulation(&mut cases);
    averages(&mut cases);
    println!("the largest difference is {:.1e}", cases.worst);
    let golden: serde_json::Value = serde_json::from_str(include_str!("../golden/steps.json")).unwrap();
    for name in golden["cases"].as_object().unwrap().keys() {
        assert!(cases.tried.contains(&name.as_str()), "{name} was not tried");
    }
}
