//! What training on a device needs besides its operations: a data set held there as bytes, scores kept there until they are read.

use std::sync::Arc;

use dfdx::prelude::*;
use strata_kernels::{CrossEntropy, Loss, LossSum, Targets};

use crate::DenseDevice;
use crate::loss::on_kernels;
use crate::storage::realized;

/// Samples as bytes, and the value that each byte stands for.
#[derive(Clone, Copy)]
pub struct ByteSamples<'a> {
    /// `[samples, features]`.
    pub bytes: &'a [u8],
    /// The values of the 256 bytes, a table for each of the equal parts (channels) that a sample's features fall into.
    pub tables: &'a [[f32; 256]],
}

impl std::fmt::Debug for ByteSamples<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // 150 million bytes say nothing in a log.
        let (bytes, tables) = (self.bytes.len(), self.tables.len());
        f.debug_struct("ByteSamples").field("bytes", &bytes).field("tables", &tables).finish()
    }
}

impl ByteSamples<'_> {
    /// Whether these are whole samples of `features` values, the tables sharing them equally.
    pub fn fits(&self, features: usize) -> bool {
        let parts = self.tables.len();
        parts > 0 && features > 0 && features.is_multiple_of(parts) && self.bytes.len().is_multiple_of(features)
    }
}

/// A device that trains without a word from the host in a step: it holds the data set, gathers batches from it, and keeps the scores.
pub trait TrainingDevice: DenseDevice {
    /// Samples of `I` features that the device holds.
    type Held<const I: usize>: 'static;

    /// Copies `samples` to the device, once, as bytes.
    ///
    /// # Errors
    /// Where the device does, out of memory for one.
    ///
    /// # Panics
    /// Where `samples` does not fit `I` ([`ByteSamples::fits`]).
    fn try_hold<const I: usize>(&self, samples: ByteSamples<'_>) -> Result<Self::Held<I>, Self::Err>;

    /// How many samples are held.
    fn held<const I: usize>(held: &Self::Held<I>) -> usize;

    /// The values of the samples at `indices`, `[indices.len(), I]`: to the bit those of the tables.
    ///
    /// # Errors
    /// Where the device does.
    ///
    /// # Panics
    /// Where an index is not below [`TrainingDevice::held`].
    #[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
    fn try_gather<const I: usize>(
        &self,
        held: &mut Self::Held<I>,
        indices: &[u32],
    ) -> Result<Tensor<(usize, Const<I>), f32, Self>, Self::Err>;

    /// Copies `values` into a buffer of the device, which is as long.
    ///
    /// # Errors
    /// Where the device does.
    ///
    /// # Panics
    /// Where the lengths differ.
    fn try_write(&self, buffer: &mut <Self as Storage<f32>>::Vec, values: &[f32]) -> Result<(), Self::Err>;

    /// Scores of samples, on the device.
    type Scores: Default + 'static;

    /// Adds what `logits` (`[batch, C]`) say about `targets` (of `[batch]` samples and `C` classes) to `scores`, and gives a scalar to go back from: its
    /// gradients are those of the mean softmax cross entropy with this label `smoothing` ([`CrossEntropy`]), its value means nothing.
    ///
    /// # Errors
    /// Where the device does.
    ///
    /// # Panics
    /// Where the targets would not pass [`Targets::check`], or there are none.
    fn try_score<const C: usize, T: Tape<f32, Self>>(
        &self,
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        targets: Targets<'_>,
        smoothing: f32,
        scores: &mut Self::Scores,
    ) -> Result<Tensor<Rank0, f32, Self, T>, Self::Err>;

    /// Waits for the device and takes the scores: their sums, and of how many samples. `scores` is empty then.
    ///
    /// # Errors
    /// Where the device does.
    fn try_take(&self, scores: &mut Self::Scores) -> Result<(LossSum, usize), Self::Err>;
}

/// Samples held in host memory.
#[derive(Debug)]
pub struct HeldOnCpu {
    bytes: Vec<u8>,
    tables: Vec<[f32; 256]>,
    samples: usize,
}

impl TrainingDevice for Cpu {
    type Held<const I: usize> = HeldOnCpu;

    fn try_hold<const I: usize>(&self, samples: ByteSamples<'_>) -> Result<HeldOnCpu, CpuError> {
        assert!(samples.fits(I), "{samples:?} are no samples of {I} features");
        let ByteSamples { bytes, tables } = samples;
        Ok(HeldOnCpu { bytes: bytes.to_vec(), tables: tables.to_vec(), samples: bytes.len() / I })
    }

    fn held<const I: usize>(held: &HeldOnCpu) -> usize {
        held.samples
    }

    fn try_gather<const I: usize>(
        &self,
        held: &mut HeldOnCpu,
        indices: &[u32],
    ) -> Result<Tensor<(usize, Const<I>), f32, Self>, CpuError> {
        let mut values = Vec::with_capacity(indices.len() * I);
        for index in indices {
            let sample = &held.bytes[*index as usize * I..][..I];
            for (table, part) in held.tables.iter().zip(sample.chunks_exact(I / held.tables.len())) {
                values.extend(part.iter().map(|byte| table[usize::from(*byte)]));
            }
        }
        crate::storage::tensor_from_vec(self, values, (indices.len(), Const))
    }

    fn try_write(&self, buffer: &mut <Self as Storage<f32>>::Vec, values: &[f32]) -> Result<(), CpuError> {
        buffer.copy_from_slice(values);
        Ok(())
    }

    type Scores = (LossSum, usize);

    fn try_score<const C: usize, T: Tape<f32, Self>>(
        &self,
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        targets: Targets<'_>,
        smoothing: f32,
        (total, samples): &mut Self::Scores,
    ) -> Result<Tensor<Rank0, f32, Self, T>, CpuError> {
        let logits = logits.try_contiguous()?;
        let loss: Arc<dyn Loss> = Arc::new(CrossEntropy { label_smoothing: smoothing });
        let batch = loss.loss(crate::storage::values(&logits), targets, C);
        total.loss += batch.loss;
        total.correct += batch.correct;
        *samples += targets.labels.len();
        on_kernels(realized(logits), targets, &loss)
    }

    fn try_take(&self, scores: &mut Self::Scores) -> Result<(LossSum, usize), CpuError> {
        Ok(std::mem::take(scores))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two samples of two parts of two features; part 0 doubles a byte, part 1 negates it.
    #[test]
    fn bytes_are_looked_up_in_their_channels_table() {
        let tables = [std::array::from_fn(|byte| byte as f32 * 2.0), std::array::from_fn(|byte| -(byte as f32))];
        let samples = ByteSamples { bytes: &[1, 2, 3, 4, 5, 6, 7, 8], tables: &tables };
        assert!(samples.fits(4) && !samples.fits(3) && !samples.fits(5) && !samples.fits(0));
        let device = Cpu::default();
        let mut held = device.try_hold::<4>(samples).unwrap();
        assert_eq!(<Cpu as TrainingDevice>::held::<4>(&held), 2);
        let batch = device.try_gather::<4>(&mut held, &[1, 0, 1]).unwrap();
        assert_eq!(batch.as_vec(), [10.0, 12.0, -7.0, -8.0, 2.0, 4.0, -3.0, -4.0, 10.0, 12.0, -7.0, -8.0]);
    }
}
