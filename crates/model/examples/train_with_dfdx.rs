//! Training by hand with dfdx's own tape and optimizer: a network of ours is a dfdx module like any other.

use dfdx::optim::{Momentum, Sgd, SgdConfig};
use dfdx::prelude::*;
use strata_model::{Activation, Layers, ModelError, cross_entropy, initialise, mlp};
use strata_rng::TorchRng;

const SAMPLES: usize = 60;

fn main() -> Result<(), ModelError> {
    // Three classes, told apart by which third of twelve features is large.
    let feature = |i: usize| (i * 7919 % 97) as f32 / 97.0 + if i % 12 / 4 == i / 12 % 3 { 1.0 } else { 0.0 };
    let labels: Vec<u8> = (0..SAMPLES).map(|sample| (sample % 3) as u8).collect();

    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(12, 8, 3), f32>();
    // The parameters that torch.manual_seed(43) would give.
    initialise(&mut network, &mut TorchRng::new(43));
    // As built, nothing lies between the layers.
    network.configure(Activation::Relu, 0.0, 43)?;
    let x = device.tensor_from_vec((0..SAMPLES * 12).map(feature).collect(), (SAMPLES, Const::<12>));

    let config = SgdConfig { lr: 0.2, momentum: Some(Momentum::Classic(0.9)), weight_decay: None };
    let mut sgd = Sgd::new(&network, config);
    let mut gradients = network.alloc_grads();
    for step in 0..=60 {
        let loss = cross_entropy(network.forward(x.clone().traced(gradients)), &labels)?;
        if step % 20 == 0 {
            println!("step {step}: loss {:.4}", loss.array());
        }
        assert!(step < 60 || loss.array() < 0.1);
        gradients = loss.backward();
        if let Err(error) = sgd.update(&mut network, &gradients) {
            return Err(ModelError::Device(format!("{error:?}")));
        }
        network.zero_grads(&mut gradients);
    }
    Ok(())
}
