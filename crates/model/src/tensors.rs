//! Our layers of dfdx's own operations: what runs on a card, and what the CPU's operations are tested against.

#![allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type, which is the point of them")]

use dfdx::prelude::*;
use strata_spec::Activation;

use crate::layer::fused::scaled;
use crate::layer::{BatchNormLayer, DenseLayer, EPSILON, MaskDevice};

pub(crate) fn dense<B: Dim, const I: usize, const O: usize, D: MaskDevice, T: Tape<f32, D>>(
    layer: &DenseLayer<I, O, f32, D>,
    x: Tensor<(B, Const<I>), f32, D, T>,
) -> Result<Tensor<(B, Const<O>), f32, D, T>, D::Err> {
    let y = activate(layer.activation, affine(x, &layer.weight, &layer.bias)?)?;
    if !T::OWNS_TAPE || !layer.dropout.is_active() {
        return Ok(y);
    }
    let mask = D::try_mask(&y, layer.dropout)?;
    y.try_mul(mask)
}

/// `x · weightᵀ + bias`.
pub(crate) fn affine<B: Dim, const I: usize, const O: usize, D: Device<f32>, T: Tape<f32, D>>(
    x: Tensor<(B, Const<I>), f32, D, T>,
    weight: &Tensor<Rank2<O, I>, f32, D>,
    bias: &Tensor<Rank1<O>, f32, D>,
) -> Result<Tensor<(B, Const<O>), f32, D, T>, D::Err> {
    let shape = (x.shape().0, Const::<O>);
    let weight = weight.retaped::<T>().try_permute::<Rank2<I, O>, _>()?;
    x.try_matmul(weight)?.try_add(bias.retaped::<T>().try_broadcast_like(&shape)?)
}

