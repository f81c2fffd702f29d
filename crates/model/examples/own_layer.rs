//! A layer of one's own in a network of ours: a learned scale for each feature, trained on the fast path.

use dfdx::prelude::*;
use strata_kernels::SgdRule;
use strata_model::{GradientStore, ModelError, Samples, cross_entropy, initialise, net, own_layer, tensor_specs};

own_layer! {
    /// A learned scale for each feature.
    struct Scale<N> {
        scale: Rank1<N> = TensorOptions::reset_to_ones(),
    }
}

impl<const N: usize, D: Device<f32>, T: Tape<f32, D>> Module<Samples<N, T, D>> for Scale<N, f32, D> {
    type Output = Samples<N, T, D>;
    type Error = D::Err;

    fn try_forward(&self, x: Samples<N, T, D>) -> Result<Self::Output, D::Err> {
        let scale = self.scale.retaped::<T>().try_broadcast_like(x.shape())?;
        x.try_mul(scale)
    }
}

fn main() -> Result<(), ModelError> {
    let device = Cpu::default();
    let mut network = device.build_module::<net!(6, 8 gelu, module(Scale<8> => 8), 3), f32>();
    initialise(&mut network, &mut strata_rng::TorchRng::new(43));
    println!("{:?}", tensor_specs(&network).into_iter().map(|tensor| tensor.name).collect::<Vec<_>>());
    let x = device.tensor_from_vec((0..54).map(|i| (i as f32 * 1.7).sin()).collect(), (9, Const::<6>));
    let mut gradients = GradientStore::default();
    let mut losses = Vec::new();
    for _ in 0..100 {
        let loss = cross_entropy(network.forward_mut(gradients.trace(x.clone())), &[0, 1, 2, 0, 1, 2, 0, 1, 2])?;
        losses.push(loss.array());
        gradients.backward(loss, &network)?;
        let rule = SgdRule { learning_rate: 0.5, weight_decay: 0.0 };
        gradients.update(&mut network, |parameter| parameter.update(&rule, &mut []))?;
    }
    assert!(losses[99] < 0.2 * losses[0] && network.1.1.0.0.scale.array() != [1.0; 8], "{losses:?}");
    Ok(())
}
