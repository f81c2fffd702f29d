//! A dense layer, batch normalisation and a rectifier as one layer.

use dfdx::prelude::*;
use strata_spec::Activation;

use super::fused::Features;
use super::{
    Activate, ActivationDevice, AffineLayer, BatchNorm, BatchNormDevice, BatchNormLayer, Description, Layer, Layers,
    RectifiedDevice,
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
            (Self::module("0", |s| &s.layer, |s| &mut s.layer), Self::module("1", |s| &s.norm, |s| &mut s.norm)),
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
        + ModuleMut<Features<B, I, D, OwnedTape<f32, D>>, Output = Features<C, N, D, OwnedTape<f32, D>>, Error = D::Err>,
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

    fn is_chain(&self) -> bool {
        self.layer.is_chain()
    }
}
