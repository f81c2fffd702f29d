//! A residual network with every normalisation, clipping and a cosine schedule, at odd widths and batches: against PyTorch in double
//! precision (crates/bench/pytorch/residual.py), against finite differences, and against dfdx's own modules.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::golden::{CLASSES, INPUTS, assert_gradients, batch, difference, gradients, input, numbers};
use dfdx::nn::builders::{BatchNorm1D, LayerNorm1D, Linear, ReLU, Residual, Sigmoid, Tanh};
use dfdx::optim::{Momentum, Optimizer, Sgd as DfdxSgd, SgdConfig};
use dfdx::prelude::*;
use serde_json::Value;
use strata_model::{Activation, GradientStore, Layers, cross_entropy, initialise, load_tensors, net, tensors_of};
use strata_rng::TorchRng;
use strata_trainer::{Batch, ClassifierOptions, Clipping, Cosine, Schedule, ScheduledStep, Sgd, TrainingStep, build};

type Network = net!(
    13,
    11 batch_norm gelu,
    skip(layer_norm, 23 silu, 11),
    skip(rms_norm, 7 batch_norm tanh, 11),
    activation(leaky_relu),
    5
);
type Built<M> = <M as BuildOnDevice<Cpu, f32>>::Built;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/residual.json")).unwrap()
}

fn network() -> Built<Network> {
    let mut network = Cpu::default().build_module::<Network, f32>();
    network.configure(Activation::Identity, 0.0, 43).unwrap();
    initialise(&mut network, &mut TorchRng::new(5));
    network
}

#[test]
fn gradients_are_those_of_pytorch_in_double_precision() {
    let golden = golden();
    let mut network = network();
    let mut store = GradientStore::default();
    let (x, labels) = input(0);
    let traced = store.trace(x);
    let loss = cross_entropy(network.forward_mut(traced), &labels).unwrap();
    assert!((f64::from(loss.array()) - golden["losses"][0].as_f64().unwrap()).abs() < 1e-6);
    store.backward(loss, &network).unwrap();
    let norm = store.squared_norm().sqrt();
    assert!((norm / golden["norms"][0].as_f64().unwrap() - 1.0).abs() < 1e-5, "{norm}");
    let found = gradients(&mut network, &mut store);
    assert_gradients(&found, &golden["gradients"], &["layer1.bias", "layer4.bias"], norm);
}

/// Twelve steps, the gradients of half of them clipped; differences are single precision's.
#[test]
fn steps_with_clipping_and_a_cosine_schedule_are_those_of_pytorch() {
    let golden = golden();
    let optimizer = Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 };
    let clipping = Clipping { norm: golden["clip"].as_f64(), value: None };
    let options = ClassifierOptions {
        activation: Activation::Identity,
        seed: 43,
        ..ClassifierOptions::new(TrainingStep::new(optimizer).clipping(clipping))
    };
    let mut classifier = build::<Network, INPUTS, CLASSES>(options).unwrap();
    classifier.initialise(&mut TorchRng::new(5)).unwrap();
    let (rates, losses) = (numbers(&golden["rates"]), numbers(&golden["losses"]));
    let peak = golden["peak"].as_f64().unwrap();
    for (step, (expected, loss)) in rates.iter().zip(&losses).enumerate() {
        let rate = Cosine.rate(&ScheduledStep { peak, step, steps: rates.len(), steps_per_epoch: 1, state: &[] });
        assert!((rate / expected - 1.0).abs() < 1e-9, "{rate} {expected}");
        let (features, labels) = batch(step);
        let indices = (0..).take(labels.len()).collect();
        classifier.training_step(Batch { indices, features, labels, mix: None }, rate).unwrap();
        let found = classifier.training_score().unwrap().mean_loss();
        assert!((found / loss - 1.0).abs() < 1e-5, "step {step}: {found}, PyTorch {loss}");
    }
    let (weights, _) = classifier.snapshot().unwrap();
    let expected = golden["tensors"].as_array().unwrap();
    assert_eq!(weights.tensors.len(), expected.len());
    for (tensor, expected) in weights.tensors.iter().zip(expected) {
        let difference = difference(&tensor.values, &numbers(expected), 0.0);
        assert!(difference < 2e-5, "{}: {difference:.1e}", tensor.name);
    }
}

