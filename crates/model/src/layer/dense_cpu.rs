//! A dense layer on the CPU: one operation of the tape over `strata-kernels`.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_kernels::GemmShape;
use strata_spec::{Activation, Precision};

use super::dense::{DenseDevice, DenseLayer};
use super::fused::{Rows, add_to};
use super::mask::Mask;
use super::operand::{Input, Saved};
use crate::gradients::{GradientFactors, id_of, with_pass};
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
    tape.add_backward_op(move |gradients| done.backward(gradients));
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

/// Where a tensor's gradient is, without the tensor's values.
type GradientOf = Box<dyn for<'a> Fn(&'a mut Gradients<f32, Cpu>) -> Result<&'a mut Vec<f32>, CpuError>>;

fn gradient_of(tensor: &Rows) -> GradientOf {
    let ghost = tensor.ghost();
    Box::new(move |gradients| Ok(&mut **gradients.get_or_alloc_mut(&ghost)?))
}

/// A forward pass that its backward pass goes on from. Without type parameters, so that it is compiled here and once.
struct Done {
    x: Input,
    x_id: UniqueId,
    x_gradient: GradientOf,
    weight: Rows,
    bias: Tensor<(usize,), f32, Cpu>,
    output_gradient: GradientOf,
    shape: GemmShape,
    does: Does,
    saved: Saved,
}

impl Done {
    fn forward(x: Rows, weight: Rows, bias: Tensor<(usize,), f32, Cpu>, does: Does) -> Result<(Rows, Self), CpuError> {
        let Does { activation, dropout, precision, is_training, .. } = does;
        let ((batch, inputs), (outputs, _)) = (*x.shape(), *weight.shape());
        let shape = GemmShape { batch, inputs, outputs };
        let (x_id, x_gradient, device) = (id_of(&x), gradient_of(&x), x.device().clone());
        let x = Input::new(x, precision);
        let mut y = kernels::zeros(batch * outputs);
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
        let saved = saved.unwrap_or_else(|| if is_training { Saved::Output(y.clone()) } else { Saved::Nothing });
        let output_gradient = gradient_of(&y);
        Ok((y, Self { x, x_id, x_gradient, weight, bias, output_gradient, shape, does, saved }))
    }

    fn backward(self, gradients: &mut Gradients<f32, Cpu>) -> Result<(), CpuError> {
        let Self { x, x_id, x_gradient, weight, bias, output_gradient, shape, does, saved } = self;
        let (keeps_factors, needs_input_gradient) = with_pass(gradients, |pass| match pass {
            Some(pass) => (true, pass.needs_gradient(x_id)),
            None => (false, true),
        })?;
        let gradient = output_gradient(gradients)?;
        // All operations that used the output have run. Under `GradientStore::backward` nobody can ask for its gradient after this one,
        // so it is taken.
        let mut dy = if keeps_factors { std::mem::take(gradient) } else { kernels::copied(gradient) };
        if shape.batch == 0 {
            gradients.try_alloc_for(&weight)?;
            gradients.try_alloc_for(&bias)?;
            return Ok(());
        }
        does.dropout.apply(&mut dy);
        saved.apply(does.activation, &mut dy);
        kernels::bias_gradient(&dy, gradients.get_or_alloc_mut(&bias)?);
        let factors = GradientFactors { factors: x.with(dy), shape };
        if needs_input_gradient {
            add_to(x_gradient(gradients)?, factors.input_gradient(values(&weight)));
        }
        if keeps_factors && does.own_weight {
            with_pass(gradients, |pass| pass.map(|pass| pass.push(&weight, factors)))?;
        } else {
            factors.add_to(gradients.get_or_alloc_mut(&weight)?);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "dense_cpu_tests.rs"]
mod tests;
