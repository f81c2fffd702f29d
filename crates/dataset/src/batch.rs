//! One batch of images.

use strata_rng::Philox;

use crate::error::room_for;
use crate::{DatasetError, Images, Transform};

/// What a batch carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchContent {
    /// Indices, labels and transformed pixels.
    Pixels,
    /// Indices and labels only, for a device that holds the images already.
    Indices,
}

/// Some samples, in the order they are to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageBatch {
    /// Which images of the data set's part these are, `[len]`.
    pub indices: Vec<u32>,
    /// Transformed pixels, `[len, values of a transformed image]` (`[len, 3072]`); empty where only indices were asked for.
    pub pixels: Vec<f32>,
    /// Labels, `[len]`.
    pub labels: Vec<u8>,
}

impl ImageBatch {
    /// How many samples it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it holds none; a loader yields no such batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// The batch of these images, which must all exist. `seed` is the pass's, for transforms that draw.
///
/// # Errors
///
/// [`DatasetError::Memory`] where there is no room for it.
pub(crate) fn gather(
    images: &Images,
    indices: &[u32],
    transform: &dyn Transform,
    seed: u64,
    content: BatchContent,
) -> Result<ImageBatch, DatasetError> {
    let labels = images.labels();
    let mut chosen = room_for(indices.len(), "the labels of a batch")?;
    chosen.extend(indices.iter().map(|&i| labels[i as usize]));
    let mut own_indices = room_for(indices.len(), "the indices of a batch")?;
    own_indices.extend_from_slice(indices);
    let mut pixels = Vec::new();
    if content == BatchContent::Pixels {
        let (shape, values) = (images.shape(), transform.values(images.shape()));
        let all = indices.len().saturating_mul(values);
        pixels = room_for(all, "the pixels of a batch")?;
        pixels.resize(all, 0.0);
        for (&i, out) in indices.iter().zip(pixels.chunks_exact_mut(values)) {
            transform.apply(images.image(i as usize), shape, &Philox::new(seed, i.into()), out);
        }
    }
    Ok(ImageBatch { indices: own_indices, pixels, labels: chosen })
}
