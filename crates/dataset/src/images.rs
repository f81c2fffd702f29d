//! Images as bytes, channel-major, with their labels.

use rayon::prelude::*;

use crate::DatasetError;

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

/// Bytes `[N, channels, height, width]` and `N` labels, each below the number of classes.
///
/// ```
/// use strata_dataset::{ImageShape, Images};
///
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let images = Images::new(shape, vec![0, 255, 51, 102], vec![1, 0], 2)?;
/// assert_eq!(images.image(1), [51, 102]);
/// assert_eq!(images.class_counts(), [1, 1]);
/// assert_eq!(images.channel_statistics().mean, [0.4]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    classes: usize,
}

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
        if u32::try_from(labels.len()).is_err() {
            return Err(DatasetError::value("images", labels.len(), "an index is 32 bits: at most 4294967295 images"));
        }
        if !(1..=256).contains(&classes) {
            return Err(DatasetError::value("classes", classes, "a label is a byte: 1 to 256 classes"));
        }
        if labels.len().checked_mul(values) != Some(pixels.len()) {
            return Err(DatasetError::value(
                "pixels",
                pixels.len(),
                format!("{} images of {values} values are expected", labels.len()),
            ));
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
    #[must_use]
    pub fn image(&self, i: usize) -> &[u8] {
        let values = self.shape.values();
        if i < self.len() { &self.pixels[i * values..(i + 1) * values] } else { &[] }
    }

    /// All bytes, `[N, channels, height, width]`.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
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

    /// Each channel's mean and population deviation of pixels in 0..1; zeros without images.
    ///
    /// The sums are exact integers, so the result depends on neither order nor threads.
    #[must_use]
    pub fn channel_statistics(&self) -> ChannelStatistics {
        let (channels, plane) = (self.shape.channels, self.shape.plane());
        let sums = self
            .pixels
            .par_chunks(self.shape.values())
            .with_min_len(256)
            .fold(
                || vec![[0u64; 2]; channels],
                |mut sums, image| {
                    for (sum, plane) in sums.iter_mut().zip(image.chunks(plane)) {
                        for &byte in plane {
                            let value = u64::from(byte);
                            sum[0] += value;
                            sum[1] += value * value;
                        }
                    }
                    sums
                },
            )
            .reduce(
                || vec![[0; 2]; channels],
                |a, b| {
                    let pairs = a.iter().zip(&b);
                    pairs.map(|(a, b)| [a[0] + b[0], a[1] + b[1]]).collect()
                },
            );
        let count = (self.len() * plane).max(1) as f64;
        let statistics = sums.iter().map(|&[sum, squares]| {
            // Variance times count^2, an integer: nothing cancels before the division.
            let spread = (self.len() * plane) as u128 * u128::from(squares) - u128::from(sum) * u128::from(sum);
            let mean = sum as f64 / (count * 255.0);
            (mean, (spread as f64).sqrt() / (count * 255.0))
        });
        let (mean, deviation) = statistics.unzip();
        ChannelStatistics { mean, deviation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: ImageShape = ImageShape { channels: 2, height: 1, width: 2 };

    #[test]
    fn statistics_are_those_worked_out_by_hand() {
        // Channel 0 holds 0, 0, 255, 255: mean 1/2, deviation 1/2. Channel 1 holds 51 four times:
        // mean 0.2, deviation 0.
        let pixels = vec![0, 255, 51, 51, 255, 0, 51, 51];
        let images = Images::new(PAIR, pixels, vec![0, 1], 2).unwrap();
        let statistics = images.channel_statistics();
        assert_eq!(statistics.mean, [0.5, 0.2]);
        assert_eq!(statistics.deviation, [0.5, 0.0]);
    }

    #[test]
    fn statistics_of_no_images_are_defined() {
        let images = Images::new(PAIR, vec![], vec![], 2).unwrap();
        assert_eq!(images.channel_statistics().mean, [0.0, 0.0]);
        assert_eq!(images.image(0), [0u8; 0]);
    }

    #[test]
    fn a_label_out_of_range_names_its_record() {
        let error = Images::new(PAIR, vec![0; 12], vec![0, 9, 10], 10).unwrap_err();
        assert!(error.to_string().contains("record 2"), "{error}");
        assert!(error.to_string().contains("label 10, but labels are 0 to 9"), "{error}");
    }

    #[test]
    fn sizes_that_disagree_are_refused() {
        let huge = ImageShape { channels: usize::MAX, height: 2, width: 1 };
        let none = ImageShape { width: 0, ..PAIR };
        // Each row: shape, pixels, classes, and the name the error gives.
        let rows = [
            (PAIR, 7, 10, "pixels = 7"),
            (PAIR, 8, 0, "classes = 0"),
            (PAIR, 8, 257, "classes = 257"),
            (huge, 8, 10, "image size"),
            (none, 0, 10, "image size = 0"),
        ];
        for (shape, pixels, classes, name) in rows {
            let error = Images::new(shape, vec![0; pixels], vec![0; 2], classes).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.is_usage());
        }
    }
}
