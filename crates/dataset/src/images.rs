//! Images as bytes, channel-major, with their labels: in memory, or in a file that is read by position.

mod values;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::DatasetError;
use crate::error::room_for;
use crate::pixel_file::PixelFile;

/// The shape of one image: channel-major, each channel row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Channels, in the order red, green, blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// CIFAR's: `[3, 32, 32]`.
    pub const CIFAR: Self = Self { channels: 3, height: 32, width: 32 };

    /// Values of one image: 3,072 for CIFAR's.
    #[must_use]
    pub fn values(self) -> usize {
        self.channels * self.plane()
    }

    /// [`ImageShape::values`], of a shape that anybody may have made.
    ///
    /// # Errors
    ///
    /// A size of zero, or sizes whose product overflows.
    pub(crate) fn checked_values(self) -> Result<usize, DatasetError> {
        let Self { channels, height, width } = self;
        let values = channels.checked_mul(height).and_then(|rows| rows.checked_mul(width));
        values.filter(|&values| values > 0).ok_or_else(|| {
            let reason = format!("{self:?} has no pixels, or more than memory can hold");
            DatasetError::value("image size", channels.min(height).min(width), reason)
        })
    }

    /// Values of one channel: 1,024 for CIFAR's.
    #[must_use]
    pub fn plane(self) -> usize {
        self.height * self.width
    }
}

/// Mean and population standard deviation of each channel, of pixels in 0..1.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStatistics {
    /// One mean a channel.
    pub mean: Vec<f64>,
    /// One standard deviation a channel.
    pub deviation: Vec<f64>,
}

/// Bytes `[N, channels, height, width]`, or floats ([`Images::of_values`]), and `N` labels, each below the number of classes.
///
/// ```
/// use strata_dataset::{ImageShape, Images};
///
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let images = Images::new(shape, vec![0, 255, 51, 102], vec![1, 0], 2)?;
/// assert_eq!(*images.image(1)?, [51, 102]);
/// assert_eq!(images.class_counts(), [1, 1]);
/// assert_eq!(images.channel_statistics()?.mean, [0.4]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Images {
    shape: ImageShape,
    pixels: Pixels,
    labels: Vec<u8>,
    classes: usize,
}

/// Where the bytes are.
#[derive(Clone, PartialEq)]
enum Pixels {
    Memory(Vec<u8>),
    /// From a byte of a file on.
    File(Arc<PixelFile>, u64),
    /// Floats, as a network sees them.
    Values(Arc<Vec<f32>>),
}

/// Images of a chunk where all are gone through.
const CHUNK: usize = 1_024;

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // 150 million pixels say nothing in a log.
        f.debug_struct("Images")
            .field("len", &self.len())
            .field("shape", &self.shape)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

