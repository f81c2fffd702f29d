//! Scaling: how a byte becomes the number that a network sees.

use std::sync::Arc;

use strata_rng::Philox;

use super::Transform;
use crate::{DatasetError, ImageShape};

/// How a byte becomes the number a network sees.
#[derive(Clone, Debug, PartialEq)]
pub enum PixelScale {
    /// `byte / 255`, in 0..1, as torchvision's `ToTensor`.
    Unit,
    /// `(byte / 255 - mean) / deviation`, as torchvision's `Normalize`; one of each a channel.
    Normalised {
        /// Each channel's mean, of pixels in 0..1.
        mean: Vec<f32>,
        /// Each channel's standard deviation, above zero.
        deviation: Vec<f32>,
    },
}

/// Worked out for each pixel anew: the compiler makes vectors of it, and a table of 256 values takes twice as long.
#[derive(Clone, Debug, PartialEq)]
struct Scaling {
    /// Mean and deviation of each channel; none where the quotient is the value.
    channels: Option<Vec<(f32, f32)>>,
    shape: ImageShape,
    tables: Vec<[f32; 256]>,
}

impl PixelScale {
    /// The transform of images of this shape.
    ///
    /// # Errors
    ///
    /// As [`PixelScale::tables`].
    pub fn transform(&self, shape: ImageShape) -> Result<Arc<dyn Transform>, DatasetError> {
        let (channels, tables) = (self.channels(shape.channels)?, self.tables(shape.channels)?);
        Ok(Arc::new(Scaling { channels, shape, tables }))
    }

    /// The value of each of the 256 bytes, a table a channel: exactly what a batch's pixels are made of, for a device that makes its own.
    ///
    /// # Errors
    ///
    /// Where there is not one mean and deviation a channel, or one of them cannot normalise it.
    pub fn tables(&self, channels: usize) -> Result<Vec<[f32; 256]>, DatasetError> {
        let table = |value: &dyn Fn(f32) -> f32| std::array::from_fn(|byte| value(quotient(byte as u8)));
        Ok(match self.channels(channels)? {
            None => vec![table(&|quotient| quotient); channels],
            Some(list) => list.iter().map(|(m, d)| table(&|quotient| (quotient - m) / d)).collect(),
        })
    }

    /// Mean and deviation of each channel; none where the quotient is the value.
    fn channels(&self, channels: usize) -> Result<Option<Vec<(f32, f32)>>, DatasetError> {
        let (mean, deviation) = match self {
            Self::Unit => return Ok(None),
            Self::Normalised { mean, deviation } => (mean, deviation),
        };
        for (name, list) in [("mean", mean), ("deviation", deviation)] {
            if list.len() != channels {
                return Err(DatasetError::value(
                    name,
                    list.len(),
                    format!("one value for each of {channels} channels is needed"),
                ));
            }
        }
        let bad = mean.iter().zip(deviation).position(|(m, d)| !m.is_finite() || !d.is_finite() || *d <= 0.0);
        if let Some(channel) = bad {
            return Err(DatasetError::value(
                "channel",
                channel,
                format!(
                    "mean {} and deviation {} cannot normalise it: the deviation must be above zero",
                    mean[channel], deviation[channel]
                ),
            ));
        }
        Ok(Some(mean.iter().copied().zip(deviation.iter().copied()).collect()))
    }
}

impl Transform for Scaling {
    fn check(&self, shape: ImageShape) -> Result<(), DatasetError> {
        super::same_shape([self.shape.channels, self.shape.height, self.shape.width], shape)
    }

    fn apply(&self, image: &[u8], _: ImageShape, _: &Philox, out: &mut [f32]) {
        match &self.channels {
            None => out.iter_mut().zip(image).for_each(|(out, &byte)| *out = quotient(byte)),
            Some(channels) => {
                let plane = self.shape.plane();
                let planes = image.chunks_exact(plane).zip(out.chunks_exact_mut(plane));
                for (&(mean, deviation), (plane, out)) in channels.iter().zip(planes) {
                    out.iter_mut().zip(plane).for_each(|(out, &byte)| *out = (quotient(byte) - mean) / deviation);
                }
            }
        }
    }

