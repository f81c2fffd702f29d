//! Layers that are one operation of the tape on a CPU, over kernels, and some of dfdx's operations on other devices.

#![allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]

use dfdx::prelude::*;
use strata_kernels as kernels;

pub(crate) use crate::gradients::add_to;
use crate::gradients::{InputGradient, OutputGradient};
use crate::storage::{realized, tensor_from_vec, values};

/// `[batch, features]`, however many they are.
pub(super) type Rows<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;

/// `[batch, N]`.
pub(crate) type Features<B, const N: usize, D, T = NoneTape> = Tensor<(B, Const<N>), f32, D, T>;

/// A layer of `N` features in and out.
pub trait Fused<const N: usize> {
    /// The layer as it is built on a device.
    type On<D: Device<f32>>;

    /// The layer's output for `x` (`[batch, N]`), worked out over kernels, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where dfdx does, out of memory for one.
    fn fused<T: Tape<f32, Cpu>>(
        layer: &Self::On<Cpu>,
        x: Tensor<(usize, usize), f32, Cpu, T>,
    ) -> Result<Tensor<(usize, usize), f32, Cpu, T>, CpuError>;

    /// The same of dfdx's operations.
    ///
    /// # Errors
    /// Where the device does.
    fn composed<B: Dim, D: Device<f32>, T: Tape<f32, D>>(
        layer: &Self::On<D>,
        x: Tensor<(B, Const<N>), f32, D, T>,
    ) -> Result<Tensor<(B, Const<N>), f32, D, T>, D::Err>;
}

/// A device that knows which of the two it takes.
pub trait FusedDevice: Device<f32> {
    /// The output of a layer, and what its backward pass needs on the tape.
    ///
    /// # Errors
    /// Where the device does.
    fn try_layer<L: Fused<N>, B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &L::On<Self>,
        x: Tensor<(B, Const<N>), f32, Self, T>,
    ) -> Result<Tensor<(B, Const<N>), f32, Self, T>, Self::Err>;
}

impl FusedDevice for Cpu {
    fn try_layer<L: Fused<N>, B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &L::On<Self>,
        x: Features<B, N, Self, T>,
    ) -> Result<Features<B, N, Self, T>, CpuError> {
        Ok(realized(L::fused(layer, realized(x))?))
    }
}

#[cfg(feature = "cuda")]
impl FusedDevice for Cuda {
    fn try_layer<L: Fused<N>, B: Dim, const N: usize, T: Tape<f32, Self>>(
        layer: &L::On<Self>,
        x: Features<B, N, Self, T>,
    ) -> Result<Features<B, N, Self, T>, Self::Err> {
        L::composed(layer, x)
    }
}

/// `y`, an operation's output of `x`, with the backward operation on its tape: `backward` adds the gradients of `x` and of parameters, from that of
/// `y`, to those that there are.
pub(super) fn operation<T: Tape<f32, Cpu>>(
    x: &Rows,
    mut tape: T,
    y: Rows,
    backward: impl FnOnce(Vec<f32>, InputGradient, &mut Gradients<f32, Cpu>) -> Result<(), CpuError> + 'static,
) -> Rows<T> {
    if T::OWNS_TAPE {
        let (of_x, of_y) = (InputGradient::of(x), OutputGradient::of(&y));
        tape.add_backward_op(move |gradients| {
            let dy = of_y.take(gradients)?;
            backward(dy, of_x, gradients)
        });
    }
    y.put_tape(tape)
}

/// A tensor of what `change` makes of a copy of the values of `x`.
pub(super) fn changed(x: &Rows, change: impl FnOnce(&mut [f32])) -> Result<Rows, CpuError> {
    let mut y = kernels::copied(values(x));
    change(&mut y);
    tensor_from_vec(x.device(), y, *x.shape())
}

/// `x · weight + bias` of dfdx's operations, `weight` and `bias` for each feature.
pub(crate) fn scaled<B: Dim, const N: usize, D: Device<f32>, T: Tape<f32, D>>(
    x: Features<B, N, D, T>,
    weight: &Tensor<Rank1<N>, f32, D>,
    bias: Option<&Tensor<Rank1<N>, f32, D>>,
) -> Result<Features<B, N, D, T>, D::Err> {
    let shape = *x.shape();
    let y = x.try_mul(weight.retaped::<T>().try_broadcast_like::<_, Axis<0>>(&shape)?)?;
    match bias {
        Some(bias) => y.try_add(bias.retaped::<T>().try_broadcast_like::<_, Axis<0>>(&shape)?),
        None => Ok(y),
    }
}
