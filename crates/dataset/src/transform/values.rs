//! Floats brought to a mean of 0 and a deviation of 1.

use crate::{DatasetError, ImageShape, Images};

/// How floats become the numbers that a network sees: `(value - mean) / deviation`, of each feature where samples are rows of them (`[1, 1, features]`), else of each
/// channel.
///
/// ```
/// use strata_dataset::{ImageShape, Images, ValueScale};
///
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let points = Images::of_values(shape, vec![1.0, 7.0, 3.0, 7.0, 100.0, 0.0], vec![0, 1, 0], 2)?;
/// // Of the first two: means 2 and 7; the second feature does not vary, and is left at its distance from the mean.
/// let scale = ValueScale::of(&points, &[0, 1])?;
/// assert_eq!((scale.mean(), scale.deviation()), (&[2.0, 7.0][..], &[1.0, 1.0][..]));
/// let mut sample = [3.0, 7.5];
/// scale.apply(&mut sample);
/// assert_eq!(sample, [1.0, 0.5]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ValueScale {
    mean: Vec<f32>,
    deviation: Vec<f32>,
    /// Values of a sample that go by the same mean.
    part: usize,
}

impl ValueScale {
    /// Means and population deviations over the samples with these indices, as of scikit-learn's `StandardScaler`: what does not vary has a deviation of 1.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Value`] of images of bytes, for an index beyond the last, and without samples.
    pub fn of(images: &Images, samples: &[u32]) -> Result<Self, DatasetError> {
        let ImageShape { channels, height, .. } = images.shape();
        let part = if (channels, height) == (1, 1) { 1 } else { images.shape().plane() };
        let Some(values) = images.values() else {
            return Err(DatasetError::value("values", 0, "the images are of bytes, and no floats"));
        };
        if let Some(&index) = samples.iter().find(|&&index| index as usize >= images.len()) {
            return Err(DatasetError::value("index", index as usize, format!("there are {} samples", images.len())));
        }
        if samples.is_empty() {
            return Err(DatasetError::value("samples", 0, "mean and deviation are of at least one"));
        }
        let of_each = images.shape().values();
        let parts = |sample: u32| {
            let start = sample as usize * of_each;
            values[start..start + of_each].chunks_exact(part)
        };
        let count = (samples.len() * part) as f64;
        // From the first sample's on: of what does not vary the sums are exactly zero.
        let first: Vec<f64> = parts(samples[0]).map(|part| f64::from(part[0])).collect();
        let mut shift = vec![0.0; first.len()];
        for &sample in samples {
            for ((shift, first), part) in shift.iter_mut().zip(&first).zip(parts(sample)) {
                *shift += part.iter().map(|value| f64::from(*value) - first).sum::<f64>();
            }
        }
        let mean: Vec<f64> = first.iter().zip(shift).map(|(first, shift)| first + shift / count).collect();
        let mut variance = vec![0.0; mean.len()];
        for &sample in samples {
            for ((variance, mean), part) in variance.iter_mut().zip(&mean).zip(parts(sample)) {
                *variance += part.iter().map(|value| (f64::from(*value) - mean).powi(2) / count).sum::<f64>();
            }
        }
        let deviation = variance.iter().map(|variance| match variance.sqrt() as f32 {
            deviation if deviation > 0.0 => deviation,
            _ => 1.0,
        });
        let deviation = deviation.collect();
        Ok(Self { mean: mean.into_iter().map(|mean| mean as f32).collect(), deviation, part })
    }

    /// The mean of each feature, or of each channel.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The deviation of each, above zero.
    #[must_use]
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// Scales the values of whole samples, one after the other.
    pub fn apply(&self, values: &mut [f32]) {
        for sample in values.chunks_exact_mut(self.part * self.mean.len()) {
            let scales = self.mean.iter().zip(&self.deviation);
            for (part, (mean, deviation)) in sample.chunks_exact_mut(self.part).zip(scales) {
                part.iter_mut().for_each(|value| *value = (*value - mean) / deviation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_vary_has_a_deviation_of_one_however_it_is_rounded() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let values = (0..450).flat_map(|row| [7.1, row as f32]).collect();
        let rows = Images::of_values(shape, values, vec![0; 450], 1).unwrap();
        let scale = ValueScale::of(&rows, &(0..450).collect::<Vec<_>>()).unwrap();
        assert_eq!((scale.mean()[0], scale.deviation()[0]), (7.1, 1.0));
        // Of 0 to n - 1: (n - 1) / 2 and the root of (n² - 1) / 12.
        assert_eq!((scale.mean()[1], scale.deviation()[1]), (224.5, (202_499.0f64 / 12.0).sqrt() as f32));
    }
}