/// Each parameter is moved along its gradient's direction, which changes the loss by the gradient's norm times the way.
#[test]
fn gradients_are_finite_differences_of_the_loss() {
    const STEP: f32 = 1e-3;
    let (x, labels) = input(0);
    let mut start = network();
    let mut store = GradientStore::default();
    let traced = store.trace(x.clone());
    let loss = cross_entropy(start.forward_mut(traced), &labels).unwrap();
    store.backward(loss, &start).unwrap();
    let tensors = tensors_of(&network());
    for (name, gradient) in gradients(&mut start, &mut store) {
        let norm = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let loss_at = |way: f32| {
            let mut moved = tensors.clone();
            let tensor = moved.iter_mut().find(|tensor| tensor.name == name).unwrap();
            for (value, gradient) in tensor.values.iter_mut().zip(&gradient) {
                *value += way * gradient / norm.max(1e-3) as f32;
            }
            let mut network = network();
            load_tensors(&mut network, &moved).unwrap();
            let logits = network.forward_mut(x.leaky_trace()).as_vec();
            loss_in_double(&logits, &labels)
        };
        let found = (loss_at(STEP) - loss_at(-STEP)) / f64::from(2.0 * STEP);
        assert!(
            (found - norm).abs() < 3e-3 * norm.max(0.1),
            "{name}: {found} is the slope, {norm} the gradient's norm"
        );
    }
}

fn loss_in_double(logits: &[f32], labels: &[u8]) -> f64 {
    let of = |(logits, label): (&[f32], &u8)| {
        let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        sum.ln() - f64::from(logits[usize::from(*label)])
    };
    logits.chunks_exact(CLASSES).zip(labels).map(of).sum::<f64>() / labels.len() as f64
}

/// Linear, BatchNorm1D, LayerNorm1D, Residual and activations of dfdx, trained by its own optimizer, beside the same of ours.
#[test]
fn dfdxs_own_modules_take_the_same_steps() {
    type Ours = net!(13, 11 batch_norm relu, skip(layer_norm, 23 tanh, 11), skip(7 sigmoid, 11), 5);
    type Theirs = (
        (Linear<13, 11>, BatchNorm1D<11>, ReLU),
        Residual<(LayerNorm1D<11>, Linear<11, 23>, Tanh, Linear<23, 11>)>,
        Residual<(Linear<11, 7>, Sigmoid, Linear<7, 11>)>,
        Linear<11, 5>,
    );
    let device = Cpu::default();
    let mut ours = device.build_module::<Ours, f32>();
    initialise(&mut ours, &mut TorchRng::new(5));
    let mut theirs = device.build_module::<Theirs, f32>();
    let mut start = tensors_of(&theirs);
    for (theirs, ours) in start.iter_mut().zip(tensors_of(&ours)) {
        assert_eq!(theirs.shape, ours.shape, "{} {}", theirs.name, ours.name);
        theirs.values = ours.values;
    }
    load_tensors(&mut theirs, &start).unwrap();
    let momentum = Some(Momentum::Classic(0.9));
    let mut optimizer = DfdxSgd::new(&theirs, SgdConfig { lr: 0.05, momentum, weight_decay: None });
    let rule = strata_kernels::MomentumRule { learning_rate: 0.05, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let mut velocities: Vec<Vec<Vec<f32>>> = Vec::new();
    for step in 0..8 {
        let (x, labels) = input(step);
        let loss = cross_entropy(theirs.forward_mut(x.leaky_trace()), &labels).unwrap();
        let gradients = loss.backward();
        optimizer.update(&mut theirs, &gradients).unwrap();
        let mut store = GradientStore::default();
        let traced = store.trace(x);
        let loss = cross_entropy(ours.forward_mut(traced), &labels).unwrap();
        store.backward(loss, &ours).unwrap();
        let mut place = 0;
        store
            .update(&mut ours, |parameter| {
                if velocities.len() == place {
                    velocities.push(vec![vec![0.0; parameter.values.len()]]);
                }
                parameter.update(&rule, &mut velocities[place]);
                place += 1;
            })
            .unwrap();
        for (ours, theirs) in tensors_of(&ours).iter().zip(tensors_of(&theirs)) {
            let expected: Vec<f64> = theirs.values.iter().map(|value| f64::from(*value)).collect();
            let difference = difference(&ours.values, &expected, 0.1);
            assert!(difference < 1e-5, "step {step}: {} and {}: {difference:.1e}", ours.name, theirs.name);
        }
    }
}
