//! The norm of all gradients that a store has, and any loss on the tape.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use dfdx::prelude::*;
use strata_kernels::{CrossEntropy, Loss, MeanSquaredError, Mix, SgdRule, TargetError, Targets};
use strata_model::{Activation, GradientStore, Layers, ModelError, loss_of, mlp};

fn wave(count: usize, frequency: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * frequency).sin()).collect()
}

/// At batch 3 the norm is that of factors, at 40 the gradient is multiplied and kept; either way it is dfdx's, and the update is the one
/// without it.
#[test]
fn the_gradient_norm_equals_dfdxs_and_leaves_the_gradients_unchanged() {
    for batch in [3, 40] {
        let device = Cpu::seed_from_u64(1);
        let mut network = device.build_module::<mlp!(4, 5, 3), f32>();
        network.configure(Activation::Tanh, 0.0, 43).unwrap();
        let labels: Vec<u8> = (0..batch).map(|sample| (sample % 3) as u8).collect();
        let x = device.tensor_from_vec(wave(batch * 4, 1.3), (batch, Const::<4>));
        let loss: Arc<dyn Loss> = Arc::new(CrossEntropy { label_smoothing: 0.1 });
        let loss = |network: &_, store: &mut GradientStore| {
            let logits = Module::forward(network, store.trace(x.clone()));
            let loss = loss_of(logits, (&labels[..]).into(), &loss).unwrap();
            store.backward(loss, network).unwrap();
        };
        let rule = SgdRule { learning_rate: 0.1, weight_decay: 0.0 };
        let [with, without] = [true, false].map(|asks| {
            let (mut network, mut store) = (network.clone(), GradientStore::default());
            loss(&network, &mut store);
            if asks {
                let norm = store.squared_norm();
                let mut sum = 0.0;
                let mut add = |gradient: strata_kernels::Gradient<'_>| {
                    sum += gradient.into_whole().iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
                };
                add(store.gradient(&network.0.weight).unwrap());
                add(store.gradient(&network.0.bias).unwrap());
                add(store.gradient(&network.1.weight).unwrap());
                add(store.gradient(&network.1.bias).unwrap());
                assert!((norm - sum).abs() < 1e-6 * sum, "batch {batch}: {norm}, not {sum}");
            }
            store.update(&mut network, |parameter| parameter.update(&rule, &mut [])).unwrap();
            [network.0.weight.as_vec(), network.1.weight.as_vec()]
        });
        assert_eq!(with, without, "batch {batch}");
    }
}

/// `mean (logit - target)²` by dfdx's operations, of mixed targets, and its gradient.
#[test]
fn mean_squared_error_of_mixed_targets_is_differentiated_on_the_tape() {
    let device = Cpu::default();
    let logits = device.tensor_from_vec(wave(6, 2.1), (2, Const::<3>));
    let targets = Targets { labels: &[0, 2], mix: Some(Mix { labels: &[1, 2], shares: &[0.25, 0.5] }) };
    let ours = loss_of(logits.leaky_trace(), targets, &(Arc::new(MeanSquaredError) as Arc<dyn Loss>)).unwrap();
    let dense = device.tensor_from_vec(vec![0.25, 0.75, 0.0, 0.0, 0.0, 1.0], (2, Const::<3>));
    let theirs = (logits.leaky_trace() - dense).square().mean();
    assert!(f32::abs(ours.array() - theirs.array()) < 1e-6);
    let (ours, theirs) = (ours.backward(), theirs.backward());
    for (ours, theirs) in ours.get(&logits).as_vec().iter().zip(theirs.get(&logits).as_vec()) {
        assert!((ours - theirs).abs() < 1e-6);
    }
}

#[test]
fn mixed_targets_of_another_batch_are_errors() {
    let logits = Cpu::default().tensor_from_vec(wave(6, 2.1), (2, Const::<3>));
    let targets = Targets { labels: &[0, 2], mix: Some(Mix { labels: &[1, 2], shares: &[0.25, 1.5] }) };
    let error = loss_of(logits, targets, &(Arc::new(MeanSquaredError) as Arc<dyn Loss>)).err().unwrap();
    assert!(matches!(error, ModelError::Targets(TargetError::Share { sample: 1, .. })), "{error}");
}
