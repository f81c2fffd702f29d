//! What mirrored networks need of a device: an image's both views, layers of both, their mean.

#![allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]

use dfdx::prelude::*;
use strata_kernels::{self as kernels, GemmShape, Mirror};
use strata_spec::Precision;

use super::fused::{Features, Rows, operation};
use super::operand::Input;
use crate::gradients::{GradientFactors, add_product, gradient_of_parameter};
use crate::storage::{is_contiguous, realized, tensor_from_vec, values};

/// What a mirrored network needs of a device.
pub trait MirroredDevice: Device<f32> {
    /// The same affine operation of both views of each sample, `[batch, I]` to `[2 batch, O]`; `mirror` is [`Mirror::places`].
    ///
    /// # Errors
    /// Where the device does, or cannot; where nobody said what mirroring does.
    fn try_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        x: Tensor<(B, Const<I>), f32, Self, T>,
        weight: &Tensor<Rank2<O, I>, f32, Self>,
        bias: &Tensor<Rank1<O>, f32, Self>,
        mirror: &Tensor<Rank1<I>, f32, Self>,
        precision: Precision,
    ) -> Result<Tensor<(usize, Const<O>), f32, Self, T>, Self::Err>;

    /// Both views' outputs of both, `[2 batch, I]` to `[2 batch, O]`, by weights of their sum and of their difference.
    ///
    /// # Errors
    /// Where the device does, or cannot; where the rows are not two views of each sample.
    fn try_both_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        x: Tensor<(B, Const<I>), f32, Self, T>,
        weights: [&Tensor<Rank2<O, I>, f32, Self>; 2],
        bias: &Tensor<Rank1<O>, f32, Self>,
        precision: Precision,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, Self::Err>;

    /// The mean of both views, `[2 batch, N]` to `[batch, N]`.
    ///
    /// # Errors
    /// Where the device does, or cannot; where the rows are not two views of as many samples.
    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        views: Tensor<(usize, Const<N>), f32, Self, T>,
        samples: B,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, Self::Err>;
}

impl MirroredDevice for Cpu {
    fn try_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        x: Features<B, I, Self, T>,
        weight: &Tensor<Rank2<O, I>, f32, Self>,
        bias: &Tensor<Rank1<O>, f32, Self>,
        mirror: &Tensor<Rank1<I>, f32, Self>,
        precision: Precision,
    ) -> Result<Features<usize, O, Self, T>, CpuError> {
        // Checked in each pass, since anybody may set the tensor: it says where in memory to read.
        let mirror = Mirror::from_places(values(mirror)).ok_or(CpuError::WrongNumElements)?;
        let (weight, bias) = (realized(weight.clone()), realized(bias.clone()));
        Ok(realized(of_views(realized(x), weight, bias, mirror, precision)?))
    }

    fn try_both_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        x: Features<B, I, Self, T>,
        weights: [&Tensor<Rank2<O, I>, f32, Self>; 2],
        bias: &Tensor<Rank1<O>, f32, Self>,
        precision: Precision,
    ) -> Result<Features<B, O, Self, T>, CpuError> {
        let weights = weights.map(|weight| realized(weight.clone()));
        Ok(realized(of_both_views(realized(x), weights, realized(bias.clone()), precision)?))
    }

    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        views: Features<usize, N, Self, T>,
        samples: B,
    ) -> Result<Features<B, N, Self, T>, CpuError> {
        let mean = mean(realized(views))?;
        if mean.shape().0 != samples.size() {
            return Err(CpuError::WrongNumElements);
        }
        Ok(realized(mean))
    }
}

/// [`MirroredDevice::try_views`] of any sizes: the product of the symmetric part of the samples, and that of the antisymmetric one, are both views' sum and difference, in half of the multiplications.
fn of_views<T: Tape<f32, Cpu>>(
    x: Rows<T>,
    weight: Rows,
    bias: Tensor<(usize,), f32, Cpu>,
    mirror: Mirror,
    precision: Precision,
) -> Result<Rows<T>, CpuError> {
    let (x, tape) = x.try_contiguous()?.split_tape();
    let ((batch, inputs), (outputs, _)) = (*x.shape(), *weight.shape());
    if inputs != mirror.places().len() || !is_contiguous(&weight) {
        return Err(CpuError::WrongNumElements);
    }
    let shapes = mirror.widths().map(|inputs| GemmShape { batch, inputs, outputs });
    let products = Products::of(x.device(), mirror.parts(values(&x), 0.5), shapes, precision)?;
    let weights = mirror.parts(values(&weight), 1.0);
    let y = products.views(weights.each_ref().map(Vec::as_slice), values(&bias), 1.0);
    let y = tensor_from_vec(x.device(), y, (2 * batch, outputs))?;
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        let of_products = kernels::sums_and_differences(&dy, 1.0);
        kernels::bias_gradient(&of_products[0], gradient_of_parameter(gradients, &bias)?);
        let factors = products.with(of_products);
        if of_x.is_needed(gradients)? {
            let of_parts = input_gradients(&factors, weights.each_ref().map(Vec::as_slice));
            of_x.write(gradients, |dx| {
                dx.fill(0.0);
                mirror.add_parts_gradient(of_parts.each_ref().map(Vec::as_slice), 0.5, dx);
            })?;
        }
        let of_weights = factors.map(|factors| {
            let mut gradient = kernels::zeros(outputs * factors.shape.inputs);
            if has_terms(factors.shape) {
                factors.add_to(&mut gradient);
            }
            gradient
        });
        let whole = gradient_of_parameter(gradients, &weight)?;
        mirror.add_parts_gradient(of_weights.each_ref().map(Vec::as_slice), 1.0, whole);
        Ok(())
    }))
}

