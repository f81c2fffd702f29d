//! Dropout as a layer of its own, its masks a function of seed, place and step.

use dfdx::prelude::*;
use strata_rng::TorchRng;
use strata_spec::LayerSpec;

use super::mask::{Mask, MaskDevice};
use super::{Description, Layer, Layers};

/// Drops values in training, each with a probability of so many millionths; `net!` writes `dropout(0.1)`. What is kept is scaled up, so that
/// evaluation does nothing (Srivastava et al. 2014).
///
/// Unlike dfdx's own dropout it needs no generator: [`Layers::configure`] gives the seed, [`Layers::set_step`] the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutLayer<const PPM: u32> {
    mask: Mask,
}

/// The millionths of a probability in `0..1`.
///
/// # Panics
/// Where it is none.
pub const fn parts_per_million(probability: f64) -> u32 {
    assert!(0.0 <= probability && probability < 1.0, "a probability of dropout is from 0 up to but not including 1");
    (probability * 1e6 + 0.5) as u32
}

impl<const PPM: u32> Default for DropoutLayer<PPM> {
    fn default() -> Self {
        const { assert!(PPM < 1_000_000, "not everything can be dropped") };
        Self { mask: Mask { probability: (f64::from(PPM) / 1e6) as f32, ..Mask::default() } }
    }
}

impl<const PPM: u32> ZeroSizedModule for DropoutLayer<PPM> {}
impl<const PPM: u32> NonMutableModule for DropoutLayer<PPM> {}

impl<const PPM: u32, S: Shape, D: MaskDevice, T: Tape<f32, D>> Module<Tensor<S, f32, D, T>> for DropoutLayer<PPM> {
    type Output = Tensor<S, f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<S, f32, D, T>) -> Result<Self::Output, D::Err> {
        if !T::OWNS_TAPE || !self.mask.is_active() {
            return Ok(x);
        }
        let mask = D::try_mask(&x, self.mask)?;
        x.try_mul(mask)
    }
}

impl<const PPM: u32> Layer for DropoutLayer<PPM> {
    fn initialise(&mut self, _: &mut TorchRng) {}

    fn set_seed(&mut self, seed: u64, place: usize) {
        self.mask = Mask { seed, layer: place as u64, step: 0, ..self.mask };
    }

    fn set_step(&mut self, step: u64) {
        self.mask.step = step;
    }
}

impl<const PPM: u32> Layers for DropoutLayer<PPM> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        description.push(None, LayerSpec::Dropout { probability: f64::from(PPM) / 1e6 });
    }
}