impl Images {
    /// Images of `shape`, as many as there are labels.
    ///
    /// # Errors
    ///
    /// A size of zero or one that overflows, more than 2^32 - 1 images, classes outside 1..=256,
    /// pixels that are not `labels.len()` images, and a label that is no class (naming the record).
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Vec<u8>, classes: usize) -> Result<Self, DatasetError> {
        let values = shape.checked_values()?;
        if labels.len().checked_mul(values) != Some(pixels.len()) {
            return Err(DatasetError::value(
                "pixels",
                pixels.len(),
                format!("{} images of {values} values are expected", labels.len()),
            ));
        }
        Self::checked(shape, Pixels::Memory(pixels), labels, classes)
    }

    /// Images that lie in `file` from byte `start` on, and are read when they are asked for.
    pub(crate) fn in_file(
        shape: ImageShape,
        (file, start): (Arc<PixelFile>, u64),
        labels: Vec<u8>,
        classes: usize,
    ) -> Result<Self, DatasetError> {
        shape.checked_values()?;
        Self::checked(shape, Pixels::File(file, start), labels, classes)
    }

    fn checked(shape: ImageShape, pixels: Pixels, labels: Vec<u8>, classes: usize) -> Result<Self, DatasetError> {
        if u32::try_from(labels.len()).is_err() {
            return Err(DatasetError::value("images", labels.len(), "an index is 32 bits: at most 4294967295 images"));
        }
        if !(1..=256).contains(&classes) {
            return Err(DatasetError::value("classes", classes, "a label is a byte: 1 to 256 classes"));
        }
        if let Some(record) = labels.iter().position(|&l| usize::from(l) >= classes) {
            return Err(DatasetError::Label {
                file: "images".to_owned(),
                record,
                label: labels[record].into(),
                classes,
            });
        }
        Ok(Self { shape, pixels, labels, classes })
    }

    /// How many images there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The shape of each.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// How many classes the labels choose from.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The bytes of image `i`, `[channels, height, width]`; none for an index beyond the last.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`] where they lie in a file that cannot be read, [`DatasetError::NotBytes`] of floats; images in memory give none.
    pub fn image(&self, i: usize) -> Result<Cow<'_, [u8]>, DatasetError> {
        if i < self.len() { self.between(i..i + 1) } else { Ok(Cow::Borrowed(&[])) }
    }

    /// All bytes, `[N, channels, height, width]`; those that lie in a file are read into memory.
    ///
    /// # Errors
    ///
    /// As [`Images::image`], and [`DatasetError::Memory`].
    pub fn pixels(&self) -> Result<Cow<'_, [u8]>, DatasetError> {
        self.between(0..self.len())
    }

    /// The bytes of the images of these numbers.
    ///
    /// # Errors
    ///
    /// As [`Images::pixels`]; [`DatasetError::Value`] for a number beyond the last.
    pub fn between(&self, range: Range<usize>) -> Result<Cow<'_, [u8]>, DatasetError> {
        if range.start > range.end || range.end > self.len() {
            return Err(DatasetError::value("end", range.end, format!("there are {} images", self.len())));
        }
        let values = self.shape.values();
        match &self.pixels {
            Pixels::Memory(pixels) => Ok(Cow::Borrowed(&pixels[range.start * values..range.end * values])),
            Pixels::File(file, start) => {
                let mut bytes = room_for(range.len().saturating_mul(values), "images of a file")?;
                bytes.resize(range.len() * values, 0);
                file.read(start + range.start as u64 * values as u64, &mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
            Pixels::Values(_) => Err(DatasetError::NotBytes),
        }
    }

    /// All images in order, some at a time.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = Range<usize>> {
        let count = self.len();
        (0..count).step_by(CHUNK).map(move |start| start..count.min(start + CHUNK))
    }

    /// All labels, `[N]`.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// How many images each class has, in label order.
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// Each channel's mean and population deviation of pixels in 0..1, of floats as they are; zeros without images.
    ///
    /// The sums are exact integers, so the result depends on neither order nor threads.
    ///
    /// # Errors
    ///
    /// As [`Images::image`].
    pub fn channel_statistics(&self) -> Result<ChannelStatistics, DatasetError> {
        if let Some(values) = self.values() {
            return Ok(self.value_statistics(values));
        }
        let (channels, plane) = (self.shape.channels, self.shape.plane());
        let of_chunk = |range: Range<usize>| {
            let mut sums = vec![[0u64; 2]; channels];
            for image in self.between(range)?.chunks(self.shape.values()) {
                for (sum, plane) in sums.iter_mut().zip(image.chunks(plane)) {
                    for &byte in plane {
                        let value = u64::from(byte);
                        sum[0] += value;
                        sum[1] += value * value;
                    }
                }
            }
            Ok(sums)
        };
        let add = |a: Vec<[u64; 2]>, b: Vec<[u64; 2]>| {
            let pairs = a.iter().zip(&b);
            Ok(pairs.map(|(a, b)| [a[0] + b[0], a[1] + b[1]]).collect())
        };
        let chunks: Vec<_> = self.chunks().collect();
        let sums = chunks.into_par_iter().map(of_chunk).try_reduce(|| vec![[0; 2]; channels], add)?;
        let count = (self.len() * plane).max(1) as f64;
        let statistics = sums.iter().map(|&[sum, squares]| {
            // Variance times count^2, an integer: nothing cancels before the division.
            let spread = (self.len() * plane) as u128 * u128::from(squares) - u128::from(sum) * u128::from(sum);
            let mean = sum as f64 / (count * 255.0);
            (mean, (spread as f64).sqrt() / (count * 255.0))
        });
        let (mean, deviation) = statistics.unzip();
        Ok(ChannelStatistics { mean, deviation })
    }
}

#[cfg(test)]
mod tests;
