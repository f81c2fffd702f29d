//! RMS normalisation over a fused operation.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_rng::TorchRng;
use strata_spec::{LayerKind, LayerSpec};

use crate::gradients::gradient_of_parameter;
use crate::layer::fused::{Features, Fused, FusedDevice, Rows, add_to, operation, scaled};
use crate::layer::word::{AtRunTime, LayerOfWord, Word};
use crate::layer::{Description, Layer, Layers};
use crate::storage::{realized, tensor_from_vec, values};

/// RMS normalisation of `N` features (`torch.nn.RMSNorm`, eps the smallest step from one in single precision), as dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RmsNorm<const N: usize>;

impl<const N: usize> LayerOfWord for Word<true, { LayerKind::RmsNorm as u8 }, N, 0> {
    type Layer = RmsNorm<N>;
}

pub(super) const AT_RUN_TIME: AtRunTime = AtRunTime {
    initial: |features, _| vec![vec![1.0; features]],
    evaluate: |input| {
        let mut y = kernels::zeros(input.x.len());
        kernels::rms_norm(&input.x, input.tensors[0], f32::EPSILON, &mut y);
        y
    },
};

/// A built [`RmsNorm`]: `x / √(mean of x² + eps) · weight`, each sample over its features.
#[derive(Clone, Debug)]
pub struct RmsNormLayer<const N: usize, E: Dtype, D: Storage<E>> {
    /// The gain, `[N]`.
    pub weight: Tensor<Rank1<N>, E, D>,
}

impl<const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for RmsNorm<N>
where
    RmsNormLayer<N, E, D>: BuildModule<D, E>,
{
    type Built = RmsNormLayer<N, E, D>;
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

impl<const N: usize, E: Dtype, D: Storage<E>> NonMutableModule for RmsNormLayer<N, E, D> {}

impl<B: Dim, const N: usize, D: FusedDevice, T: Tape<f32, D>> Module<Features<B, N, D, T>> for RmsNormLayer<N, f32, D> {
    type Output = Features<B, N, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Features<B, N, D, T>) -> Result<Self::Output, D::Err> {
        D::try_layer::<RmsNorm<N>, B, N, T>(self, x)
    }
}

impl<const N: usize> Fused<N> for RmsNorm<N> {
    type On<D: Device<f32>> = RmsNormLayer<N, f32, D>;

    fn fused<T: Tape<f32, Cpu>>(layer: &RmsNormLayer<N, f32, Cpu>, x: Rows<T>) -> Result<Rows<T>, CpuError> {
        normalise(x, realized(layer.weight.clone()))
    }

    fn composed<B: Dim, D: Device<f32>, T: Tape<f32, D>>(
        layer: &RmsNormLayer<N, f32, D>,
        x: Features<B, N, D, T>,
    ) -> Result<Features<B, N, D, T>, D::Err> {
        let shape = *x.shape();
        let squares = x.with_empty_tape().try_square()?.try_mean::<(B,), Axis<1>>()?;
        let rms = squares.try_add(f32::EPSILON)?.try_sqrt()?.try_broadcast_like::<_, Axis<1>>(&shape)?;
        scaled(x.try_div(rms)?, &layer.weight, None)
    }
}

fn normalise<T: Tape<f32, Cpu>>(x: Rows<T>, weight: Tensor<(usize,), f32, Cpu>) -> Result<Rows<T>, CpuError> {
    let (x, tape) = x.try_contiguous()?.split_tape();
    let mut y = kernels::zeros(x.shape().num_elements());
    let inverse_rms = kernels::rms_norm(values(&x), values(&weight), f32::EPSILON, &mut y);
    let y = tensor_from_vec(x.device(), y, *x.shape())?;
    let input = x.clone();
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        let mut of_gain = vec![0.0; weight.shape().0];
        let (x, gain) = (values(&input), values(&weight));
        of_x.write(gradients, |dx| kernels::rms_norm_gradient(x, &inverse_rms, gain, &dy, dx, &mut of_gain))?;
        add_to(gradient_of_parameter(gradients, &weight)?, of_gain);
        Ok(())
    }))
}

impl<const N: usize, D: Device<f32>> Layer for RmsNormLayer<N, f32, D> {
    fn initialise(&mut self, _: &mut TorchRng) {
        self.weight.copy_from(&[1.0; N]);
    }

    fn zero(&mut self) {
        self.weight.copy_from(&[0.0; N]);
    }
}

impl<const N: usize, D: Device<f32>> Layers for RmsNormLayer<N, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(N), LayerSpec::SameWidth { kind: LayerKind::RmsNorm, argument: 0.0 });
    }

    fn is_chain(&self) -> bool {
        true
    }
}
