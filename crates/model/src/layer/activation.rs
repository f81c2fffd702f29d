//! Activations as layers of their own.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_rng::TorchRng;
use strata_spec::{Activation, LayerSpec};

use super::dense_cpu::add_to;
use super::{Description, Layer, Layers};
use crate::storage::{tensor_from_vec, values};

/// An activation: `Activate<{ Activation::Gelu as u8 }>`, which `net!` writes as `gelu`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activate<const A: u8>;

impl<const A: u8> Activate<A> {
    const ACTIVATION: Activation = Activation::ALL[A as usize];
}

impl<const A: u8> ZeroSizedModule for Activate<A> {}
impl<const A: u8> NonMutableModule for Activate<A> {}

/// The place among all activations of the one that a config calls `name`, at compile time: `net!` finds activations by it.
///
/// # Panics
/// Where there is none, which is an error of the compiler in a type.
pub const fn activation_number(name: &str) -> u8 {
    let mut number = 0;
    while number < Activation::NAMES.len() {
        if is_same(Activation::NAMES[number].as_bytes(), name.as_bytes()) {
            return number as u8;
        }
        number += 1;
    }
    panic!("no layer, normalisation or activation has this name")
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

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
        let (x, mut tape) = x.try_contiguous()?.split_tape();
        let mut y = kernels::copied(values(&x));
        kernels::activate(activation, &mut y);
        let y = tensor_from_vec(x.device(), y, *x.shape())?;
        let output = y.clone();
        tape.add_backward_op(move |gradients| {
            let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(&output)?;
            let mut dx = kernels::copied(gradient);
            let at = if kernels::derivative_needs_input(activation) { values(&x) } else { values(&output) };
            kernels::activation_gradient(activation, at, &mut dx);
            add_to(gradients.get_or_alloc_mut(&x)?, dx);
            Ok(())
        });
        Ok(y.put_tape(tape))
    }
}

impl<const A: u8> Layer for Activate<A> {
    fn initialise(&mut self, _: &mut TorchRng) {}
    fn set_seed(&mut self, _: u64, _: usize) {}
    fn set_step(&mut self, _: u64) {}
}

impl<const A: u8> Layers for Activate<A> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(None, LayerSpec::Activation(Self::ACTIVATION));
    }
}