pub(crate) fn activate<S: Shape, D: Device<f32>, T: Tape<f32, D>>(
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

pub(crate) fn batch_norm<B: Dim, const N: usize, D: Device<f32>>(
    layer: &mut BatchNormLayer<N, f32, D>,
    x: Tensor<(B, Const<N>), f32, D, OwnedTape<f32, D>>,
) -> Result<Tensor<(B, Const<N>), f32, D, OwnedTape<f32, D>>, D::Err> {
    let shape = *x.shape();
    let (batch, momentum) = (shape.0.size() as f64, f64::from(layer.momentum));
    let (mean, tape) = x.with_empty_tape().try_mean::<Rank1<N>, Axis<0>>()?.split_tape();
    layer.running_mean.try_axpy(1.0 - momentum, &mean, momentum)?;
    let centred = x.try_sub(mean.put_tape(tape).try_broadcast_like::<_, Axis<0>>(&shape)?)?;
    let variance = centred.with_empty_tape().try_square()?.try_mean::<Rank1<N>, Axis<0>>()?;
    let (variance, tape) = variance.split_tape();
    let share = momentum * batch / (batch - 1.0);
    layer.running_var.try_axpy(1.0 - momentum, &variance, share)?;
    let deviation = variance.put_tape(tape).try_add(EPSILON)?.try_sqrt()?.try_broadcast_like::<_, Axis<0>>(&shape)?;
    scaled(centred.try_div(deviation)?, &layer.weight, Some(&layer.bias))
}

#[cfg(feature = "cuda")]
pub(crate) fn batch_norm_evaluation<B: Dim, const N: usize, D: Device<f32>>(
    layer: &BatchNormLayer<N, f32, D>,
    x: Tensor<(B, Const<N>), f32, D>,
) -> Result<Tensor<(B, Const<N>), f32, D>, D::Err> {
    let shape = *x.shape();
    let mean = layer.running_mean.clone().try_broadcast_like::<_, Axis<0>>(&shape)?;
    let deviation = layer.running_var.clone().try_add(EPSILON)?.try_sqrt()?.try_broadcast_like::<_, Axis<0>>(&shape)?;
    scaled(x.try_sub(mean)?.try_div(deviation)?, &layer.weight, Some(&layer.bias))
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

#[cfg(feature = "cuda")]
impl crate::ActivationDevice for Cuda {
    fn try_activate<T: Tape<f32, Self>>(
        activation: Activation,
        x: Tensor<(usize, usize), f32, Self, T>,
    ) -> Result<Tensor<(usize, usize), f32, Self, T>, Self::Err> {
        activate(activation, x)
    }
}

#[cfg(feature = "cuda")]
impl crate::BatchNormDevice for Cuda {
    fn try_evaluate<B: Dim, const N: usize>(
        layer: &BatchNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self>, Self::Err> {
        batch_norm_evaluation(layer, x)
    }

    fn try_train<B: Dim, const N: usize>(
        layer: &mut BatchNormLayer<N, f32, Self>,
        x: Tensor<(B, Const<N>), f32, Self, OwnedTape<f32, Self>>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, OwnedTape<f32, Self>>, Self::Err> {
        // One sample has no variance, and the running one would be no number from then on.
        if x.shape().0.size() < 2 {
            return Err(CudaError::Cpu(CpuError::WrongNumElements));
        }
        batch_norm(layer, x)
    }
}

#[cfg(feature = "cuda")]
impl MaskDevice for Cuda {
    fn try_drop_samples<T: Tape<f32, Self>>(
        x: Tensor<(usize, usize), f32, Self, T>,
        mask: crate::Mask,
    ) -> Result<Tensor<(usize, usize), f32, Self, T>, Self::Err> {
        // A value for each sample travels, and is spread on the card.
        let (batch, _) = *x.shape();
        let mut kept = vec![1.0; batch];
        mask.apply_to_samples(&mut kept, 1);
        let kept = x.device().try_tensor_from_vec(kept, (batch,))?.try_broadcast_like::<_, Axis<1>>(x.shape())?;
        x.try_mul(kept)
    }

    fn try_mask<S: Shape, T>(
        like: &Tensor<S, f32, Self, T>,
        mask: crate::Mask,
    ) -> Result<Tensor<S, f32, Self>, CudaError> {
        crate::card::mask(like, mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fused;

    fn same(ours: &[f32], theirs: &[f32]) {
        assert_eq!(ours.len(), theirs.len());
        for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
            assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "[{i}]: {a}, {b}");
        }
    }

    /// What a card computes, on dfdx's CPU device, against the fused operations: outputs, gradients, running statistics.
    #[test]
    fn tensor_normalisations_equal_the_kernels() {
        let device = Cpu::seed_from_u64(3);
        let x: Tensor<(usize, Const<7>), f32, Cpu> = device.sample_normal_like(&(5, Const::<7>));
        let mut batch = device.build_module::<crate::BatchNorm<7>, f32>();
        let mut layer = device.build_module::<crate::LayerNorm<7>, f32>();
        let mut rms = device.build_module::<crate::RmsNorm<7>, f32>();
        let gain: Vec<f32> = (0..7).map(|i| 0.5 + i as f32).collect();
        for weight in [&mut batch.weight, &mut layer.weight, &mut rms.weight] {
            weight.copy_from(&gain);
        }
        let mut other = batch.clone();
        let outputs = [
            [batch.forward_mut(x.leaky_trace()), batch_norm(&mut other, x.leaky_trace()).unwrap()],
            [layer.forward(x.leaky_trace()), crate::LayerNorm::composed(&layer, x.leaky_trace()).unwrap()],
            [rms.forward(x.leaky_trace()), crate::RmsNorm::composed(&rms, x.leaky_trace()).unwrap()],
        ];
        same(&batch.running_mean.as_vec(), &other.running_mean.as_vec());
        same(&batch.running_var.as_vec(), &other.running_var.as_vec());
        let weights = [&batch.weight, &layer.weight, &rms.weight];
        for ([ours, theirs], weight) in outputs.into_iter().zip(weights) {
            same(&ours.as_vec(), &theirs.as_vec());
            let loss = |y: Tensor<(usize, Const<7>), f32, Cpu, OwnedTape<f32, Cpu>>| y.exp().sum().backward();
            let (ours, theirs) = (loss(ours), loss(theirs));
            same(&ours.get(&x).as_vec(), &theirs.get(&x).as_vec());
            same(&ours.get(weight).as_vec(), &theirs.get(weight).as_vec());
        }
    }
}
