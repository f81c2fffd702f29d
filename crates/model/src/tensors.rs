//! A dense layer of dfdx's own operations: what runs on a card, and what the CPU's operation is tested against.

use dfdx::prelude::*;
use strata_spec::Activation;

use crate::dense::DenseLayer;
use crate::dropout::Dropout;

/// Dropout's masks where the tensors are.
pub(crate) trait MaskDevice: Device<f32> {
    /// Shaped as `like`: zeros where a value is dropped, else what it is multiplied with.
    fn try_mask<S: Shape, T>(
        like: &Tensor<S, f32, Self, T>,
        dropout: Dropout,
    ) -> Result<Tensor<S, f32, Self>, Self::Err>;
}

impl MaskDevice for Cpu {
    fn try_mask<S: Shape, T>(
        like: &Tensor<S, f32, Self, T>,
        dropout: Dropout,
    ) -> Result<Tensor<S, f32, Self>, CpuError> {
        let mut mask = vec![1.0; like.shape().num_elements()];
        dropout.apply(&mut mask);
        like.device().try_tensor_from_vec(mask, *like.shape())
    }
}

#[cfg(feature = "cuda")]
impl MaskDevice for Cuda {
    fn try_mask<S: Shape, T>(
        like: &Tensor<S, f32, Self, T>,
        dropout: Dropout,
    ) -> Result<Tensor<S, f32, Self>, CudaError> {
        crate::card::mask(like, dropout)
    }
}

#[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type, which is the point of them")]
pub(crate) fn dense<B: Dim, const I: usize, const O: usize, D: MaskDevice, T: Tape<f32, D>>(
    layer: &DenseLayer<I, O, f32, D>,
    x: Tensor<(B, Const<I>), f32, D, T>,
) -> Result<Tensor<(B, Const<O>), f32, D, T>, D::Err> {
    let shape = (x.shape().0, Const::<O>);
    let weight = layer.weight.retaped::<T>().try_permute::<Rank2<I, O>, _>()?;
    let z = x.try_matmul(weight)?.try_add(layer.bias.retaped::<T>().try_broadcast_like(&shape)?)?;
    let y = activate(layer.activation, z)?;
    if !T::OWNS_TAPE || !layer.dropout.is_active() {
        return Ok(y);
    }
    let mask = D::try_mask(&y, layer.dropout)?;
    y.try_mul(mask)
}

fn activate<S: Shape, D: Device<f32>, T: Tape<f32, D>>(
    activation: Activation,
    z: Tensor<S, f32, D, T>,
) -> Result<Tensor<S, f32, D, T>, D::Err> {
    match activation {
        Activation::Identity => Ok(z),
        Activation::Relu => z.try_relu(),
        Activation::LeakyRelu => z.try_prelu(0.01),
        Activation::Gelu => gelu(z),
        Activation::Tanh => z.try_tanh(),
        Activation::Sigmoid => z.try_sigmoid(),
        Activation::Silu => {
            let gate = z.with_empty_tape().try_sigmoid()?;
            z.try_mul(gate)
        }
    }
}

/// dfdx 0.13's GELU with its derivative put right: dfdx has `Φ(x) + √2 x φ(x)`, one `√½` short of the chain rule's
/// `Φ(x) + x φ(x)`. Added is a term that is zero and whose derivative is `(1 - √2) x φ(x)`: `-(1 - √2) φ(x)`, less itself
/// without a tape.
fn gelu<S: Shape, D: Device<f32>, T: Tape<f32, D>>(z: Tensor<S, f32, D, T>) -> Result<Tensor<S, f32, D, T>, D::Err> {
    const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
    let density = z.with_empty_tape().try_square()?.try_mul(-0.5)?.try_exp()?;
    let term = density.try_mul((std::f32::consts::SQRT_2 - 1.0) * INVERSE_SQRT_TAU)?;
    let (value, tape) = term.split_tape();
    // The negated copy is another tensor to the tape; the same one on both sides would be refused.
    let negated = value.clone().try_negate()?;
    let zero = value.put_tape(tape).try_add(negated)?;
    z.try_accurate_gelu()?.try_add(zero)
}

#[cfg(feature = "cuda")]
impl crate::DenseDevice for Cuda {
    fn try_dense<B: Dim, const I: usize, const O: usize, T: Tape<f32, Self>>(
        layer: &DenseLayer<I, O, f32, Self>,
        x: Tensor<(B, Const<I>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<O>), f32, Self, T>, Self::Err> {
        dense(layer, x)
    }
}
