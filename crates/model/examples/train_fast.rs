//! Training by hand on the fast path: a weight's gradient stays two factors, and the optimizer's rule runs inside their product.

use std::collections::BTreeMap;

use dfdx::prelude::*;
use strata_kernels::{MomentumRule, UpdateRule};
use strata_model::{Activation, GradientStore, Layers, ModelError, cross_entropy, initialise, mlp};
use strata_rng::TorchRng;

const SAMPLES: usize = 60;

fn main() -> Result<(), ModelError> {
    // Three classes, told apart by which third of twelve features is large.
    let feature = |i: usize| (i * 7919 % 97) as f32 / 97.0 + if i % 12 / 4 == i / 12 % 3 { 1.0 } else { 0.0 };
    let labels: Vec<u8> = (0..SAMPLES).map(|sample| (sample % 3) as u8).collect();

    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(12, 8, 3), f32>();
    initialise(&mut network, &mut TorchRng::new(43));
    // As built, nothing lies between the layers.
    network.configure(Activation::Relu, 0.0, 43)?;
    let x = device.tensor_from_vec((0..SAMPLES * 12).map(feature).collect(), (SAMPLES, Const::<12>));

    let rule = MomentumRule { learning_rate: 0.2, weight_decay: 0.0, momentum: 0.9, nesterov: false };
    let mut gradients = GradientStore::default();
    // What the rule keeps for each parameter, by the parameter's name.
    let mut states: BTreeMap<String, Vec<Vec<f32>>> = BTreeMap::new();
    for step in 0..=60 {
        let loss = cross_entropy(network.forward(gradients.trace(x.clone())), &labels)?;
        let value = loss.array();
        if step % 20 == 0 {
            println!("step {step}: loss {value:.4}");
        }
        assert!(step < 60 || value < 0.1);
        gradients.backward(loss, &network)?;
        gradients.update(&mut network, |parameter| {
            let zeros = || vec![vec![0.0; parameter.values.len()]; rule.states()];
            let states = states.entry(parameter.name.to_owned()).or_insert_with(zeros);
            parameter.update(&rule, states);
        })?;
    }
    println!("velocities of {:?}", states.keys().collect::<Vec<_>>());
    Ok(())
}
