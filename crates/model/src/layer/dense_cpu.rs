//! A dense layer on the CPU: one operation of the tape over `strata-kernels`.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_kernels::GemmShape;
use strata_spec::{Activation, Precision};

use super::dense::{DenseDevice, DenseLayer};
use super::fused::Rows;
use super::mask::Mask;
use super::operand::{Input, Saved};
use crate::gradients::{GradientFactors, InputGradient, OutputGradient, add_product, gradient_of_parameter};
use crate::storage::{realized, tensor_from_vec, values};

impl DenseDevice for Cpu {
    fn try_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &DenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, CpuError> {
        const { assert!(I > 0 && O > 0, "a dense layer has at least one input and one output") };
        let weight = realized(layer.weight.clone());
        let bias = realized(layer.bias.clone());
        let does = Does {
            activation: layer.activation,
            dropout: layer.dropout,
            precision: layer.precision,
            own_weight: crate::storage::is_contiguous(&weight),
            is_training: T::OWNS_TAPE,
        };
        Ok(realized(dense(realized(x), weight, bias, does)?))
    }
}

/// [`DenseLayer`] for any sizes: `[batch, inputs]` to `[batch, outputs]`.
fn dense<T: Tape<f32, Cpu>>(
    x: Rows<T>,
    weight: Rows,
    bias: Tensor<(usize,), f32, Cpu>,
    does: Does,
) -> Result<Rows<T>, CpuError> {
    // A permuted or broadcast tensor is laid out by an operation of the tape; any other stays as it is.
    let (x, tape) = x.try_contiguous()?.split_tape();
    let (weight, weight_tape) = weight.put_tape(T::default()).try_contiguous()?.split_tape();
    let (bias, bias_tape) = bias.put_tape(T::default()).try_contiguous()?.split_tape();
    let mut tape = tape.merge(weight_tape).merge(bias_tape);
    let (y, done) = Done::forward(x, weight, bias, does)?;
    if T::OWNS_TAPE {
        let of_y = OutputGradient::of(&y);
        tape.add_backward_op(move |gradients| done.backward(of_y, gradients));
    }
    Ok(y.put_tape(tape))
}

/// What the layer does besides the product, and how.
#[derive(Clone, Copy)]
struct Does {
    activation: Activation,
    dropout: Mask,
    precision: Precision,
    /// The weight is the layer's own, not a copy that is laid out anew.
    own_weight: bool,
    is_training: bool,
}

/// A forward pass that its backward pass goes on from. Without type parameters, so that it is compiled here and once.
struct Done {
    x: Input,
    x_gradient: InputGradient,
    weight: Rows,
    bias: Tensor<(usize,), f32, Cpu>,
    shape: GemmShape,
    does: Does,
    saved: Saved,
}

impl Done {
    fn forward(x: Rows, weight: Rows, bias: Tensor<(usize,), f32, Cpu>, does: Does) -> Result<(Rows, Self), CpuError> {
        let Does { activation, dropout, precision, is_training, .. } = does;
        let ((batch, inputs), (outputs, _)) = (*x.shape(), *weight.shape());
        let shape = GemmShape { batch, inputs, outputs };
        let x_gradient = InputGradient::of(&x);
        let device = x.device().clone();
        let x = Input::new(x, precision);
        let mut y = kernels::scratch(batch * outputs);
        if batch > 0 {
            x.affine(shape, values(&weight), values(&bias), &mut y);
        }
        let save = |values: &[f32]| match precision {
            Precision::F32 => Saved::Values(kernels::copied(values)),
            Precision::Bf16 => Saved::rounded(activation, values),
        };
        let mut saved = (is_training && kernels::derivative_needs_input(activation)).then(|| save(&y));
        kernels::activate(activation, &mut y);
        if is_training && dropout.is_active() {
            saved.get_or_insert_with(|| save(&y));
            dropout.apply(&mut y);
        }
        if is_training && precision != Precision::F32 {
            saved.get_or_insert_with(|| save(&y));
        }
        let y = tensor_from_vec(&device, y, (batch, outputs))?;
        let has_derivative = is_training && activation != Activation::Identity;
        let saved = saved.unwrap_or_else(|| if has_derivative { Saved::Output(y.clone()) } else { Saved::Nothing });
        Ok((y, Self { x, x_gradient, weight, bias, shape, does, saved }))
    }

    fn backward(self, output_gradient: OutputGradient, gradients: &mut Gradients<f32, Cpu>) -> Result<(), CpuError> {
        let Self { x, x_gradient, weight, bias, shape, does, saved } = self;
        let needs_input_gradient = x_gradient.is_needed(gradients)?;
        let mut dy = output_gradient.take(gradients)?;
        if shape.batch == 0 {
            gradient_of_parameter(gradients, &weight)?;
            gradient_of_parameter(gradients, &bias)?;
            return Ok(());
        }
        does.dropout.apply(&mut dy);
        saved.apply(does.activation, &mut dy);
        kernels::bias_gradient(&dy, gradient_of_parameter(gradients, &bias)?);
        let factors = GradientFactors { factors: x.with(dy), shape };
        if needs_input_gradient {
            x_gradient.write(gradients, |dx| factors.input_gradient(values(&weight), dx))?;
        }
        if does.own_weight {
            return add_product(gradients, &weight, factors);
        }
        factors.add_to(gradient_of_parameter(gradients, &weight)?);
        Ok(())
    }
}

#[cfg(test)]
#[path = "dense_cpu_tests.rs"]
mod tests;
