//! The dense layer that a mirrored network begins with.

use dfdx::prelude::*;
use rand_distr::uniform::SampleUniform;
use strata_kernels::Mirror;
use strata_rng::TorchRng;
use strata_spec::{LayerSpec, Precision};

use super::dense::{draw_as_linear, reset};
use super::{Description, Layer, Layers, MirroredDevice};

/// A fully connected layer of an image's both views, `[batch, I]` to `[2 batch, O]`: the first half of the rows are the images', the second their mirror images'. As
/// dfdx's builders name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MirroredInput<const I: usize, const O: usize>;

impl<const I: usize, const O: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for MirroredInput<I, O>
where
    MirroredInputLayer<I, O, E, D>: BuildModule<D, E>,
{
    type Built = MirroredInputLayer<I, O, E, D>;
}

/// A built [`MirroredInput`]: `x · weightᵀ + bias` of an image, and of its mirror image, by the products of the symmetric and of the antisymmetric part of the image, which take half
/// as many multiplications.
#[derive(Clone, Debug)]
pub struct MirroredInputLayer<const I: usize, const O: usize, E: Dtype, D: Storage<E>> {
    /// `[outputs, inputs]`.
    pub weight: Tensor<Rank2<O, I>, E, D>,
    /// `[outputs]`.
    pub bias: Tensor<Rank1<O>, E, D>,
    /// `[inputs]`: the place, counted from 1, of the input that each becomes in the mirror image, with a minus where its sign turns ([`Mirror::places`]); zeros
    /// until somebody says it. No optimizer changes it.
    pub mirror: Tensor<Rank1<I>, E, D>,
    pub(super) precision: Precision,
}

impl<const I: usize, const O: usize, E, D> TensorCollection<E, D> for MirroredInputLayer<I, O, E, D>
where
    E: Dtype + SampleUniform,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = MirroredInputLayer<I, O, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let kept = TensorOptions::detached(|tensor| tensor.try_fill_with_zeros());
        visitor.visit_fields(
            (
                Self::tensor(
                    "layer.weight",
                    |s| &s.weight,
                    |s| &mut s.weight,
                    TensorOptions::reset_with(reset::<I, _, _, _>),
                ),
                Self::tensor(
                    "layer.bias",
                    |s| &s.bias,
                    |s| &mut s.bias,
                    TensorOptions::reset_with(reset::<I, _, _, _>),
                ),
                Self::tensor("layer.mirror", |s| &s.mirror, |s| &mut s.mirror, kept),
            ),
            |(weight, bias, mirror)| MirroredInputLayer { weight, bias, mirror, precision: Precision::F32 },
        )
    }
}

impl<B: Dim, const I: usize, const O: usize, D: MirroredDevice, T: Tape<f32, D>>
    Module<Tensor<(B, Const<I>), f32, D, T>> for MirroredInputLayer<I, O, f32, D>
{
    type Output = Tensor<(usize, Const<O>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<I>), f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_views(x, &self.weight, &self.bias, &self.mirror, self.precision)
    }
}

impl<const I: usize, const O: usize, E: Dtype, D: Storage<E>> NonMutableModule for MirroredInputLayer<I, O, E, D> {}

/// What is wrong with a tensor of a file, where it is one that says what mirroring does.
pub(crate) fn check_mirror(name: &str, values: &[f32]) -> Result<(), String> {
    match name.ends_with(".mirror") && Mirror::from_places(values).is_none() {
        true => Err(format!(
            "{name} is no mirror: places, counted from 1, with signs, which give the image again when taken twice"
        )),
        false => Ok(()),
    }
}

impl<const I: usize, const O: usize, D: Device<f32>> Layer for MirroredInputLayer<I, O, f32, D> {
    fn initialise(&mut self, rng: &mut TorchRng) {
        let (weight, bias) = draw_as_linear(I, O, rng);
        self.weight.copy_from(&weight);
        self.bias.copy_from(&bias);
    }

    fn set_weight(&mut self, draw: &mut dyn FnMut(usize, usize) -> Vec<f32>) {
        self.weight.copy_from(&draw(I, O));
        self.bias.copy_from(&[0.0; O]);
    }

    fn zero(&mut self) {
        self.set_weight(&mut |inputs, outputs| vec![0.0; inputs * outputs]);
    }

    fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }

    fn set_mirror(&mut self, mirror: &Mirror) -> bool {
        let fits = mirror.places().len() == I;
        if fits {
            self.mirror.copy_from(mirror.places());
        }
        fits
    }
}

impl<const I: usize, const O: usize, D: Device<f32>> Layers for MirroredInputLayer<I, O, f32, D> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(Some(I), LayerSpec::MirroredInput { outputs: O });
    }

    fn is_chain(&self) -> bool {
        true
    }
}
