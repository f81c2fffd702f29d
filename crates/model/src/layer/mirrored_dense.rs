//! The dense layer inside of a mirrored network.

use dfdx::prelude::*;
use rand_distr::uniform::SampleUniform;
use strata_kernels::{self as kernels, GemmShape};
use strata_rng::TorchRng;
use strata_spec::{LayerSpec, Precision};

use super::dense::{draw_as_linear, draw_uniform, reset};
use super::fused::{Rows, operation};
use super::operand::Input;
use super::{Description, Layer, Layers, MirroredDevice};
use crate::gradients::{GradientFactors, with_pass};
use crate::storage::{is_contiguous, realized, tensor_from_vec, values};

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
    precision: Precision,
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

impl<const I: usize, const O: usize> MirroredDenseLayer<I, O, f32, Cpu> {
    pub(super) fn forward_on_cpu<T: Tape<f32, Cpu>>(&self, x: Rows<T>) -> Result<Rows<T>, CpuError> {
        let weights = [realized(self.even.clone()), realized(self.odd.clone())];
        of_both_views(x, weights, realized(self.bias.clone()), self.precision)
    }
}

/// [`MirroredDenseLayer`] for any sizes.
fn of_both_views<T: Tape<f32, Cpu>>(
    x: Rows<T>,
    weights: [Rows; 2],
    bias: Tensor<(usize,), f32, Cpu>,
    precision: Precision,
) -> Result<Rows<T>, CpuError> {
    let (x, tape) = x.try_contiguous()?.split_tape();
    let ((rows, inputs), (outputs, _)) = (*x.shape(), *weights[0].shape());
    if !rows.is_multiple_of(2) || !weights.iter().all(is_contiguous) {
        return Err(CpuError::WrongNumElements);
    }
    let shape = GemmShape { batch: rows / 2, inputs, outputs };
    let device = x.device().clone();
    let [sums, differences] = kernels::sums_and_differences(values(&x), 1.0);
    let input =
        |values| tensor_from_vec(&device, values, (shape.batch, inputs)).map(|rows| Input::new(rows, precision));
    let operands = [input(sums)?, input(differences)?];
    let doubled: Vec<f32> = values(&bias).iter().map(|bias| 2.0 * bias).collect();
    let mut products = [kernels::zeros(shape.batch * outputs), kernels::zeros(shape.batch * outputs)];
    let mut y = kernels::zeros(rows * outputs);
    if rows > 0 {
        // Half of the bias twice over is in the sum of both views.
        for ((operand, weight), (bias, product)) in
            operands.iter().zip(&weights).zip([doubled, kernels::zeros(outputs)].iter().zip(&mut products))
        {
            operand.affine(shape, values(weight), bias, product);
        }
        kernels::views_of(&products[0], &products[1], 0.5, &mut y);
    }
    let y = tensor_from_vec(&device, y, (rows, outputs))?;
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        kernels::bias_gradient(&dy, gradients.get_or_alloc_mut(&bias)?);
        let needs_input_gradient = of_x.is_needed(gradients)?;
        let keeps_factors = with_pass(gradients, |pass| pass.is_some())?;
        let mut of_operands = Vec::new();
        for ((dy, operand), weight) in kernels::sums_and_differences(&dy, 0.5).into_iter().zip(operands).zip(weights) {
            if rows == 0 {
                gradients.try_alloc_for(&weight)?;
                continue;
            }
            let factors = GradientFactors { factors: operand.with(dy), shape };
            if needs_input_gradient {
                let mut dx = kernels::zeros(shape.batch * inputs);
                factors.input_gradient(values(&weight), &mut dx);
                of_operands.push(dx);
            }
            if keeps_factors {
                with_pass(gradients, |pass| pass.map(|pass| pass.push(&weight, factors)))?;
            } else {
                factors.add_to(gradients.get_or_alloc_mut(&weight)?);
            }
        }
        if let [sums, differences] = of_operands.as_slice() {
            of_x.write(gradients, |dx| kernels::views_of(sums, differences, 1.0, dx))?;
        }
        Ok(())
    }))
}

impl<B: Dim, const I: usize, const O: usize, D: MirroredDevice, T: Tape<f32, D>>
    Module<Tensor<(B, Const<I>), f32, D, T>> for MirroredDenseLayer<I, O, f32, D>
{
    type Output = Tensor<(B, Const<O>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<I>), f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_mirrored_dense(self, x)
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
}
