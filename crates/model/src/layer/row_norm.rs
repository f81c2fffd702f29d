//! Layer and RMS normalisation over fused operations: dfdx's own layer normalisation doubles a step.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_rng::TorchRng;
use strata_spec::{LayerSpec, NormKind};

use super::batch_norm::EPSILON;
use super::dense_cpu::add_to;
use super::{Description, Layer, Layers};
use crate::storage::{tensor_from_vec, values};

/// Layer normalisation of `N` features (`torch.nn.LayerNorm`, eps 1e-5), as dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerNorm<const N: usize>;

/// RMS normalisation of `N` features (`torch.nn.RMSNorm`, eps the smallest step from one in single precision), as dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RmsNorm<const N: usize>;

impl<const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for LayerNorm<N>
where
    LayerNormLayer<N, E, D>: BuildModule<D, E>,
{
    type Built = LayerNormLayer<N, E, D>;
}

impl<const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for RmsNorm<N>
where
    RmsNormLayer<N, E, D>: BuildModule<D, E>,
{
    type Built = RmsNormLayer<N, E, D>;
}

/// A built [`LayerNorm`]: `(x - mean) / √(variance + eps) · weight + bias`, each sample over its features.
#[derive(Clone, Debug)]
pub struct LayerNormLayer<const N: usize, E: Dtype, D: Storage<E>> {
    /// The gain, `[N]`.
    pub weight: Tensor<Rank1<N>, E, D>,
    /// `[N]`.
    pub bias: Tensor<Rank1<N>, E, D>,
}

/// A built [`RmsNorm`]: `x / √(mean of x² + eps) · weight`, each sample over its features.
#[derive(Clone, Debug)]
pub struct RmsNormLayer<const N: usize, E: Dtype, D: Storage<E>> {
    /// The gain, `[N]`.
    pub weight: Tensor<Rank1<N>, E, D>,
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

impl<const N: usize, E: Dtype, D: Device<E>> TensorCollection<E, D> for RmsNormLayer<N, E, D> {
    type To<E2: Dtype, D2: Device<E2>> = RmsNormLayer<N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            Self::tensor("norm.weight", |s| &s.weight, |s| &mut s.weight, TensorOptions::reset_to_ones()),
            |weight| RmsNormLayer { weight },
        )
    }
}

impl<const N: usize, E: Dtype, D: Storage<E>> NonMutableModule for LayerNormLayer<N, E, D> {}
impl<const N: usize, E: Dtype, D: Storage<E>> NonMutableModule for RmsNormLayer<N, E, D> {}

/// What layer and RMS normalisation need of a device.
#[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
pub trait RowNormDevice: Device<f32> {
    /// Layer normalisation, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does.
    fn try_layer_norm<B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &LayerNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, Self::Err>;

    /// RMS normalisation, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does.
    fn try_rms_norm<B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &RmsNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, Self::Err>;
}

impl<B: Dim, const N: usize, D: RowNormDevice, T: Tape<f32, D>> Module<Tensor<(B, Const<N>), f32, D, T>>
    for LayerNormLayer<N, f32, D>
{
    type Output = Tensor<(B, Const<N>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<N>), f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_layer_norm(self, x)
    }
}

impl<B: Dim, const N: usize, D: RowNormDevice, T: Tape<f32, D>> Module<Tensor<(B, Const<N>), f32, D, T>>
    for RmsNormLayer<N, f32, D>
{
    type Output = Tensor<(B, Const<N>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<N>), f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_rms_norm(self, x)
    }
}

impl RowNormDevice for Cpu {
    fn try_layer_norm<B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &LayerNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, CpuError> {
        let (x, mut tape) = x.try_contiguous()?.split_tape();
        let mut y = kernels::zeros(x.shape().num_elements());
        let (weight, bias) = (layer.weight.clone(), layer.bias.clone());
        let statistics = kernels::layer_norm(values(&x), values(&weight), values(&bias), EPSILON, &mut y);
        let y = tensor_from_vec(x.device(), y, *x.shape())?;
        let output = y.clone();
        tape.add_backward_op(move |gradients| {
            let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(&output)?;
            let dy = kernels::copied(gradient);
            let (mut dx, mut of_gain, mut of_bias) = (kernels::zeros(dy.len()), vec![0.0; N], vec![0.0; N]);
            let gain = values(&weight);
            kernels::layer_norm_gradient(values(&x), &statistics, gain, &dy, &mut dx, &mut of_gain, &mut of_bias);
            add_to(gradients.get_or_alloc_mut(&weight)?, of_gain);
            add_to(gradients.get_or_alloc_mut(&bias)?, of_bias);
            add_to(gradients.get_or_alloc_mut(&x)?, dx);
            Ok(())
        });
        Ok(y.put_tape(tape))
    }

    fn try_rms_norm<B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &RmsNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, CpuError> {
        let (x, mut tape) = x.try_contiguous()?.split_tape();
        let mut y = kernels::zeros(x.shape().num_elements());
        let weight = layer.weight.clone();
        let inverse_rms = kernels::rms_norm(values(&x), values(&weight), f32::EPSILON, &mut y);
        let y = tensor_from_vec(x.device(), y, *x.shape())?;
        let output = y.clone();
        tape.add_backward_op(move |gradients| {
            let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(&output)?;
            let dy = kernels::copied(gradient);
            let (mut dx, mut of_gain) = (kernels::zeros(dy.len()), vec![0.0; N]);
            kernels::rms_norm_gradient(values(&x), &inverse_rms, values(&weight), &dy, &mut dx, &mut of_gain);
            add_to(gradients.get_or_alloc_mut(&weight)?, of_gain);
            add_to(gradients.get_or_alloc_mut(&x)?, dx);
            Ok(())
        });
        Ok(y.put_tape(tape))
    }
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

    fn set_seed(&mut self, _: u64, _: usize) {}
    fn set_step(&mut self, _: u64) {}
}

impl<const N: usize, D: Device<f32>> Layer for RmsNormLayer<N, f32, D> {
    fn initialise(&mut self, _: &mut TorchRng) {
        self.weight.copy_from(&[1.0; N]);
    }

    fn zero(&mut self) {
        self.weight.copy_from(&[0.0; N]);
    }

    fn set_seed(&mut self, _: u64, _: usize) {}
    fn set_step(&mut self, _: u64) {}
}

impl<const N: usize, D: Device<f32>> Layers for LayerNormLayer<N, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(N), LayerSpec::Norm(NormKind::Layer));
    }
}

impl<const N: usize, D: Device<f32>> Layers for RmsNormLayer<N, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(N), LayerSpec::Norm(NormKind::Rms));
    }
}
