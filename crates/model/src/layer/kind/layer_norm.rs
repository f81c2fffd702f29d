//! Layer normalisation over a fused operation: dfdx's own doubles a step.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_rng::TorchRng;
use strata_spec::{LayerKind, LayerSpec};

use crate::gradients::gradient_of_parameter;
use crate::layer::EPSILON;
use crate::layer::fused::{Features, Fused, FusedDevice, Rows, add_to, operation, scaled};
use crate::layer::word::{AtRunTime, LayerOfWord, Word};
use crate::layer::{Description, Layer, Layers};
use crate::storage::{realized, tensor_from_vec, values};

/// Layer normalisation of `N` features (`torch.nn.LayerNorm`, eps 1e-5), as dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerNorm<const N: usize>;

impl<const N: usize> LayerOfWord for Word<true, { LayerKind::LayerNorm as u8 }, N, 0> {
    type Layer = LayerNorm<N>;
}

pub(super) const AT_RUN_TIME: AtRunTime = AtRunTime {
    initial: |features, _| vec![vec![1.0; features], vec![0.0; features]],
    evaluate: |input| {
        let mut y = kernels::zeros(input.x.len());
        kernels::layer_norm(&input.x, input.tensors[0], input.tensors[1], EPSILON, &mut y);
        y
    },
};

/// A built [`LayerNorm`]: `(x - mean) / √(variance + eps) · weight + bias`, each sample over its features.
#[derive(Clone, Debug)]
pub struct LayerNormLayer<const N: usize, E: Dtype, D: Storage<E>> {
    /// The gain, `[N]`.
    pub weight: Tensor<Rank1<N>, E, D>,
    /// `[N]`.
    pub bias: Tensor<Rank1<N>, E, D>,
}

impl<const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for LayerNorm<N>
where
    LayerNormLayer<N, E, D>: BuildModule<D, E>,
{
    type Built = LayerNormLayer<N, E, D>;
}

impl<const N: usize, E: Dtype, D: Device<E>> TensorCollection<E, D> for LayerNormLayer<N, E, D> {
    type To<E2: Dtype, D2: Device<E2>> = LayerNormLayer<N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::tensor("norm.weight", |s| &s.weight, |s| &mut s.weight, TensorOptions::reset_to_ones()),
                Self::tensor("norm.bias", |s| &s.bias, |s| &mut s.bias, TensorOptions::reset_to_zeros()),
            ),
            |(weight, bias)| LayerNormLayer { weight, bias },
        )
    }
}

impl<const N: usize, E: Dtype, D: Storage<E>> NonMutableModule for LayerNormLayer<N, E, D> {}

impl<B: Dim, const N: usize, D: FusedDevice, T: Tape<f32, D>> Module<Features<B, N, D, T>>
    for LayerNormLayer<N, f32, D>
{
    type Output = Features<B, N, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Features<B, N, D, T>) -> Result<Self::Output, D::Err> {
        D::try_layer::<LayerNorm<N>, B, N, T>(self, x)
    }
}

impl<const N: usize> Fused<N> for LayerNorm<N> {
    type On<D: Device<f32>> = LayerNormLayer<N, f32, D>;

    fn fused<T: Tape<f32, Cpu>>(layer: &LayerNormLayer<N, f32, Cpu>, x: Rows<T>) -> Result<Rows<T>, CpuError> {
        normalise(x, realized(layer.weight.clone()), realized(layer.bias.clone()))
    }

    fn composed<B: Dim, D: Device<f32>, T: Tape<f32, D>>(
        layer: &LayerNormLayer<N, f32, D>,
        x: Features<B, N, D, T>,
    ) -> Result<Features<B, N, D, T>, D::Err> {
        scaled(x.try_normalize::<Axis<1>>(EPSILON)?, &layer.weight, Some(&layer.bias))
    }
}

fn normalise<T: Tape<f32, Cpu>>(
    x: Rows<T>,
    weight: Tensor<(usize,), f32, Cpu>,
    bias: Tensor<(usize,), f32, Cpu>,
) -> Result<Rows<T>, CpuError> {
    let (x, tape) = x.try_contiguous()?.split_tape();
    let mut y = kernels::zeros(x.shape().num_elements());
    let statistics = kernels::layer_norm(values(&x), values(&weight), values(&bias), EPSILON, &mut y);
    let y = tensor_from_vec(x.device(), y, *x.shape())?;
    let input = x.clone();
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        let features = weight.shape().0;
        let (mut of_gain, mut of_bias) = (vec![0.0; features], vec![0.0; features]);
        let (x, gain) = (values(&input), values(&weight));
        of_x.write(gradients, |dx| {
            kernels::layer_norm_gradient(x, &statistics, gain, &dy, dx, &mut of_gain, &mut of_bias);
        })?;
        add_to(gradient_of_parameter(gradients, &weight)?, of_gain);
        add_to(gradient_of_parameter(gradients, &bias)?, of_bias);
        Ok(())
    }))
}

impl<const N: usize, D: Device<f32>> Layer for LayerNormLayer<N, f32, D> {
    fn initialise(&mut self, _: &mut TorchRng) {
        self.weight.copy_from(&[1.0; N]);
        self.bias.copy_from(&[0.0; N]);
    }

    fn zero(&mut self) {
        self.weight.copy_from(&[0.0; N]);
        self.bias.copy_from(&[0.0; N]);
    }
}

impl<const N: usize, D: Device<f32>> Layers for LayerNormLayer<N, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(N), LayerSpec::SameWidth { kind: LayerKind::LayerNorm, argument: 0.0 });
    }

    fn is_chain(&self) -> bool {
        true
    }
}
