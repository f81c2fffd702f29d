//! Dropout as a layer of its own, its masks a function of seed, place and step.

use dfdx::prelude::*;
use strata_spec::{LayerKind, LayerSpec};

use crate::layer::fused::Features;
use crate::layer::mask::{Mask, MaskDevice};
use crate::layer::word::{AtRunTime, LayerOfWord, Word};
use crate::layer::{Description, Layer, Layers};
use crate::storage::realized;

/// Drops values in training, each with a probability of so many millionths; `net!` writes `dropout(0.1)`. What is kept is scaled up, so that
/// evaluation does nothing (Srivastava et al. 2014).
///
/// Unlike dfdx's own dropout it needs no generator: [`Layers::configure`] gives the seed, [`Layers::set_step`] the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutLayer<const PPM: u32> {
    mask: Mask,
}

impl<const N: usize, const PPM: u32> LayerOfWord for Word<true, { LayerKind::Dropout as u8 }, N, PPM> {
    type Layer = DropoutLayer<PPM>;
}

/// Using a network drops nothing.
pub(super) const AT_RUN_TIME: AtRunTime = AtRunTime::plain(|input| input.x);

impl<const PPM: u32> Default for DropoutLayer<PPM> {
    fn default() -> Self {
        const { assert!(PPM < 1_000_000, "not everything can be dropped") };
        Self { mask: Mask { probability: (f64::from(PPM) / 1e6) as f32, ..Mask::default() } }
    }
}

impl<const PPM: u32> ZeroSizedModule for DropoutLayer<PPM> {}
impl<const PPM: u32> NonMutableModule for DropoutLayer<PPM> {}

impl<const PPM: u32, B: Dim, const N: usize, D: MaskDevice, T: Tape<f32, D>> Module<Features<B, N, D, T>>
    for DropoutLayer<PPM>
{
    type Output = Features<B, N, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Features<B, N, D, T>) -> Result<Self::Output, D::Err> {
        if !T::OWNS_TAPE || !self.mask.is_active() {
            return Ok(x);
        }
        Ok(realized(D::try_drop_values(realized(x), self.mask)?))
    }
}

impl<const PPM: u32> Layer for DropoutLayer<PPM> {
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
        let kind = LayerKind::Dropout;
        description.push(None, LayerSpec::SameWidth { kind, argument: kind.decode(PPM) });
    }

    fn is_chain(&self) -> bool {
        true
    }
}
