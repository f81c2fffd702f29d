//! A network of mirror symmetry, at odd widths and batches: against PyTorch in double precision (crates/bench/pytorch/mirrored.py), its symmetry to the bit, refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::golden::{CLASSES, INPUTS, assert_gradients, batch, difference, gradients, input, numbers};
use dfdx::prelude::*;
use serde_json::Value;
use strata_kernels::Mirror;
use strata_model::{
    Activation, GradientStore, InputTransform, Layers, NamedTensor, Predictor, TrainedModel, Usage, cross_entropy,
    initialise, net, tensor_from_vec, weights_of,
};
use strata_rng::TorchRng;
use strata_spec::Precision;
use strata_trainer::{Batch, ClassifierOptions, Muon, Sgd, TrainError, build};

type Network = net!(13, mirrored(11 batch_norm gelu, skip(layer_norm, 7 silu, 11), 9 batch_norm tanh), 5);
type Built = <Network as BuildOnDevice<Cpu, f32>>::Built;

/// As `mirror` of the script that made the golden values.
fn mirror() -> Mirror {
    Mirror::from_places(&[5., 6., 7., 8., 1., 2., 3., 4., -9., -10., -11., 12., 13.]).unwrap()
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/mirrored.json")).unwrap()
}

fn network() -> Built {
    let mut network = Cpu::default().build_module::<Network, f32>();
    network.configure(Activation::Identity, 0.0, 43).unwrap();
    network.set_mirror(&mirror()).unwrap();
    initialise(&mut network, &mut TorchRng::new(5));
    network
}

fn options() -> ClassifierOptions<'static> {
    ClassifierOptions::of_net(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 })
}

fn usage() -> Usage {
    Usage {
        activation: Activation::Identity,
        dropout: 0.0,
        input: vec![INPUTS],
        classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        transform: InputTransform::None,
        precision: Precision::F32,
    }
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
    let found = gradients(&mut network, &mut store);
    assert_gradients(&found, &golden["gradients"], &["layer1.bias", "layer3.bias", "layer4.bias"], norm);
}

/// dfdx's own backward pass, which has whole gradients and the input's too, has the same; the input's is that of a finite difference.
#[test]
fn dfdxs_backward_pass_has_the_same_gradients_and_the_inputs() {
    const STEP: f32 = 1e-2;
    let (x, labels) = input(0);
    let mut ours = network();
    let gradients = cross_entropy(ours.forward_mut(x.leaky_trace()), &labels).unwrap().backward();
    let expected = golden()["gradients"].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
    let even = gradients.get(&ours.0.0.1.1.1.0.0.1.0.even).as_vec();
    assert!(difference(&even, &expected[6], 0.0) < 1e-5);
    let of_x = gradients.get(&x).as_vec();
    for place in [0, 6, 9, 12, 13 * 5 + 2] {
        let loss_at = |way: f32| {
            let mut moved = x.as_vec();
            moved[place] += way;
            let moved = tensor_from_vec(&Cpu::default(), moved, *x.shape()).unwrap();
            cross_entropy(network().forward_mut(moved.leaky_trace()), &labels).unwrap().array()
        };
        let slope = (loss_at(STEP) - loss_at(-STEP)) / (2.0 * STEP);
        assert!((slope - of_x[place]).abs() < 3e-4, "{place}: {slope}, {}", of_x[place]);
    }
}

#[test]
fn steps_are_those_of_pytorch_and_the_predictor_is_the_network() {
    let golden = golden();
    let mut classifier =
        build::<Network, INPUTS, CLASSES>(ClassifierOptions { mirror: Some(mirror()), ..options() }).unwrap();
    classifier.initialise(&mut TorchRng::new(5)).unwrap();
    let rate = golden["rate"].as_f64().unwrap();
    for (step, loss) in numbers(&golden["losses"]).into_iter().enumerate() {
        let (features, labels) = batch(step);
        let indices = (0..).take(labels.len()).collect();
        classifier.training_step(Batch { indices, features, labels, mix: None }, rate).unwrap();
        let found = classifier.training_score().unwrap().mean_loss();
        assert!((found / loss - 1.0).abs() < 1e-5, "step {step}: {found}, PyTorch {loss}");
    }
    let (weights, _) = classifier.snapshot().unwrap();
    let is_parameter = |tensor: &&NamedTensor| !tensor.name.contains("running") && !tensor.name.contains("mirror");
    let expected = golden["parameters"].as_array().unwrap();
    assert_eq!(weights.tensors.iter().filter(is_parameter).count(), expected.len());
    for (tensor, expected) in weights.tensors.iter().filter(is_parameter).zip(expected) {
        let difference = difference(&tensor.values, &numbers(expected), 0.0);
        assert!(difference < 2e-5, "{}: {difference:.1e}", tensor.name);
    }
    let predictor = Predictor::new(TrainedModel::new(weights.clone(), usage()).unwrap()).unwrap();
    let (features, _) = batch(0);
    let logits = predictor.logits(&features).unwrap();
    assert!(difference(&logits, &numbers(&golden["logits"]), 0.0) < 2e-5);
    let mut network = network();
    strata_model::load_weights(&mut network, &weights).unwrap();
    assert_eq!(network.forward(input(0).0).as_vec(), logits);
}

