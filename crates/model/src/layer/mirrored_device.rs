//! What mirrored networks need of a device: an image's both views, layers of both, their mean.

#![allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]

use dfdx::prelude::*;
use strata_kernels::{self as kernels, GemmShape, Mirror};
use strata_spec::Precision;

use super::fused::{Features, Rows, operation};
use super::operand::Input;
use crate::gradients::{GradientFactors, with_pass};
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

/// A card has none of it; the trainer says so before it trains such a network.
#[cfg(feature = "cuda")]
impl MirroredDevice for Cuda {
    fn try_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        _: Features<B, I, Self, T>,
        _: &Tensor<Rank2<O, I>, f32, Self>,
        _: &Tensor<Rank1<O>, f32, Self>,
        _: &Tensor<Rank1<I>, f32, Self>,
        _: Precision,
    ) -> Result<Features<usize, O, Self, T>, Self::Err> {
        Err(CudaError::Cpu(CpuError::WrongNumElements))
    }

    fn try_both_views<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        _: Features<B, I, Self, T>,
        _: [&Tensor<Rank2<O, I>, f32, Self>; 2],
        _: &Tensor<Rank1<O>, f32, Self>,
        _: Precision,
    ) -> Result<Features<B, O, Self, T>, Self::Err> {
        Err(CudaError::Cpu(CpuError::WrongNumElements))
    }

    fn try_mean_of_views<B: Dim, const N: usize, T: Tape<f32, Self>>(
        _: Features<usize, N, Self, T>,
        _: B,
    ) -> Result<Features<B, N, Self, T>, Self::Err> {
        Err(CudaError::Cpu(CpuError::WrongNumElements))
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
    let device = x.device().clone();
    let shapes = mirror.widths().map(|inputs| GemmShape { batch, inputs, outputs });
    let [symmetric, antisymmetric] = mirror.parts(values(&x), 0.5);
    let input = |values, shape: GemmShape| {
        tensor_from_vec(&device, values, (batch, shape.inputs)).map(|rows| Input::new(rows, precision))
    };
    let operands = [input(symmetric, shapes[0])?, input(antisymmetric, shapes[1])?];
    let weights = mirror.parts(values(&weight), 1.0);
    let products = views_products(&operands, shapes, &weights, values(&bias));
    let mut y = kernels::zeros(2 * batch * outputs);
    kernels::views_of(&products[0], &products[1], 1.0, &mut y);
    let y = tensor_from_vec(&device, y, (2 * batch, outputs))?;
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        let needs_input_gradient = of_x.is_needed(gradients)?;
        let [of_sums, of_differences] = kernels::sums_and_differences(&dy, 1.0);
        kernels::bias_gradient(&of_sums, gradients.get_or_alloc_mut(&bias)?);
        let (mut of_weights, mut of_operands) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for (part, (dy, operand)) in [of_sums, of_differences].into_iter().zip(operands).enumerate() {
            let shape = shapes[part];
            of_weights[part] = kernels::zeros(outputs * shape.inputs);
            of_operands[part] = kernels::zeros(batch * shape.inputs);
            if batch == 0 || shape.inputs == 0 {
                continue;
            }
            let factors = GradientFactors { factors: operand.with(dy), shape };
            factors.add_to(&mut of_weights[part]);
            if needs_input_gradient {
                factors.input_gradient(&weights[part], &mut of_operands[part]);
            }
        }
        let whole = gradients.get_or_alloc_mut(&weight)?;
        mirror.add_parts_gradient([&of_weights[0], &of_weights[1]], 1.0, whole);
        if needs_input_gradient {
            of_x.write(gradients, |dx| mirror.add_parts_gradient([&of_operands[0], &of_operands[1]], 0.5, dx))?;
        }
        Ok(())
    }))
}

/// The products of both parts with their weights; the bias is in that of the symmetric one, which both views have as it is.
fn views_products(
    operands: &[Input; 2],
    shapes: [GemmShape; 2],
    weights: &[Vec<f32>; 2],
    bias: &[f32],
) -> [Vec<f32>; 2] {
    let no_bias = kernels::zeros(bias.len());
    [0, 1].map(|part| {
        let (shape, bias) = (shapes[part], if part == 0 { bias } else { &no_bias });
        let mut product = kernels::zeros(shape.batch * shape.outputs);
        if shape.batch > 0 && shape.inputs > 0 {
            operands[part].affine(shape, &weights[part], bias, &mut product);
        } else {
            // No input of that kind: an image that is its own mirror image, one pixel wide.
            product.chunks_exact_mut(shape.outputs).for_each(|row| row.copy_from_slice(bias));
        }
        product
    })
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
