//! Networks of mirror symmetry: an image and its mirror image as two views that pass the same layers.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_spec::LayerSpec;

use super::fused::{Rows, operation};
use super::{
    Activate, BatchNorm, Dense, Description, DropoutLayer, External, Layer, LayerNorm, Layers, MirroredDense,
    MirroredInput, RmsNorm, Skip, StochasticDepth,
};
use crate::storage::{realized, tensor_from_vec, values};

/// Layers `F` of both views of an image, and the mean of what becomes of them, as dfdx's builders name them; `net!` writes `mirrored(64 relu, 32 relu)`.
///
/// By its weights, whatever they are, the output for an image is that for its mirror image, and a view's feature is the other's for the mirror image. So training sees each
/// image both ways at once, and no augmentation by mirroring is needed. (A group-equivariant network, Cohen and Welling 2016, of the group of two elements.) The first dense layer is a
/// [`MirroredInput`], further ones are [`MirroredDense`], any other layer takes each view for a sample of its own.
///
/// What mirroring does to the inputs is told by [`Layers::set_mirror`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Mirrored<F>(std::marker::PhantomData<F>);

/// Layers that `mirrored(…)` can begin with.
#[diagnostic::on_unimplemented(
    message = "`mirrored(…)` begins with the width of a dense layer",
    note = "what stands in front of its first dense layer would see one view only"
)]
pub trait OpensMirrored {
    /// What builds them there.
    type Within;

    /// Features of a view behind them.
    const OUTPUTS: usize;
}

/// Layers that can stand inside of `mirrored(…)`, behind its first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer that can stand inside of `mirrored(…)`",
    note = "there may be dense layers, activations, normalisations, dropout, skip connections and modules of your own"
)]
pub trait InMirrored {
    /// What builds them there.
    type Within;

    /// Features of a view behind them; none where they are as many as before.
    const OUTPUTS: Option<usize> = None;
}

impl<const I: usize, const O: usize> OpensMirrored for Dense<I, O> {
    type Within = MirroredInput<I, O>;

    const OUTPUTS: usize = O;
}

impl<A: OpensMirrored, B: InMirrored> OpensMirrored for (A, B) {
    type Within = (A::Within, B::Within);

    const OUTPUTS: usize = match B::OUTPUTS {
        Some(outputs) => outputs,
        None => A::OUTPUTS,
    };
}

impl<const I: usize, const O: usize> InMirrored for Dense<I, O> {
    type Within = MirroredDense<I, O>;

    const OUTPUTS: Option<usize> = Some(O);
}

impl<A: InMirrored, B: InMirrored> InMirrored for (A, B) {
    type Within = (A::Within, B::Within);

    const OUTPUTS: Option<usize> = match B::OUTPUTS {
        Some(outputs) => Some(outputs),
        None => A::OUTPUTS,
    };
}

impl<F: InMirrored> InMirrored for Skip<F> {
    type Within = Skip<F::Within>;
}

impl<const A: u8> InMirrored for Activate<A> {
    type Within = Self;
}

impl<const N: usize> InMirrored for BatchNorm<N> {
    type Within = Self;
}

impl<const N: usize> InMirrored for LayerNorm<N> {
    type Within = Self;
}

impl<const N: usize> InMirrored for RmsNorm<N> {
    type Within = Self;
}

impl<const PPM: u32> InMirrored for DropoutLayer<PPM> {
    type Within = Self;
}

impl<const PPM: u32> InMirrored for StochasticDepth<PPM> {
    type Within = Self;
}

impl<M, const I: usize, const O: usize> InMirrored for External<M, I, O> {
    type Within = Self;

    const OUTPUTS: Option<usize> = Some(O);
}

impl<F: OpensMirrored<Within: BuildOnDevice<D, E>>, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for Mirrored<F>
where
    MirroredLayers<<F::Within as BuildOnDevice<D, E>>::Built>: BuildModule<D, E>,
{
    type Built = MirroredLayers<<F::Within as BuildOnDevice<D, E>>::Built>;
}

/// A built [`Mirrored`].
#[derive(Clone, Debug)]
pub struct MirroredLayers<F>(pub F);

impl<F: TensorCollection<E, D>, E: Dtype, D: Device<E>> TensorCollection<E, D> for MirroredLayers<F> {
    type To<E2: Dtype, D2: Device<E2>> = MirroredLayers<F::To<E2, D2>>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(Self::module("views", |s| &s.0, |s| &mut s.0), MirroredLayers)
    }
}

