//! Samples whose values are floats, which a network sees as they are; and what all samples are to people and checksums.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::{ChannelStatistics, ImageShape, Images, Pixels};
use crate::DatasetError;

impl Images {
    /// Samples of floats, `[N, channels, rows, columns]`, as many as there are labels; a row of features is a sample of the shape `[1, 1, features]`. A network sees
    /// them as they are, so they are best of a mean near 0 and a deviation near 1, or in 0..1.
    ///
    /// ```
    /// use strata_dataset::{ImageShape, Images};
    ///
    /// let shape = ImageShape { channels: 1, height: 1, width: 2 };
    /// let points = Images::of_values(shape, vec![0.5, -1.5, 2.0, 0.0], vec![1, 0], 2)?;
    /// assert_eq!(points.values(), Some(&[0.5, -1.5, 2.0, 0.0][..]));
    /// assert!(points.image(0).is_err(), "they are no bytes");
    /// # Ok::<(), strata_dataset::DatasetError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Images::new`], and [`DatasetError::Array`] with the first sample that has a value which is no finite number.
    pub fn of_values(
        shape: ImageShape,
        values: Vec<f32>,
        labels: Vec<u8>,
        classes: usize,
    ) -> Result<Self, DatasetError> {
        let of_each = shape.checked_values()?;
        if labels.len().checked_mul(of_each) != Some(values.len()) {
            let problem = format!("{} samples of {of_each} values are expected", labels.len());
            return Err(DatasetError::value("values", values.len(), problem));
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(DatasetError::not_finite("samples", place / of_each, values[place].into()));
        }
        Self::checked(shape, Pixels::Values(Arc::new(values)), labels, classes)
    }

    /// The values of all samples, `[N, channels, rows, columns]`, where they are floats; none where they are bytes.
    #[must_use]
    pub fn values(&self) -> Option<&[f32]> {
        match &self.pixels {
            Pixels::Values(values) => Some(values),
            Pixels::Memory(_) | Pixels::File(..) => None,
        }
    }

    /// The values of sample `i`, where they are floats; none for an index beyond the last.
    #[must_use]
    pub fn values_of(&self, i: usize) -> Option<&[f32]> {
        self.values()?.chunks_exact(self.shape.values()).nth(i)
    }

    /// The least and the greatest value, where they are floats and there is one.
    #[must_use]
    pub fn range(&self) -> Option<(f32, f32)> {
        range_of(self.values()?)
    }

    /// Sample `i` to be looked at: the bytes of an image; floats brought to 0..=255, by 255 where all of the sample's are in 0..1, else by its own range.
    ///
    /// # Errors
    ///
    /// As [`Images::image`].
    pub fn picture(&self, i: usize) -> Result<Cow<'_, [u8]>, DatasetError> {
        if self.values().is_none() {
            return self.image(i);
        }
        let values = self.values_of(i).unwrap_or_default();
        let (least, greatest) = match range_of(values) {
            Some((least, greatest)) if least < 0.0 || greatest > 1.0 => (least, greatest),
            _ => (0.0, 1.0),
        };
        // In double precision, in which the span of no two floats overflows.
        let span = (f64::from(greatest) - f64::from(least)).max(f64::MIN_POSITIVE);
        let byte = |value: &f32| ((f64::from(*value) - f64::from(least)) / span * 255.0).round() as u8;
        Ok(Cow::Owned(values.iter().map(byte).collect()))
    }

    /// The bytes by which samples are told apart: those of images, or those of floats.
    pub(crate) fn raw(&self, range: Range<usize>) -> Result<Cow<'_, [u8]>, DatasetError> {
        match self.values() {
            None => self.between(range),
            Some(values) => {
                let of_each = self.shape.values();
                let values = &values[range.start * of_each..range.end * of_each];
                Ok(Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            }
        }
    }

    /// Each channel's mean and population deviation, of floats as they are.
    pub(super) fn value_statistics(&self, values: &[f32]) -> ChannelStatistics {
        let plane = self.shape.plane();
        let count = (self.len() * plane).max(1) as f64;
        let planes = |channel: usize| values.chunks_exact(plane).skip(channel).step_by(self.shape.channels);
        let statistics = (0..self.shape.channels).map(|channel| {
            let mean = planes(channel).flatten().map(|value| f64::from(*value)).sum::<f64>() / count;
            let squares = planes(channel).flatten().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>();
            (mean, (squares / count).sqrt())
        });
        let (mean, deviation) = statistics.unzip();
        ChannelStatistics { mean, deviation }
    }
}

fn range_of(values: &[f32]) -> Option<(f32, f32)> {
    let wider = |(least, greatest): (f32, f32), value: &f32| (least.min(*value), greatest.max(*value));
    values.first().map(|first| values.iter().fold((*first, *first), wider))
}
