//! Networks of mirror symmetry: an image and its mirror image as two views that pass the same layers.

use dfdx::prelude::*;
use strata_spec::LayerSpec;

use super::{
    Activate, BatchNorm, Dense, Description, DropoutLayer, External, Layer, LayerNorm, Layers, MirroredDense,
    MirroredDevice, MirroredInput, Rectified, RmsNorm, Skip, StochasticDepth,
};

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

impl<L: OpensMirrored, const N: usize> OpensMirrored for Rectified<L, N> {
    type Within = Rectified<L::Within, N>;

    const OUTPUTS: usize = N;
}

impl<L: InMirrored, const N: usize> InMirrored for Rectified<L, N> {
    type Within = Rectified<L::Within, N>;

    const OUTPUTS: Option<usize> = Some(N);
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

    fn is_chain(&self) -> bool {
        self.0.is_chain()
    }
}