/// What a mirrored network needs of a device.
pub trait MirroredDevice: Device<f32> {
    /// The mean of both views, `[2 batch, N]` to `[batch, N]`.
    ///
    /// # Errors
    /// Where the device does, or cannot.
    #[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        views: Tensor<(usize, Const<N>), f32, Self, T>,
        samples: B,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, Self::Err>;

    /// The same affine operation of both views, `[batch, I]` to `[2 batch, O]`.
    ///
    /// # Errors
    /// Where the device does, or cannot; where nobody said what mirroring does.
    #[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
    fn try_mirrored_input<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &super::MirroredInputLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(usize, Const<O>), f32, Self, T>, Self::Err>;

    /// Both views' outputs of both, `[2 batch, I]` to `[2 batch, O]`.
    ///
    /// # Errors
    /// Where the device does, or cannot; where the rows are not two views of each sample.
    #[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
    fn try_mirrored_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &super::MirroredDenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, Self::Err>;
}

impl MirroredDevice for Cpu {
    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        views: Tensor<(usize, Const<N>), f32, Self, T>,
        samples: B,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, CpuError> {
        let mean = mean(realized(views))?;
        if mean.shape().0 != samples.size() {
            return Err(CpuError::WrongNumElements);
        }
        Ok(realized(mean))
    }

    fn try_mirrored_input<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &super::MirroredInputLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(usize, Const<O>), f32, Self, T>, CpuError> {
        Ok(realized(layer.forward_on_cpu(realized(x))?))
    }

    fn try_mirrored_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &super::MirroredDenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, CpuError> {
        Ok(realized(layer.forward_on_cpu(realized(x))?))
    }
}

/// A card has none of it; the trainer says so before it builds such a network.
#[cfg(feature = "cuda")]
impl MirroredDevice for Cuda {
    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        _: Tensor<(usize, Const<N>), f32, Self, T>,
        _: B,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, Self::Err> {
        Err(CudaError::Cpu(CpuError::WrongNumElements))
    }

    fn try_mirrored_input<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        _: &super::MirroredInputLayer<I, O, f32, Self>,
        _: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(usize, Const<O>), f32, Self, T>, Self::Err> {
        Err(CudaError::Cpu(CpuError::WrongNumElements))
    }

    fn try_mirrored_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        _: &super::MirroredDenseLayer<I, O, f32, Self>,
        _: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, Self::Err> {
        Err(CudaError::Cpu(CpuError::WrongNumElements))
    }
}

fn mean<T: Tape<f32, Cpu>>(views: Rows<T>) -> Result<Rows<T>, CpuError> {
    let (views, tape) = views.try_contiguous()?.split_tape();
    let (rows, features) = *views.shape();
    if !rows.is_multiple_of(2) {
        return Err(CpuError::WrongNumElements);
    }
    let mean = tensor_from_vec(views.device(), kernels::mean_of_views(values(&views)), (rows / 2, features))?;
    Ok(operation(&views, tape, mean, |dy, of_views, gradients| {
        of_views.write(gradients, |of_views| kernels::mean_of_views_gradient(&dy, of_views))
    }))
}

impl<B: Dim, const I: usize, const O: usize, D: MirroredDevice, T: Tape<f32, D>, F>
    Module<Tensor<(B, Const<I>), f32, D, T>> for MirroredLayers<F>
where
    F: Module<Tensor<(B, Const<I>), f32, D, T>, Output = Tensor<(usize, Const<O>), f32, D, T>, Error = D::Err>,
{
    type Output = Tensor<(B, Const<O>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<I>), f32, D, T>) -> Result<Self::Output, D::Err> {
        let samples = x.shape().0;
        D::try_mean_of_views(self.0.try_forward(x)?, samples)
    }
}

impl<B: Dim, const I: usize, const O: usize, D: MirroredDevice, T: Tape<f32, D>, F>
    ModuleMut<Tensor<(B, Const<I>), f32, D, T>> for MirroredLayers<F>
where
    F: ModuleMut<Tensor<(B, Const<I>), f32, D, T>, Output = Tensor<(usize, Const<O>), f32, D, T>, Error = D::Err>,
{
    type Output = Tensor<(B, Const<O>), f32, D, T>;
    type Error = D::Err;

    fn try_forward_mut(&mut self, x: Tensor<(B, Const<I>), f32, D, T>) -> Result<Self::Output, D::Err> {
        let samples = x.shape().0;
        D::try_mean_of_views(self.0.try_forward_mut(x)?, samples)
    }
}

impl<F: Layers> Layers for MirroredLayers<F> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        self.0.for_each(visit);
    }

    fn describe(&self, description: &mut Description) {
        let mut inner = Description::default();
        self.0.describe(&mut inner);
        description.push(inner.inputs, LayerSpec::Mirrored(inner.layers));
    }
}
