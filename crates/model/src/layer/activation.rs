//! Activations as layers of their own.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_spec::{Activation, LayerSpec};

use super::fused::{Features, Rows, changed, operation};
use super::{Description, Layer, Layers};
use crate::storage::{realized, values};

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
    /// The activation of `x`, `[batch, features]`, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does.
    #[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
    fn try_activate<T: Tape<f32, Self>>(
        activation: Activation,
        x: Tensor<(usize, usize), f32, Self, T>,
    ) -> Result<Tensor<(usize, usize), f32, Self, T>, Self::Err>;
}

impl<const A: u8, B: Dim, const N: usize, D: ActivationDevice, T: Tape<f32, D>> Module<Features<B, N, D, T>>
    for Activate<A>
{
    type Output = Features<B, N, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Features<B, N, D, T>) -> Result<Self::Output, D::Err> {
        Ok(realized(D::try_activate(Self::ACTIVATION, realized(x))?))
    }
}

impl ActivationDevice for Cpu {
    fn try_activate<T: Tape<f32, Self>>(activation: Activation, x: Rows<T>) -> Result<Rows<T>, CpuError> {
        let (x, tape) = x.try_contiguous()?.split_tape();
        let y = changed(&x, |values| kernels::activate(activation, values))?;
        let at = if kernels::derivative_needs_input(activation) { x.clone() } else { y.clone() };
        Ok(operation(&x, tape, y, move |mut gradient, of_x, gradients| {
            kernels::activation_gradient(activation, values(&at), &mut gradient);
            of_x.add(gradients, gradient)
        }))
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

    fn is_chain(&self) -> bool {
        true
    }
}
