//! Our optimizers over our kernels against the same formulas in dfdx's tensor operations, and against dfdx's own optimizers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory, bytes, features, tables};
use dfdx::optim::{Optimizer as _, Sgd};
use dfdx::prelude::*;
use strata_model::{Activation, ByteSamples, Layers, mlp};
use strata_rng::TorchRng;
use strata_spec::OptimizerSpec;
use strata_trainer::{Classifier, ClassifierOptions, Phase, Plan, Progress, TensorClassifier, build, fit};

type Network = mlp!(12, 16, 8, 3);

fn optimizers() -> Vec<OptimizerSpec> {
    let sgd = |momentum, nesterov, weight_decay| OptimizerSpec::Sgd { momentum, nesterov, weight_decay };
    let adam = |weight_decay| OptimizerSpec::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay };
    let adam_w = OptimizerSpec::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
    vec![
        sgd(0.0, false, 0.0),
        sgd(0.0, false, 0.01),
        sgd(0.9, false, 0.01),
        sgd(0.9, true, 0.0),
        adam(0.0),
        adam(0.01),
        adam_w,
    ]
}

/// Trains a classifier for some epochs and gives its parameters.
fn trained(mut classifier: Box<dyn Classifier>, indices_only: bool) -> Vec<f32> {
    let mut rng = TorchRng::new(7);
    classifier.initialise(&mut rng).unwrap();
    let train = Memory { samples: 60, batch: 16, shuffle: true, indices_only };
    let validation = Memory { samples: 20, batch: 16, shuffle: false, indices_only };
    let phases = vec![Phase::constant(4, 0.02)];
    let plan = Plan { phases, ..Plan::default() };
    let mut keeper = Keeper::default();
    fit(&mut *classifier, &train, &validation, &plan, Progress::new(&rng), &mut keeper).unwrap();
    let (weights, _) = classifier.snapshot().unwrap();
    weights.tensors.into_iter().flat_map(|tensor| tensor.values).collect()
}

fn on_kernels(optimizer: OptimizerSpec) -> Vec<f32> {
    let options =
        ClassifierOptions { activation: Activation::Gelu, dropout: 0.1, seed: 43, ..ClassifierOptions::new(optimizer) };
    trained(build::<Network, FEATURES, CLASSES>(options).unwrap(), false)
}

fn on_tensors(optimizer: OptimizerSpec) -> Vec<f32> {
    let device = Cpu::default();
    let mut network = device.build_module::<Network, f32>();
    network.configure(Activation::Gelu, 0.1, 43).unwrap();
    let held: Vec<u8> = (0..60).flat_map(bytes).collect();
    let resident = ByteSamples { bytes: &held, tables: &tables() };
    let classifier =
        TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, optimizer, Some(resident)).unwrap();
    trained(Box::new(classifier), true)
}

/// The path that a card takes, data held on the device and gathered by index, run on the CPU.
#[test]
fn the_tensor_path_equals_the_kernels_for_every_optimizer() {
    for optimizer in optimizers() {
        let (ours, tensors) = (on_kernels(optimizer), on_tensors(optimizer));
        assert_eq!(ours.len(), tensors.len());
        for (i, (a, b)) in ours.iter().zip(&tensors).enumerate() {
            assert!((a - b).abs() < 2e-4, "{optimizer:?}: parameter {i} is {a}, by tensors {b}");
        }
    }
}

/// Two hundred steps on the same batches with dfdx's own layers, loss and optimizers: relative error at most 1e-4.
#[test]
fn two_hundred_steps_equal_dfdxs_training() {
    type Theirs = ((Linear<12, 16>, ReLU), (Linear<16, 8>, ReLU), Linear<8, 3>);
    for momentum in [0.0, 0.9] {
        let device = Cpu::default();
        let optimizer = OptimizerSpec::Sgd { momentum, nesterov: false, weight_decay: 0.0 };
        let options = ClassifierOptions { seed: 43, ..ClassifierOptions::new(optimizer) };
        let mut ours = build::<Network, FEATURES, CLASSES>(options).unwrap();
        ours.initialise(&mut TorchRng::new(7)).unwrap();
        let (start, _) = ours.snapshot().unwrap();
        let mut theirs = device.build_module::<Theirs, f32>();
        theirs.0.0.weight.copy_from(&start.layers()[0].weight);
        theirs.0.0.bias.copy_from(&start.layers()[0].bias);
        theirs.1.0.weight.copy_from(&start.layers()[1].weight);
        theirs.1.0.bias.copy_from(&start.layers()[1].bias);
        theirs.2.weight.copy_from(&start.layers()[2].weight);
        theirs.2.bias.copy_from(&start.layers()[2].bias);
        let momentum = (momentum > 0.0).then_some(Momentum::Classic(momentum));
        let mut sgd = Sgd::new(&theirs, SgdConfig { lr: 0.01, momentum, weight_decay: None });
        let mut gradients = theirs.alloc_grads();
        for step in 0..200 {
            let samples: Vec<usize> = (0..16).map(|i| (step * 16 + i) % 60).collect();
            let x: Vec<f32> = samples.iter().flat_map(|sample| features(*sample)).collect();
            let labels: Vec<u8> = samples.iter().map(|sample| (sample % CLASSES) as u8).collect();
            let mut targets = vec![0.0; 16 * CLASSES];
            labels.iter().enumerate().for_each(|(row, label)| targets[row * CLASSES + usize::from(*label)] = 1.0);
            let images = device.tensor_from_vec(x.clone(), (16, Const::<FEATURES>));
            let targets = device.tensor_from_vec(targets, (16, Const::<CLASSES>));
            let loss = cross_entropy_with_logits_loss(theirs.forward_mut(images.traced(gradients)), targets);
            gradients = loss.backward();
            sgd.update(&mut theirs, &gradients).unwrap();
            theirs.zero_grads(&mut gradients);
            let indices = samples.iter().map(|sample| *sample as u32).collect();
            ours.training_step(strata_trainer::Batch { indices, features: x, labels, mix: None }, 0.01).unwrap();
        }
        let (end, _) = ours.snapshot().unwrap();
        let pairs = [
            (&end.layers()[0].weight, theirs.0.0.weight.as_vec()),
            (&end.layers()[1].weight, theirs.1.0.weight.as_vec()),
            (&end.layers()[2].weight, theirs.2.weight.as_vec()),
            (&end.layers()[2].bias, theirs.2.bias.as_vec()),
        ];
        for (ours, theirs) in pairs {
            let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
            let error = norm(&mut ours.iter().zip(&theirs).map(|(a, b)| a - b)) / norm(&mut theirs.iter().copied());
            assert!(error < 1e-4, "momentum {momentum:?}: relative error {error}");
        }
    }
}