#[test]
fn a_mirror_image_has_the_images_logits_to_the_bit() {
    let (x, labels) = input(2);
    let mirrored = mirror().apply(&x.as_vec());
    assert_ne!(mirrored, x.as_vec());
    let mirrored = tensor_from_vec(&Cpu::default(), mirrored, *x.shape()).unwrap();
    for precision in [Precision::F32, Precision::Bf16] {
        let mut ours = network();
        ours.set_precision(precision);
        // Of a training pass too, whose statistics are those of both views.
        let traced = cross_entropy(ours.forward_mut(x.leaky_trace()), &labels).unwrap().array();
        let other = cross_entropy(ours.forward_mut(mirrored.leaky_trace()), &labels).unwrap().array();
        assert!((traced - other).abs() < 1e-6, "{traced} {other}");
        assert_eq!(ours.forward(x.clone()).as_vec(), ours.forward(mirrored.clone()).as_vec());
    }
}

/// One pixel wide: an image is its own mirror image, and there is no antisymmetric part; two odd frequencies: there is no symmetric one.
#[test]
fn inputs_of_one_kind_only_are_served() {
    for (places, features) in [([1.0, 2.0], [0.5, -1.0]), ([-1.0, -2.0], [0.5, -1.0])] {
        let mirror = Mirror::from_places(&places);
        let options = ClassifierOptions { mirror, ..options() };
        let mut classifier = build::<net!(2, mirrored(7 tanh, 5 relu), 3), 2, 3>(options).unwrap();
        classifier.initialise(&mut TorchRng::new(5)).unwrap();
        for _ in 0..200 {
            let batch =
                Batch { indices: vec![0, 1], features: [features, [2.0, 1.0]].concat(), labels: vec![2, 0], mix: None };
            classifier.training_step(batch, 0.05).unwrap();
        }
        classifier.training_score().unwrap();
        let batch = Batch { indices: vec![0], features: features.to_vec(), labels: vec![2], mix: None };
        classifier.validation_step(batch).unwrap();
        assert_eq!(classifier.validation_score().unwrap().correct, 1);
    }
}

/// The halves of a mirrored layer's weight are one layer's: Muon leaves both of the last to AdamW, which keeps a second moment.
#[test]
fn the_last_layer_is_both_its_halves() {
    let muon =
        Muon { momentum: 0.9, nesterov: true, iterations: 5, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 };
    let options = ClassifierOptions { mirror: Mirror::from_places(&[2.0, 1.0]), ..ClassifierOptions::of_net(muon) };
    let mut classifier = build::<net!(2, mirrored(7 relu, 5 relu, 3)), 2, 3>(options).unwrap();
    let (_, state) = classifier.snapshot().unwrap();
    let has_second = |name: &str| state.parameters.iter().find(|p| p.name == name).map(|p| !p.buffers[1].is_empty());
    assert_eq!(["layer1.weight", "layer2.even", "layer2.odd"].map(has_second), [Some(false); 3]);
    assert_eq!(["layer3.even", "layer3.odd"].map(has_second), [Some(true); 2]);
}

#[test]
fn a_network_that_nobody_told_what_mirroring_does_is_refused() {
    let untold = build::<Network, INPUTS, CLASSES>(options());
    assert!(matches!(untold, Err(TrainError::NoMirror)));
    let other = Mirror::from_places(&[2.0, 1.0]);
    let error = build::<Network, INPUTS, CLASSES>(ClassifierOptions { mirror: other, ..options() }).err().unwrap();
    assert_eq!(error.to_string(), "what mirroring does is said of 2 inputs, and the network has 13");
    let untold = Cpu::default().build_module::<Network, f32>();
    assert!(untold.try_forward(input(0).0).is_err());
    let mut weights = weights_of(&network());
    let tensor = weights.tensors.iter_mut().find(|tensor| tensor.name == "layer1.mirror").unwrap();
    tensor.values[0] = 7.0;
    let error = TrainedModel::new(weights, usage()).unwrap_err().to_string();
    assert!(error.starts_with("layer1.mirror is no mirror"), "{error}");
}
