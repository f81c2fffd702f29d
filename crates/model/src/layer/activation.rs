//! Activations as layers of their own.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_spec::{Activation, LayerSpec};

use super::fused::operation;
use super::{Description, Layer, Layers};
use crate::storage::values;

/// An activation: `Activate<{ Activation::Gelu as u8 }>`, which `net!` writes as `gelu`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activate<const A: u8>;

impl<const A: u8> Activate<A> {
    const ACTIVATION: Activation = Activation::ALL[A as usize];
}

impl<const A: u8> ZeroSizedModule for Activate<A> {}
impl<const A: u8> NonMutableModule for Activate<A> {}

/// What [`Activate`] needs of a device.
pub trait ActivationDevice: Device<f32> {
    /// The activation of `x`, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does.
    fn try_activate<S: Shape, T: Tape<f32, Self>>(
        activation: Activation,
        x: Tensor<S, f32, Self, T>,
    ) -> Result<Tensor<S, f32, Self, T>, Self::Err>;
}

impl<const A: u8, S: Shape, D: ActivationDevice, T: Tape<f32, D>> Module<Tensor<S, f32, D, T>> for Activate<A> {
    type Output = Tensor<S, f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<S, f32, D, T>) -> Result<Self::Output, D::Err> {
        D::try_activate(Self::ACTIVATION, x)
    }
}

impl ActivationDevice for Cpu {
    fn try_activate<S: Shape, T: Tape<f32, Self>>(
        activation: Activation,
        x: Tensor<S, f32, Self, T>,
    ) -> Result<Tensor<S, f32, Self, T>, CpuError> {
        let (x, tape) = x.try_contiguous()?.split_tape();
        let mut y = kernels::copied(values(&x));
        kernels::activate(activation, &mut y);
        operation(x, tape, y, move |mut done, _| {
            let at = if kernels::derivative_needs_input(activation) { &done.x } else { &done.y };
            kernels::activation_gradient(activation, values(at), &mut done.dy);
            Ok(done.dy)
        })
    }
}

impl<const A: u8> Layer for Activate<A> {}

impl<const A: u8> Layers for Activate<A> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(None, LayerSpec::Activation(Self::ACTIVATION));
    }
}
