//! Dropout masks that are a function of seed, layer and step, so that a resume needs no generator's state.

use dfdx::prelude::*;
use strata_kernels as kernels;
use strata_rng::Philox;

use super::fused::{changed, operation};
use crate::storage::tensor_from_vec;

/// Which share of a layer's outputs is dropped in training, and what decides which (Srivastava et al. 2014).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mask {
    /// Probability that an output is dropped, in `0..1`.
    pub(crate) probability: f32,
    pub(crate) seed: u64,
    /// The layer's place in the network.
    pub(crate) layer: u64,
    /// The training step, counted over the run.
    pub(crate) step: u64,
}

impl Mask {
    pub(crate) fn is_active(self) -> bool {
        self.probability > 0.0
    }

    /// The generator's seed and stream.
    pub(crate) fn key(self) -> (u64, u64) {
        // A byte of the stream tells 256 layers apart; the next 256 have another seed.
        let seed = self.seed.wrapping_add((self.layer >> 8).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (seed, self.step << 8 | self.layer & 0xff)
    }

    /// What a value that is kept is multiplied with.
    pub(crate) fn scale(self) -> f32 {
        1.0 / (1.0 - self.probability)
    }

    /// A draw of 32 bits below this drops: 2³² times the probability.
    pub(crate) fn threshold(self) -> u32 {
        (f64::from(self.probability) * 4_294_967_296.0) as u32
    }

    /// Multiplies the values that are kept by `1 / (1 - probability)` and the others by zero. The same call again gives
    /// the same mask, which is how the backward pass has it without keeping it.
    pub(crate) fn apply(self, values: &mut [f32]) {
        if !self.is_active() {
            return;
        }
        let (seed, stream) = self.key();
        kernels::drop_values(values, &Words(Philox::new(seed, stream)), self.threshold(), self.scale());
    }
}

/// The generator, for the kernel.
struct Words(Philox);

impl kernels::WordsByPlace for Words {
    #[inline(always)]
    fn blocks<const N: usize>(&self, first: u64) -> [[u32; N]; 4] {
        self.0.blocks(first)
    }
}

impl Mask {
    /// Zeroes the samples, `features` values each, that go without a branch; a draw each, by a sample's place.
    pub(crate) fn apply_to_samples(self, values: &mut [f32], features: usize) {
        let (seed, stream) = self.key();
        let (generator, threshold) = (Philox::new(seed, stream), self.threshold());
        for (block, samples) in (0..).zip(values.chunks_mut(4 * features.max(1))) {
            for (sample, draw) in samples.chunks_mut(features.max(1)).zip(generator.block(block)) {
                if draw < threshold {
                    sample.fill(0.0);
                }
            }
        }
    }
}

/// Dropout where the tensors are.
pub trait MaskDevice: Device<f32> {
    /// Shaped as `like`: zeros where a value is dropped, else what it is multiplied with.
    ///
    /// # Errors
    /// Where the device does.
    fn try_mask<S: Shape, T>(like: &Tensor<S, f32, Self, T>, mask: Mask) -> Result<Tensor<S, f32, Self>, Self::Err>;

    /// `x`, `[batch, features]`, without the values that are dropped, the others scaled.
    ///
    /// # Errors
    /// Where the device does.
    fn try_drop_values<T: Tape<f32, Self>>(x: Rows<Self, T>, mask: Mask) -> Result<Rows<Self, T>, Self::Err> {
        let kept = Self::try_mask(&x, mask)?;
        x.try_mul(kept)
    }

    /// `x`, `[batch, features]`, zeros for the samples that go without a branch.
    ///
    /// # Errors
    /// Where the device does.
    fn try_drop_samples<T: Tape<f32, Self>>(x: Rows<Self, T>, mask: Mask) -> Result<Rows<Self, T>, Self::Err>;
}

/// `[batch, features]`, however many they are.
type Rows<D, T> = Tensor<(usize, usize), f32, D, T>;

impl MaskDevice for Cpu {
    fn try_mask<S: Shape, T>(like: &Tensor<S, f32, Self, T>, mask: Mask) -> Result<Tensor<S, f32, Self>, CpuError> {
        let mut values = vec![1.0; like.shape().num_elements()];
        mask.apply(&mut values);
        tensor_from_vec(like.device(), values, *like.shape())
    }

    fn try_drop_values<T: Tape<f32, Self>>(x: Rows<Self, T>, mask: Mask) -> Result<Rows<Self, T>, CpuError> {
        by_values(x, move |values, _| mask.apply(values))
    }

    fn try_drop_samples<T: Tape<f32, Self>>(x: Rows<Self, T>, mask: Mask) -> Result<Rows<Self, T>, CpuError> {
        by_values(x, move |values, features| mask.apply_to_samples(values, features))
    }
}

/// What `drop_some` leaves of `x`, and of the gradient that comes back.
fn by_values<T: Tape<f32, Cpu>>(
    x: Rows<Cpu, T>,
    drop_some: impl Fn(&mut [f32], usize) + 'static,
) -> Result<Rows<Cpu, T>, CpuError> {
    let (x, tape) = x.try_contiguous()?.split_tape();
    let features = x.shape().1;
    let y = changed(&x, |values| drop_some(values, features))?;
    Ok(operation(&x, tape, y, move |mut gradient, of_x, gradients| {
        drop_some(&mut gradient, features);
        of_x.add(gradients, gradient)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of n = 100,000 outputs at p = 0.3, 30,000 ± 5·√(n p (1 - p)) = ± 725 are dropped, the others scaled by 1/0.7.
    /// Of n = 10,000 samples at p = 0.3, 3,000 ± 5·√(n p (1 - p)) = ± 229 go without a branch, each as a whole, wherever the batch ends.
    #[test]
    fn whole_samples_are_left_out_by_their_place() {
        let mask = Mask { probability: 0.3, seed: 43, layer: 1, step: 7 };
        let mut values = vec![1.0; 30_000];
        mask.apply_to_samples(&mut values, 3);
        assert!(values.chunks(3).all(|sample| sample == [0.0; 3] || sample == [1.0; 3]));
        let dropped = values.iter().filter(|value| **value == 0.0).count() / 3;
        assert!((2_771..=3_229).contains(&dropped), "{dropped}");
        let mut fewer = vec![1.0; 7];
        mask.apply_to_samples(&mut fewer, 1);
        assert!(fewer.iter().zip(values.chunks(3)).all(|(value, sample)| *value == sample[0]));
    }

    #[test]
    fn dropout_drops_its_share_and_scales_the_rest() {
        let dropout = Mask { probability: 0.3, seed: 43, layer: 1, step: 7 };
        let mut values = vec![1.0; 100_000];
        dropout.apply(&mut values);
        let dropped = values.iter().filter(|v| **v == 0.0).count();
        assert!((29_275..=30_725).contains(&dropped), "{dropped}");
        assert!(values.iter().all(|v| *v == 0.0 || (*v - 1.0 / 0.7).abs() < 1e-6));
    }

    #[test]
    fn dropout_masks_are_a_function_of_seed_layer_and_step() {
        let mask = |seed, layer, step| {
            let mut values = vec![1.0; 64];
            Mask { probability: 0.5, seed, layer, step }.apply(&mut values);
            values
        };
        assert_eq!(mask(1, 2, 3), mask(1, 2, 3));
        for other in [mask(2, 2, 3), mask(1, 3, 3), mask(1, 2, 4), mask(1, 258, 3), mask(1, 258, 2)] {
            assert_ne!(mask(1, 2, 3), other);
        }
    }
}
