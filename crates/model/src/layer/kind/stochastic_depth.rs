//! Stochastic depth: in training the branch of a skip connection is left out for some samples.

use dfdx::prelude::*;
use strata_spec::{LayerKind, LayerSpec};

use crate::layer::mask::{Mask, MaskDevice};
use crate::layer::word::{AtRunTime, LayerOfWord, Word};
use crate::layer::{Description, Layer, Layers};
use crate::storage::realized;

/// The end of a skip connection's branch, which makes it one of stochastic depth (Huang et al. 2016): in training each sample goes without the
/// branch with a probability of so many millionths, in evaluation the branch counts by the probability that it is there.
/// `net!` writes `skip(…, 16 stochastic_depth(0.1))`.
///
/// Which samples go without it is a function of the seed, the layer's place, the step and the sample's place in the batch, so it needs no generator:
/// [`Layers::configure`] gives the seed, [`Layers::set_step`] the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticDepth<const PPM: u32> {
    mask: Mask,
}

impl<const N: usize, const PPM: u32> LayerOfWord for Word<true, { LayerKind::StochasticDepth as u8 }, N, PPM> {
    type Layer = StochasticDepth<PPM>;
}

/// As many samples have the branch in training.
pub(super) const AT_RUN_TIME: AtRunTime = AtRunTime::plain(|mut input| {
    let present = 1.0 - input.argument as f32;
    input.x.iter_mut().for_each(|value| *value *= present);
    input.x
});

impl<const PPM: u32> Default for StochasticDepth<PPM> {
    fn default() -> Self {
        const { assert!(PPM < 1_000_000, "not every sample can go without a branch") };
        Self { mask: Mask { probability: (f64::from(PPM) / 1e6) as f32, ..Mask::default() } }
    }
}

impl<const PPM: u32> ZeroSizedModule for StochasticDepth<PPM> {}
impl<const PPM: u32> NonMutableModule for StochasticDepth<PPM> {}

impl<const PPM: u32, B: Dim, const N: usize, D: MaskDevice, T: Tape<f32, D>> Module<Tensor<(B, Const<N>), f32, D, T>>
    for StochasticDepth<PPM>
{
    type Output = Tensor<(B, Const<N>), f32, D, T>;
    type Error = D::Err;

    fn try_forward(&self, x: Tensor<(B, Const<N>), f32, D, T>) -> Result<Self::Output, D::Err> {
        if !self.mask.is_active() {
            return Ok(x);
        }
        let x: Tensor<(usize, usize), f32, D, T> = realized(x);
        if !T::OWNS_TAPE {
            return Ok(realized(x.try_mul(1.0 - self.mask.probability)?));
        }
        Ok(realized(D::try_drop_samples(x, self.mask)?))
    }
}

impl<const PPM: u32> Layer for StochasticDepth<PPM> {
    fn set_seed(&mut self, seed: u64, place: usize) {
        self.mask = Mask { seed, layer: place as u64, step: 0, ..self.mask };
    }

    fn set_step(&mut self, step: u64) {
        self.mask.step = step;
    }
}

impl<const PPM: u32> Layers for StochasticDepth<PPM> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        let kind = LayerKind::StochasticDepth;
        description.push(None, LayerSpec::SameWidth { kind, argument: kind.decode(PPM) });
    }
}
