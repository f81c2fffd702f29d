//! The dense layer inside of a mirrored network.

use dfdx::prelude::*;
use rand_distr::uniform::SampleUniform;
use strata_rng::TorchRng;
use strata_spec::{LayerSpec, Precision};

use super::dense::{draw_as_linear, draw_uniform, reset};
use super::{Description, Layer, Layers, MirroredDevice};

/// A fully connected layer of the features of both views, `[2 batch, I]` to `[2 batch, O]`, as dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MirroredDense<const I: usize, const O: usize>;

impl<const I: usize, const O: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for MirroredDense<I, O>
where
    MirroredDenseLayer<I, O, E, D>: BuildModule<D, E>,
{
    type Built = MirroredDenseLayer<I, O, E, D>;
}

/// A built [`MirroredDense`]. Of the views a and b, the first and the second half of the rows:
/// `(a + b) · evenᵀ / 2 + (a - b) · oddᵀ / 2 + bias` and `(a + b) · evenᵀ / 2 - (a - b) · oddᵀ / 2 + bias`.
///
/// It is what any layer comes to that gives the views' outputs exchanged for the views exchanged: `a · Pᵀ + b · Qᵀ + bias` and `b · Pᵀ + a · Qᵀ + bias`, of
/// P = (even + odd) / 2 and Q = (even - odd) / 2, in half as many multiplications.
#[derive(Clone, Debug)]
pub struct MirroredDenseLayer<const I: usize, const O: usize, E: Dtype, D: Storage<E>> {
    /// Weights of the sum of both views, `[outputs, inputs]`.
    pub even: Tensor<Rank2<O, I>, E, D>,
    /// Weights of their difference, `[outputs, inputs]`.
    pub odd: Tensor<Rank2<O, I>, E, D>,
    /// `[outputs]`.
    pub bias: Tensor<Rank1<O>, E, D>,
    pub(super) precision: Precision,
}

impl<const I: usize, const O: usize, E, D> TensorCollection<E, D> for MirroredDenseLayer<I, O, E, D>
where
    E: Dtype + SampleUniform,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = MirroredDenseLayer<I, O, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::tensor(
                    "layer.even",
                    |s| &s.even,
                    |s| &mut s.even,
                    TensorOptions::reset_with(reset::<I, _, _, _>),
                ),
                Self::tensor("layer.odd", |s| &s.odd, |s| &mut s.odd, TensorOptions::reset_with(reset::<I, _, _, _>)),
                Self::tensor(
                    "layer.bias",
                    |s| &s.bias,
                    |s| &mut s.bias,
                    TensorOptions::reset_with(reset::<I, _, _, _>),
                ),
            ),
            |(even, odd, bias)| MirroredDenseLayer { even, odd, bias, precision: Precision::F32 },
        )
    }
}

impl<B: Dim, const I: usize, const O: usize, D: MirroredDevice, T: Tape<f32, D>>
    Module<Tensor<(B, Const<I>), f32, D, T>> for MirroredDenseLayer<I, O, f32, D>
{
    type Output = Tensor<(B, Const<O>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<I>), f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_both_views(x, [&self.even, &self.odd], &self.bias, self.precision)
    }
}

impl<const I: usize, const O: usize, E: Dtype, D: Storage<E>> NonMutableModule for MirroredDenseLayer<I, O, E, D> {}

impl<const I: usize, const O: usize, D: Device<f32>> Layer for MirroredDenseLayer<I, O, f32, D> {
    fn initialise(&mut self, rng: &mut TorchRng) {
        let (even, bias) = draw_as_linear(I, O, rng);
        self.even.copy_from(&even);
        self.bias.copy_from(&bias);
        self.odd.copy_from(&draw_uniform(I, I * O, rng));
    }

    fn set_weight(&mut self, draw: &mut dyn FnMut(usize, usize) -> Vec<f32>) {
        self.even.copy_from(&draw(I, O));
        self.odd.copy_from(&draw(I, O));
        self.bias.copy_from(&[0.0; O]);
    }

    fn zero(&mut self) {
        self.set_weight(&mut |inputs, outputs| vec![0.0; inputs * outputs]);
    }

    fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }
}

impl<const I: usize, const O: usize, D: Device<f32>> Layers for MirroredDenseLayer<I, O, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(I), LayerSpec::MirroredDense { outputs: O });
    }

    fn is_chain(&self) -> bool {
        true
    }
}
