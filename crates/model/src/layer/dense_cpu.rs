//! A dense layer on the CPU: one operation of the tape over `strata-kernels`.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_kernels::GemmShape;
use strata_spec::Activation;

use super::dense::{DenseDevice, DenseLayer};
use super::fused::{Rows, add_to};
use super::mask::Mask;
use crate::gradients::{GradientFactors, with_pass};
use crate::storage::{realized, tensor_from_vec, values};

impl DenseDevice for Cpu {
    fn try_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &DenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, CpuError> {
        const { assert!(I > 0 && O > 0, "a dense layer has at least one input and one output") };
        let weight = realized(layer.weight.clone());
        let bias = realized(layer.bias.clone());
        let y = dense(realized(x), weight, bias, layer.activation, layer.dropout)?;
        Ok(realized(y))
    }
}

/// [`DenseLayer`] for any sizes: `[batch, inputs]` to `[batch, outputs]`.
fn dense<T: Tape<f32, Cpu>>(
    x: Rows<T>,
    weight: Rows,
    bias: Tensor<(usize,), f32, Cpu>,
    activation: Activation,
    dropout: Mask,
) -> Result<Rows<T>, CpuError> {
    // A permuted or broadcast tensor is laid out by an operation of the tape; any other stays as it is.
    let (x, tape) = x.try_contiguous()?.split_tape();
    let own_weight = crate::storage::is_contiguous(&weight);
    let (weight, weight_tape) = weight.put_tape(T::default()).try_contiguous()?.split_tape();
    let (bias, bias_tape) = bias.put_tape(T::default()).try_contiguous()?.split_tape();
    let mut tape = tape.merge(weight_tape).merge(bias_tape);
    let (y, done) =
        Done::forward(x, weight, bias, Does { activation, dropout, own_weight, is_training: T::OWNS_TAPE })?;
    tape.add_backward_op(move |gradients| done.backward(gradients));
    Ok(y.put_tape(tape))
}

/// What the layer does besides the product.
#[derive(Clone, Copy)]
struct Does {
    activation: Activation,
    dropout: Mask,
    /// The weight is the layer's own, not a copy that is laid out anew.
    own_weight: bool,
    is_training: bool,
}

/// A forward pass that its backward pass goes on from. Without type parameters, so that it is compiled here and once.
struct Done {
    x: Rows,
    weight: Rows,
    bias: Tensor<(usize,), f32, Cpu>,
    output: Rows,
    shape: GemmShape,
    does: Does,
    /// What the derivative of the activation is worked out from where that is not the output: the activation's input, or its output before dropout.
    saved: Option<Vec<f32>>,
}

impl Done {
    fn forward(x: Rows, weight: Rows, bias: Tensor<(usize,), f32, Cpu>, does: Does) -> Result<(Rows, Self), CpuError> {
        let Does { activation, dropout, is_training, .. } = does;
        let ((batch, inputs), (outputs, _)) = (*x.shape(), *weight.shape());
        let shape = GemmShape { batch, inputs, outputs };
        let mut y = kernels::zeros(batch * outputs);
        if batch > 0 {
            kernels::affine(shape, values(&x), values(&weight), values(&bias), &mut y);
        }
        let mut saved = (is_training && kernels::derivative_needs_input(activation)).then(|| kernels::copied(&y));
        kernels::activate(activation, &mut y);
        if is_training && dropout.is_active() {
            saved.get_or_insert_with(|| kernels::copied(&y));
            dropout.apply(&mut y);
        }
        let y = tensor_from_vec(x.device(), y, (batch, outputs))?;
        let output = y.clone();
        Ok((y, Self { x, weight, bias, output, shape, does, saved }))
    }

    fn backward(self, gradients: &mut Gradients<f32, Cpu>) -> Result<(), CpuError> {
        let Self { x, weight, bias, output, shape, does, saved } = self;
        let (keeps_factors, needs_input_gradient) = with_pass(gradients, |pass| match pass {
            Some(pass) => (true, pass.needs_gradient(&x)),
            None => (false, true),
        })?;
        let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(&output)?;
        // All operations that used the output have run. Under `GradientStore::backward` nobody can ask for its gradient after this one,
        // so it is taken.
        let mut dy = if keeps_factors { std::mem::take(gradient) } else { kernels::copied(gradient) };
        if shape.batch == 0 {
            gradients.try_alloc_for(&weight)?;
            gradients.try_alloc_for(&bias)?;
            return Ok(());
        }
        does.dropout.apply(&mut dy);
        kernels::activation_gradient(does.activation, saved.as_deref().unwrap_or(values(&output)), &mut dy);
        drop((saved, output));
        if needs_input_gradient {
            let mut dx = kernels::zeros(shape.batch * shape.inputs);
            kernels::input_gradient(shape, &dy, values(&weight), &mut dx);
            add_to(gradients.get_or_alloc_mut(&x)?, dx);
        }
        kernels::bias_gradient(&dy, gradients.get_or_alloc_mut(&bias)?);
        if keeps_factors && does.own_weight {
            let factors = GradientFactors { dy, x: Box::new(x), shape };
            with_pass(gradients, |pass| pass.map(|pass| pass.push(&weight, factors)))?;
        } else {
            kernels::weight_gradient(shape, &dy, values(&x), gradients.get_or_alloc_mut(&weight)?);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "dense_cpu_tests.rs"]
mod tests;