/// [`MirroredDevice::try_both_views`] of any sizes.
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
    let products = Products::of(x.device(), kernels::sums_and_differences(values(&x), 1.0), [shape; 2], precision)?;
    // Half of the bias twice over is in the sum of both views.
    let doubled: Vec<f32> = values(&bias).iter().map(|bias| 2.0 * bias).collect();
    let y = products.views(weights.each_ref().map(values), &doubled, 0.5);
    let y = tensor_from_vec(x.device(), y, (rows, outputs))?;
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        kernels::bias_gradient(&dy, gradient_of_parameter(gradients, &bias)?);
        let factors = products.with(kernels::sums_and_differences(&dy, 0.5));
        if of_x.is_needed(gradients)? {
            let [sums, differences] = input_gradients(&factors, weights.each_ref().map(values));
            of_x.write(gradients, |dx| kernels::views_of(&sums, &differences, 1.0, dx))?;
        }
        for (factors, weight) in factors.into_iter().zip(&weights) {
            if has_terms(factors.shape) {
                add_product(gradients, weight, factors)?;
            } else {
                gradient_of_parameter(gradients, weight)?;
            }
        }
        Ok(())
    }))
}

/// Two products side by side: that of what both views have in common, and that of what they differ by.
struct Products {
    operands: [Input; 2],
    shapes: [GemmShape; 2],
}

impl Products {
    /// Of these operands, `[batch, inputs]` each.
    fn of(
        device: &Cpu,
        [common, different]: [Vec<f32>; 2],
        shapes: [GemmShape; 2],
        precision: Precision,
    ) -> Result<Self, CpuError> {
        let operand = |values, GemmShape { batch, inputs, .. }: GemmShape| {
            tensor_from_vec(device, values, (batch, inputs)).map(|rows| Input::new(rows, precision))
        };
        Ok(Self { operands: [operand(common, shapes[0])?, operand(different, shapes[1])?], shapes })
    }

    /// Both views, `[2 batch, outputs]`: `factor` times the sum and the difference of the products with `weights`, the bias being in the first.
    fn views(&self, weights: [&[f32]; 2], bias: &[f32], factor: f32) -> Vec<f32> {
        let no_bias = kernels::zeros(bias.len());
        let [sums, differences] = [(0, bias), (1, &no_bias)].map(|(part, bias)| {
            let shape = self.shapes[part];
            let mut product = kernels::zeros(shape.batch * shape.outputs);
            if has_terms(shape) {
                self.operands[part].affine(shape, weights[part], bias, &mut product);
            } else {
                // No input of that kind: an image that is its own mirror image, one pixel wide.
                product.chunks_exact_mut(shape.outputs).for_each(|row| row.copy_from_slice(bias));
            }
            product
        });
        let mut views = kernels::zeros(2 * sums.len());
        kernels::views_of(&sums, &differences, factor, &mut views);
        views
    }

    /// The factors of the weights' gradients, from the gradients of the products.
    fn with(self, [of_common, of_different]: [Vec<f32>; 2]) -> [GradientFactors; 2] {
        let ([common, different], [of, of_other]) = (self.operands, self.shapes);
        [
            GradientFactors { factors: common.with(of_common), shape: of },
            GradientFactors { factors: different.with(of_different), shape: of_other },
        ]
    }
}

/// The gradients of both operands, `[batch, inputs]` each.
fn input_gradients(factors: &[GradientFactors; 2], weights: [&[f32]; 2]) -> [Vec<f32>; 2] {
    [0, 1].map(|part| {
        let shape = factors[part].shape;
        let mut gradient = kernels::zeros(shape.batch * shape.inputs);
        if has_terms(shape) {
            factors[part].input_gradient(weights[part], &mut gradient);
        }
        gradient
    })
}

/// Whether a product has samples and inputs: kernels take no empty ones.
fn has_terms(shape: GemmShape) -> bool {
    shape.batch > 0 && shape.inputs > 0
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
