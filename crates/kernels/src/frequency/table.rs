//! A table of low frequencies: which, and by which means and factors their coefficients become a network's inputs.

use rayon::prelude::*;

use crate::LowFrequencies;
use crate::parallel::each_chunk;
use crate::portable::root;

/// Images of one partial sum of the statistics, whatever the number of threads.
const BLOCK: usize = 256;
/// Added to the variance, so that a coefficient that never varies is not divided by zero.
const FLOOR: f64 = 1e-3;

/// Low frequencies as a network's inputs: `(coefficient - mean) · factor`, for each kept coefficient of each channel.
///
/// The mean of an odd horizontal frequency is 0, since it is taken over the images and their mirror images: so mirroring an image is, to the bit, a turn of sign
/// of those inputs ([`FrequencyTable::mirror`]).
#[derive(Clone, Debug, PartialEq)]
pub struct FrequencyTable {
    transform: LowFrequencies,
    mean: Vec<f32>,
    factor: Vec<f32>,
}

/// Means or factors that do not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FrequencyError {
    /// Not one for each coefficient.
    #[error("{means} means and {factors} factors for {coefficients} coefficients")]
    Count {
        /// Means.
        means: usize,
        /// Factors.
        factors: usize,
        /// Coefficients of an image.
        coefficients: usize,
    },
    /// A mean that is not finite, or not 0 of an odd horizontal frequency; or a factor that is not above zero.
    #[error("coefficient {place} has the mean {mean} and the factor {factor}")]
    Value {
        /// Which coefficient of an image.
        place: usize,
        /// Its mean.
        mean: f32,
        /// Its factor.
        factor: f32,
    },
}

impl FrequencyTable {
    /// Puts a transform, means and factors together, one of each for each coefficient of an image.
    ///
    /// # Errors
    /// [`FrequencyError`] where they do not fit.
    pub fn new(transform: LowFrequencies, mean: Vec<f32>, factor: Vec<f32>) -> Result<Self, FrequencyError> {
        let coefficients = transform.coefficients();
        if (mean.len(), factor.len()) != (coefficients, coefficients) {
            return Err(FrequencyError::Count { means: mean.len(), factors: factor.len(), coefficients });
        }
        let fits = |place: usize| {
            let (mean, factor): (f32, f32) = (mean[place], factor[place]);
            mean.is_finite() && (mean == 0.0 || !transform.is_odd(place)) && factor > 0.0 && factor.is_finite()
        };
        match (0..coefficients).find(|place| !fits(*place)) {
            Some(place) => Err(FrequencyError::Value { place, mean: mean[place], factor: factor[place] }),
            None => Ok(Self { transform, mean, factor }),
        }
    }

    /// The table whose means are those of the coefficients of some images, `[images, coefficients]` (of which `rows` are taken, in this order) and their mirror images, and whose
    /// factors are `1 / (variance + 1e-3)^(power / 2)`, `power` from 0 (as they are) to 1 (each of about the same variance).
    ///
    /// # Panics
    /// Where a row is beyond the coefficients.
    pub fn fit(transform: LowFrequencies, coefficients: &[f32], rows: &[u32], power: f64) -> Self {
        let count = transform.coefficients();
        // Of blocks of fixed size, added in order: the same for any number of threads.
        let sums: Vec<Vec<[f64; 2]>> = rows
            .par_chunks(BLOCK)
            .map(|rows| {
                let mut sums = vec![[0.0; 2]; count];
                for &row in rows {
                    let values = &coefficients[row as usize * count..][..count];
                    for (sums, value) in sums.iter_mut().zip(values) {
                        let value = f64::from(*value);
                        sums[0] += value;
                        sums[1] += value * value;
                    }
                }
                sums
            })
            .collect();
        let samples = rows.len().max(1) as f64;
        let (mean, factor) = (0..count)
            .map(|place| {
                let [sum, squares] =
                    sums.iter().fold([0.0, 0.0], |[a, b], block| [a + block[place][0], b + block[place][1]]);
                let mean = if transform.is_odd(place) { 0.0 } else { sum / samples };
                let variance = (squares / samples - mean * mean).max(0.0);
                (mean as f32, (1.0 / root(variance + FLOOR, power / 2.0)) as f32)
            })
            .unzip();
        Self { transform, mean, factor }
    }

    /// Which frequencies of which images.
    pub fn transform(&self) -> &LowFrequencies {
        &self.transform
    }

    /// The mean of each coefficient of an image.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// What each coefficient is multiplied with, less its mean.
    pub fn factor(&self) -> &[f32] {
        &self.factor
    }

    /// The inputs `[images, coefficients]` of images `[images, channels, height, width]`.
    ///
    /// # Panics
    /// As [`LowFrequencies::forward`].
    pub fn apply(&self, images: &[u8], inputs: &mut [f32]) {
        self.transform.forward(images, inputs);
        self.scale(inputs);
    }

    /// The same on the calling thread alone.
    ///
    /// # Panics
    /// As there.
    pub fn apply_serial(&self, images: &[u8], inputs: &mut [f32]) {
        self.transform.forward_serial(images, inputs);
        self.scale_serial(inputs);
    }

    /// Makes inputs of coefficients `[images, coefficients]`.
    pub fn scale(&self, coefficients: &mut [f32]) {
        each_chunk(coefficients, self.mean.len() * BLOCK, &|_, block| self.scale_serial(block));
    }

    fn scale_serial(&self, coefficients: &mut [f32]) {
        for image in coefficients.chunks_exact_mut(self.mean.len()) {
            for ((value, mean), factor) in image.iter_mut().zip(&self.mean).zip(&self.factor) {
                *value = (*value - mean) * factor;
            }
        }
    }

    /// Makes of the inputs of one image those of its mirror image, to the bit.
    pub fn mirror(&self, inputs: &mut [f32]) {
        for (place, value) in inputs.iter_mut().enumerate() {
            if self.transform.is_odd(place) {
                // Not -value: a zero keeps its sign, as in the transform of the mirrored image.
                *value = 0.0 - *value;
            }
        }
    }
}
