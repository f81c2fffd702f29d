//! Images with the values that a network sees of each, made once and kept.

use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;
use strata_kernels::{FrequencyTable, LowFrequencies};
use strata_rng::Philox;

use crate::error::room_for;
use crate::transform::AsTheyAre;
use crate::{DatasetError, Images, Transform, ValueScale};

/// Images, and their values by a transform that draws nothing: what is worked out once need not be in each pass.
///
/// ```
/// use strata_dataset::{PreparedImages, Synthetic};
///
/// let data = Synthetic { train: 60, test: 20, ..Synthetic::default() }.generate()?;
/// // 48 low frequencies of each of three channels, their means and deviations those of the first fifty images
/// let indices: Vec<u32> = (0..50).collect();
/// let (train, table) = PreparedImages::low_frequencies(data.train, &indices, 48, 0.5)?;
/// let test = PreparedImages::new(data.test, table)?;
/// assert_eq!((train.values(0).len(), test.values(19).len()), (144, 144));
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
pub struct PreparedImages {
    images: Arc<Images>,
    transform: Arc<dyn Transform>,
    /// Empty of floats as they are.
    values: Vec<f32>,
    of_each: usize,
}

impl fmt::Debug for PreparedImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedImages")
            .field("images", &self.images)
            .field("transform", &self.transform)
            .finish_non_exhaustive()
    }
}

impl PreparedImages {
    /// Works out the values of all images, on all threads. What `transform` draws is of seed 0.
    ///
    /// # Errors
    ///
    /// A transform that is not of such images; [`DatasetError::Memory`] where there is no room for the values.
    pub fn new(images: Arc<Images>, transform: Arc<dyn Transform>) -> Result<Self, DatasetError> {
        let shape = images.shape();
        transform.check(shape)?;
        let of_each = transform.values(shape);
        let mut values = room(&images, of_each)?;
        let samples = values.par_chunks_mut(of_each.max(1)).enumerate().with_min_len(32);
        samples.try_for_each(|(index, out)| {
            transform.apply(&images.image(index)?, shape, &Philox::new(0, index as u64), out);
            Ok(())
        })?;
        Ok(Self { images, transform, values, of_each })
    }

    /// The floats of samples of floats, as they are and where they are.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Value`] of images of bytes.
    pub fn as_they_are(images: Arc<Images>) -> Result<Self, DatasetError> {
        let of_each = images.shape().values();
        match images.values() {
            Some(_) => Ok(Self { images, transform: Arc::new(AsTheyAre), values: Vec::new(), of_each }),
            None => Err(DatasetError::value("values", 0, "the images are of bytes, and no floats")),
        }
    }

    /// Samples of floats as `scale` makes them.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Value`] of images of bytes, [`DatasetError::Memory`] where there is no room for the values, [`DatasetError::Array`] where one is beyond 32 bits.
    pub fn scaled(images: Arc<Images>, scale: &ValueScale) -> Result<Self, DatasetError> {
        let prepared = Self::as_they_are(images)?;
        let mut values = room(&prepared.images, prepared.of_each)?;
        values.copy_from_slice(prepared.images.values().unwrap_or_default());
        scale.apply(&mut values);
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(DatasetError::not_finite("scaled samples", place / prepared.of_each, values[place].into()));
        }
        Ok(Self { values, ..prepared })
    }

    /// The `coefficients` lowest frequencies of each channel, by means and deviations over the images with the indices `train`; `power`, 0 to 1, says how far deviations
    /// are made equal ([`FrequencyTable::fit`]). Gives the table too, which is the transform for other images.
    ///
    /// # Errors
    ///
    /// No coefficients, or more than a channel has pixels; a power outside 0 to 1; an index beyond the images; [`DatasetError::Memory`].
    pub fn low_frequencies(
        images: Arc<Images>,
        train: &[u32],
        coefficients: usize,
        power: f64,
    ) -> Result<(Self, Arc<FrequencyTable>), DatasetError> {
        let shape = images.shape();
        let lowest = LowFrequencies::lowest(shape.channels, shape.height, shape.width, coefficients);
        let transform = lowest.ok_or_else(|| {
            let problem = format!("a channel of {} x {} pixels has 1 to {}", shape.height, shape.width, shape.plane());
            DatasetError::value("coefficients", coefficients, problem)
        })?;
        if !(0.0..=1.0).contains(&power) {
            return Err(DatasetError::number("power", power, "from 0 (as they are) to 1 (all of one variance)"));
        }
        if let Some(&index) = train.iter().find(|&&index| index as usize >= images.len()) {
            return Err(DatasetError::value("index", index as usize, format!("there are {} images", images.len())));
        }
        let of_each = transform.coefficients();
        let mut values = room(&images, of_each)?;
        for chunk in images.chunks() {
            let out = &mut values[chunk.start * of_each..chunk.end * of_each];
            transform.forward(&images.between(chunk)?, out);
        }
        let table = Arc::new(FrequencyTable::fit(transform, &values, train, power));
        table.scale(&mut values);
        Ok((Self { images, transform: Arc::<FrequencyTable>::clone(&table), values, of_each }, table))
    }

    /// The images.
    #[must_use]
    pub fn images(&self) -> &Arc<Images> {
        &self.images
    }

    /// What made the values.
    #[must_use]
    pub fn transform(&self) -> &Arc<dyn Transform> {
        &self.transform
    }

    /// The values of image `i`; none for an index beyond the last.
    #[must_use]
    pub fn values(&self, i: usize) -> &[f32] {
        if self.values.is_empty() {
            return self.images.values_of(i).unwrap_or_default();
        }
        if i < self.images.len() { &self.values[i * self.of_each..(i + 1) * self.of_each] } else { &[] }
    }
}

/// Zeros for the values of all images.
fn room(images: &Images, of_each: usize) -> Result<Vec<f32>, DatasetError> {
    let all = images.len().saturating_mul(of_each);
    let mut values = room_for(all, "the values that a network sees of all images")?;
    values.resize(all, 0.0);
    Ok(values)
}
