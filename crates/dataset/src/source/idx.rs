//! What MNIST and the data sets in its format share: four IDX files of grey images and their labels.

use std::sync::Arc;

use super::Member;
use super::files::Found;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// The files of MNIST and of the data sets in its format: training images and their labels, test images and theirs.
pub(super) const FILES: [Member; 4] = [
    Member { name: "train-images-idx3-ubyte", longest: 60_000 * 784 + 16, record: 0 },
    Member { name: "train-labels-idx1-ubyte", longest: 60_000 + 8, record: 0 },
    Member { name: "t10k-images-idx3-ubyte", longest: 10_000 * 784 + 16, record: 0 },
    Member { name: "t10k-labels-idx1-ubyte", longest: 10_000 + 8, record: 0 },
];

/// A data set of four IDX files.
#[derive(Debug)]
pub(super) struct Idx<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// The classes' names.
    pub(super) classes: &'a [&'a str],
    /// The label of the first class.
    pub(super) first_label: u8,
    /// Whether the files hold the images column by column.
    pub(super) by_columns: bool,
}

impl Idx<'_> {
    /// The data set of the four files.
    pub(super) fn read(&self, found: &Found) -> Result<Dataset, DatasetError> {
        Ok(Dataset {
            name: self.name.to_owned(),
            classes: self.classes.iter().map(|&class| class.to_owned()).collect(),
            train: Arc::new(self.part(found, 0, 1)?),
            validation: None,
            test: Arc::new(self.part(found, 2, 3)?),
        })
    }

    /// The images of one file and the labels of another.
    fn part(&self, found: &Found, images: usize, labels: usize) -> Result<Images, DatasetError> {
        let classes = self.classes.len();
        let wrong = |number: usize, problem: String| DatasetError::Idx { file: found.name(number), problem };
        let idx = |number: usize, dimensions: usize| {
            parse(found.bytes(number).unwrap_or_default(), dimensions).map_err(|problem| wrong(number, problem))
        };
        let (shape, pixels) = idx(images, 3)?;
        let (count, labels_found) = idx(labels, 1)?;
        if shape[0] != count[0] {
            return Err(wrong(labels, format!("it has {} labels for {} images", count[0], shape[0])));
        }
        if shape[0] == 0 {
            return Err(wrong(images, "it has no images".to_owned()));
        }
        let is_class =
            |label: u8| label.checked_sub(self.first_label).is_some_and(|label| usize::from(label) < classes);
        if let Some(record) = labels_found.iter().position(|&label| !is_class(label)) {
            let (file, label) = (found.name(labels), i64::from(labels_found[record]) - i64::from(self.first_label));
            return Err(DatasetError::Label { file, record, label, classes });
        }
        let shape = ImageShape { channels: 1, height: shape[1], width: shape[2] };
        let mut pixels = pixels.to_vec();
        if self.by_columns {
            for image in pixels.chunks_exact_mut(shape.plane().max(1)) {
                let columns = image.to_vec();
                for (place, pixel) in image.iter_mut().enumerate() {
                    *pixel = columns[place % shape.width * shape.height + place / shape.width];
                }
            }
        }
        let labels = labels_found.iter().map(|label| label - self.first_label).collect();
        Images::new(shape, pixels, labels, classes)
    }
}

/// The sizes and the bytes of an IDX file of unsigned bytes: two zeros, the type 8, the number of dimensions, each size as a
/// big-endian `u32`, then the values.
fn parse(bytes: &[u8], dimensions: usize) -> Result<(Vec<usize>, &[u8]), String> {
    let expected = [0, 0, 8, dimensions as u8];
    let (magic, rest) = bytes.split_at_checked(4).ok_or("it is cut short")?;
    if magic != expected {
        return Err(format!(
            "it begins with the bytes {magic:?}, an IDX file of {dimensions} dimensions with {expected:?}"
        ));
    }
    let (sizes, values) = rest.split_at_checked(4 * dimensions).ok_or("it is cut short")?;
    let sizes: Vec<usize> = sizes.as_chunks::<4>().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    let total = sizes.iter().try_fold(1usize, |total, &size| total.checked_mul(size));
    if total != Some(values.len()) {
        return Err(format!("its sizes {sizes:?} are not those of its {} values", values.len()));
    }
    Ok((sizes, values))
}
