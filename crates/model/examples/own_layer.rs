//! A layer of one's own in a network of ours: a learned scale for each feature, trained on the fast path.

use dfdx::prelude::*;
use strata_kernels::SgdRule;
use strata_model::{GradientStore, ModelError, cross_entropy, initialise, net, tensor_specs};

#[derive(Clone)]
struct Scale<const N: usize, E: Dtype, D: Storage<E>> {
    scale: Tensor<Rank1<N>, E, D>,
}

/// What builds it, in any network.
#[derive(Clone, Copy, Debug, Default)]
struct BuildScale<const N: usize>;

impl<const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for BuildScale<N> {
    type Built = Scale<N, E, D>;
}

impl<const N: usize, E: Dtype, D: Device<E>> TensorCollection<E, D> for Scale<N, E, D> {
    type To<E2: Dtype, D2: Device<E2>> = Scale<N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let scale = Self::tensor("scale", |s| &s.scale, |s| &mut s.scale, TensorOptions::reset_to_ones());
        visitor.visit_fields(scale, |scale| Scale { scale })
    }
}

impl<const N: usize, D: Device<f32>, T: Tape<f32, D>> Module<Tensor<(usize, Const<N>), f32, D, T>>
    for Scale<N, f32, D>
{
    type Output = Tensor<(usize, Const<N>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(usize, Const<N>), f32, D, T>) -> Result<Self::Output, D::Err> {
        let scale = self.scale.retaped::<T>().try_broadcast_like::<_, Axis<0>>(x.shape())?;
        x.try_mul(scale)
    }
}

impl<const N: usize, E: Dtype, D: Storage<E>> NonMutableModule for Scale<N, E, D> {}

fn main() -> Result<(), ModelError> {
    let device = Cpu::default();
    let mut network = device.build_module::<net!(6, 8 gelu, module(BuildScale<8> => 8), 3), f32>();
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
