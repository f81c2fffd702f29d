//! A dense layer, batch normalisation and a rectifier as one layer.

use dfdx::prelude::*;
use strata_spec::{Activation, Precision};

use super::fused::Features;
use super::{
    Activate, ActivationDevice, BatchNorm, BatchNormDevice, BatchNormLayer, DenseLayer, Description, Layer, Layers,
    MirroredDenseLayer, MirroredInputLayer, RectifiedDevice,
};
use crate::storage::realized;

/// A dense layer `L` of `N` outputs with [`BatchNorm`] and a rectifier behind it, as dfdx's builders name it; `net!` writes `64 batch_norm relu`.
///
/// It is `(L, (BatchNorm<N>, Activate<relu>))`, to the bit, and its parameters have the names that they have there. In training on a CPU the three are one operation
/// ([`Rectified`](strata_kernels::Rectified)): apart they go over the values eighteen times, and a pass over the values of a small layer takes as long as a tenth of its products.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rectified<L, const N: usize>(std::marker::PhantomData<L>);

impl<L: BuildOnDevice<D, E>, const N: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for Rectified<L, N>
where
    RectifiedLayer<L::Built, N, E, D>: BuildModule<D, E>,
    BatchNorm<N>: BuildOnDevice<D, E>,
{
    type Built = RectifiedLayer<L::Built, N, E, D>;
}

/// A built [`Rectified`].
///
/// As of [`BatchNormLayer`], a training pass is `forward_mut` of a tensor with a tape, and a pass without a tape evaluates.
#[derive(Clone, Debug)]
pub struct RectifiedLayer<L, const N: usize, E: Dtype, D: Storage<E>> {
    /// The dense layer.
    pub layer: L,
    /// The normalisation.
    pub norm: BatchNormLayer<N, E, D>,
}

/// The rectifier, as a layer of its own.
type Relu = Activate<{ Activation::Relu as u8 }>;

impl<L: TensorCollection<E, D>, const N: usize, E: Dtype, D: Device<E>> TensorCollection<E, D>
    for RectifiedLayer<L, N, E, D>
{
    type To<E2: Dtype, D2: Device<E2>> = RectifiedLayer<L::To<E2, D2>, N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::module("0", |s| &s.layer, |s| &mut s.layer),
                Self::module("1", |s| &s.norm, |s| &mut s.norm),
            ),
            |(layer, norm)| RectifiedLayer { layer, norm },
        )
    }
}

impl<B: Dim, C: Dim, const I: usize, const N: usize, D, L> Module<Features<B, I, D>> for RectifiedLayer<L, N, f32, D>
where
    D: BatchNormDevice + ActivationDevice,
    L: Module<Features<B, I, D>, Output = Features<C, N, D>, Error = D::Err>,
{
    type Output = Features<C, N, D>;
    type Error = D::Err;

    fn try_forward(&self, x: Features<B, I, D>) -> Result<Self::Output, D::Err> {
        Relu::default().try_forward(self.norm.try_forward(self.layer.try_forward(x)?)?)
    }
}

impl<B: Dim, C: Dim, const I: usize, const N: usize, D, L> ModuleMut<Features<B, I, D, OwnedTape<f32, D>>>
    for RectifiedLayer<L, N, f32, D>
where
    D: RectifiedDevice,
    L: AffineLayer<D>
        + ModuleMut<
            Features<B, I, D, OwnedTape<f32, D>>,
            Output = Features<C, N, D, OwnedTape<f32, D>>,
            Error = D::Err,
        >,
{
    type Output = Features<C, N, D, OwnedTape<f32, D>>;
    type Error = D::Err;

    fn try_forward_mut(&mut self, x: Features<B, I, D, OwnedTape<f32, D>>) -> Result<Self::Output, D::Err> {
        let affine = self.layer.affine().filter(|affine| affine.has_terms(x.shape().0.size()));
        let x = match affine {
            Some(affine) => match D::try_rectified(affine, &mut self.norm, realized(x))? {
                Ok(y) => return Ok(realized(y)),
                Err(x) => realized(x),
            },
            None => x,
        };
        Relu::default().try_forward(self.norm.try_forward_mut(self.layer.try_forward_mut(x)?)?)
    }
}

/// What an affine layer computes with, its sizes known at run time only.
#[derive(Debug)]
pub struct AffineOf<D: Storage<f32>> {
    pub(super) kind: AffineKind<D>,
    pub(super) bias: Tensor<(usize,), f32, D>,
}

/// See [`AffineOf`]; weights are `[outputs, inputs]`.
#[derive(Debug)]
pub(super) enum AffineKind<D: Storage<f32>> {
    Dense(Tensor<(usize, usize), f32, D>),
    /// The weight, and what mirroring does.
    MirroredInput(Tensor<(usize, usize), f32, D>, Tensor<(usize,), f32, D>),
    /// Of both views' sum and of their difference.
    MirroredDense([Tensor<(usize, usize), f32, D>; 2]),
}

impl<D: Storage<f32>> AffineOf<D> {
    /// Whether there is anything to be multiplied, and the variance of more than one row.
    fn has_terms(&self, samples: usize) -> bool {
        let (outputs, inputs) = match &self.kind {
            AffineKind::Dense(weight) | AffineKind::MirroredInput(weight, _) => *weight.shape(),
            AffineKind::MirroredDense([weight, _]) => *weight.shape(),
        };
        samples > 1 && inputs > 0 && outputs > 0
    }
}

/// A layer that is an affine operation, and may be told to be more.
pub trait AffineLayer<D: Storage<f32>> {
    /// What it computes with, where its output is the affine operation's result, in 32-bit floats.
    fn affine(&self) -> Option<AffineOf<D>>;
}

impl<const I: usize, const N: usize, D: Device<f32>> AffineLayer<D> for DenseLayer<I, N, f32, D> {
    fn affine(&self) -> Option<AffineOf<D>> {
        let is_plain = self.activation == Activation::Identity && !self.dropout.is_active();
        let kind = || AffineKind::Dense(realized(self.weight.clone()));
        (is_plain && self.precision == Precision::F32)
            .then(|| AffineOf { kind: kind(), bias: realized(self.bias.clone()) })
    }
}

impl<const I: usize, const N: usize, D: Device<f32>> AffineLayer<D> for MirroredInputLayer<I, N, f32, D> {
    fn affine(&self) -> Option<AffineOf<D>> {
        let kind = || AffineKind::MirroredInput(realized(self.weight.clone()), realized(self.mirror.clone()));
        (self.precision == Precision::F32).then(|| AffineOf { kind: kind(), bias: realized(self.bias.clone()) })
    }
}

impl<const I: usize, const N: usize, D: Device<f32>> AffineLayer<D> for MirroredDenseLayer<I, N, f32, D> {
    fn affine(&self) -> Option<AffineOf<D>> {
        let kind = || AffineKind::MirroredDense([realized(self.even.clone()), realized(self.odd.clone())]);
        (self.precision == Precision::F32).then(|| AffineOf { kind: kind(), bias: realized(self.bias.clone()) })
    }
}

impl<L: Layers, const N: usize, D: Device<f32>> Layers for RectifiedLayer<L, N, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        self.layer.for_each(visit);
        self.norm.for_each(visit);
        Relu::default().for_each(visit);
    }

    fn describe(&self, description: &mut Description) {
        self.layer.describe(description);
        self.norm.describe(description);
        Relu::default().describe(description);
    }
}