    fn tables(&self) -> Option<&[[f32; 256]]> {
        Some(&self.tables)
    }
}

/// `byte / 255`, to the bit, without a division: 1/255 in two parts, the first so short that its product with a byte is exact.
/// The sum is rounded once, and no quotient lies so near the middle of two floats that the second product's own
/// rounding decides (the test tries all of them).
fn quotient(byte: u8) -> f32 {
    /// The first 16 of 1/255's significant bits: 257 / 2¹⁶.
    const FIRST: f32 = 257.0 / 65_536.0;
    /// The rest: 1/255 - 257 / 2¹⁶ = 1 / (255 · 2¹⁶).
    const REST: f32 = 1.0 / (255.0 * 65_536.0);
    let byte = f32::from(byte);
    byte * FIRST + byte * REST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Augmentation, PassDraws};
    use crate::served::Source;
    use crate::{BatchContent, ImageBatch, Images};

    fn batch(images: &Images, indices: &[u32], scale: &PixelScale) -> ImageBatch {
        let (images, content) = (Arc::new(images.clone()), BatchContent::Pixels);
        let transform = scale.transform(images.shape()).unwrap();
        let pass = PassDraws { seed: 43, epoch: 0 };
        Source::Images { images, transform, content }.batch(indices, 0, &Augmentation::default(), pass).unwrap()
    }

    #[test]
    fn unit_scale_divides_by_255_exactly() {
        let shape = ImageShape { channels: 1, height: 16, width: 16 };
        let images = Images::new(shape, (0..=255).collect(), vec![0], 1).unwrap();
        let values = |scale: PixelScale| batch(&images, &[0], &scale).pixels;
        let unit = values(PixelScale::Unit);
        let (mean, deviation) = (0.4914, 0.247);
        let normalised = values(PixelScale::Normalised { mean: vec![mean], deviation: vec![deviation] });
        assert_eq!((unit.len(), normalised.len()), (256, 256));
        for byte in 0..=255u8 {
            // The nearest f32 to the true quotient; f64 has bits enough to round once.
            let nearest = (f64::from(byte) / 255.0) as f32;
            assert_eq!(unit[usize::from(byte)].to_bits(), nearest.to_bits(), "{byte}");
            let expected = (f32::from(byte) / 255.0 - mean) / deviation;
            assert_eq!(normalised[usize::from(byte)].to_bits(), expected.to_bits(), "{byte}");
        }
    }

    #[test]
    fn each_channel_is_normalised_by_its_own_statistics() {
        let shape = ImageShape { channels: 2, height: 1, width: 1 };
        let images = Images::new(shape, vec![255, 0, 0, 255], vec![0, 1], 2).unwrap();
        let scale = PixelScale::Normalised { mean: vec![0.5, 0.25], deviation: vec![0.25, 0.5] };
        let batch = batch(&images, &[1, 0], &scale);
        // Image 1: (0 - 0.5) / 0.25 and (1 - 0.25) / 0.5; image 0: (1 - 0.5) / 0.25, (0 - 0.25) / 0.5.
        assert_eq!(batch.pixels, [-2.0, 1.5, 2.0, -0.5]);
        assert_eq!(batch.labels, [1, 0]);
        assert_eq!((batch.len(), batch.is_empty()), (2, false));
    }

    #[test]
    fn a_deviation_of_zero_or_a_missing_channel_is_refused() {
        let rows = [
            (vec![0.5; 3], vec![0.2, 0.0, 0.2], "channel = 1"),
            (vec![0.5, f32::NAN, 0.5], vec![0.2; 3], "channel = 1"),
            (vec![0.5; 2], vec![0.2; 3], "mean = 2"),
            (vec![0.5; 3], vec![0.2; 4], "deviation = 4"),
        ];
        for (mean, deviation, name) in rows {
            let scale = PixelScale::Normalised { mean, deviation };
            let error = scale.transform(ImageShape::CIFAR).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
