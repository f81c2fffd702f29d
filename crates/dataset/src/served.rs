//! How a batch is made: of images as bytes, or of values that were made before.

use std::sync::Arc;

use strata_rng::Philox;

use crate::augment::PassDraws;
use crate::error::room_for;
use crate::{Augmentation, BatchContent, DatasetError, ImageBatch, Images, MixedImages, PreparedImages, Transform};

/// What a loader serves.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Bytes, transformed for each batch.
    Images { images: Arc<Images>, transform: Arc<dyn Transform>, content: BatchContent },
    /// Values that were made before.
    Prepared(Arc<PreparedImages>),
}

impl Source {
    pub(crate) fn images(&self) -> &Arc<Images> {
        match self {
            Self::Images { images, .. } => images,
            Self::Prepared(prepared) => prepared.images(),
        }
    }

    /// Whether what `augmentation` does can be done to what is served.
    pub(crate) fn check(&self, augmentation: &Augmentation) -> Result<(), DatasetError> {
        let shape = self.images().shape();
        augmentation.check(shape)?;
        match self {
            Self::Images { content: BatchContent::Indices, .. } if !augmentation.is_empty() => {
                Err(DatasetError::NotATable)
            }
            Self::Images { .. } => Ok(()),
            Self::Prepared(prepared) => {
                let mut values = vec![0.0; prepared.transform().values(shape)];
                let fits = augmentation.is_of_values() && prepared.transform().mirror(shape, &mut values);
                if fits || augmentation.is_empty() { Ok(()) } else { Err(DatasetError::NotOfValues) }
            }
        }
    }

    /// The batch of this number, of the images with these indices, which exist.
    pub(crate) fn batch(
        &self,
        indices: &[u32],
        number: usize,
        augmentation: &Augmentation,
        pass: PassDraws,
    ) -> Result<ImageBatch, DatasetError> {
        let images = self.images();
        let all = images.labels();
        let mut labels = room_for(indices.len(), "the labels of a batch")?;
        labels.extend(indices.iter().map(|&i| all[i as usize]));
        let mut own_indices = room_for(indices.len(), "the indices of a batch")?;
        own_indices.extend_from_slice(indices);
        let mut batch = ImageBatch { indices: own_indices, pixels: Vec::new(), labels, mix: None };
        if matches!(self, Self::Images { content: BatchContent::Indices, .. }) {
            return Ok(batch);
        }
        let shape = images.shape();
        let mixture = augmentation.mixture(number, shape, pass);
        let values = match self {
            Self::Images { transform, .. } => transform.values(shape),
            Self::Prepared(prepared) => prepared.transform().values(shape),
        };
        batch.pixels = room_for(indices.len().saturating_mul(values), "the pixels of a batch")?;
        batch.pixels.resize(indices.len() * values, 0.0);
        let samples = indices.iter().zip(batch.pixels.chunks_exact_mut(values));
        match self {
            Self::Images { transform, .. } if augmentation.is_empty() => {
                for (&i, out) in samples {
                    transform.apply(&images.image(i as usize)?, shape, &Philox::new(pass.seed, i.into()), out);
                }
            }
            Self::Images { transform, .. } => {
                let mut changed = Changed { images, augmentation, pass, scratch: Vec::new() };
                // One image at a time, whose bytes are near when they are transformed; pasted into, as the partner of the next it is as it was.
                let [mut own, mut partner, mut pasted] = [const { Vec::new() }; 3];
                let pasting = mixture.filter(|mixture| mixture.rectangle.is_some());
                if let (Some(_), Some(last)) = (pasting, indices.last()) {
                    changed.write(*last, &mut partner)?;
                }
                for (&i, out) in samples {
                    changed.write(i, &mut own)?;
                    let mut image = &own;
                    if let Some(mixture) = pasting {
                        pasted.clone_from(&own);
                        mixture.paste_into(&mut pasted, &partner, shape);
                        image = &pasted;
                    }
                    transform.apply(image, shape, &Philox::new(pass.seed, i.into()), out);
                    std::mem::swap(&mut own, &mut partner);
                }
            }
            Self::Prepared(prepared) => {
                for (&i, out) in samples {
                    out.copy_from_slice(prepared.values(i as usize));
                    if augmentation.is_mirrored(i, pass) {
                        prepared.transform().mirror(shape, out);
                    }
                }
            }
        }
        if let Some(mixture) = mixture {
            mixture.blend(&mut batch.pixels, values);
            let mut labels = batch.labels.clone();
            labels.rotate_right(1);
            batch.mix = Some(MixedImages { labels, shares: vec![mixture.share; indices.len()] });
        }
        Ok(batch)
    }
}

/// Images as augmentation leaves them, but for mixing.
struct Changed<'a> {
    images: &'a Images,
    augmentation: &'a Augmentation,
    pass: PassDraws,
    scratch: Vec<u8>,
}

impl Changed<'_> {
    /// Writes the image of this index in place of what is in `out`.
    fn write(&mut self, index: u32, out: &mut Vec<u8>) -> Result<(), DatasetError> {
        out.clear();
        out.extend_from_slice(&self.images.image(index as usize)?);
        self.augmentation.change(out, self.images.shape(), index, self.pass, &mut self.scratch);
        Ok(())
    }
}

/// The images of the first batch, with values mixed as bytes.
pub(crate) fn pictures(
    images: &Images,
    indices: &[u32],
    augmentation: &Augmentation,
    pass: PassDraws,
) -> Result<Vec<u8>, DatasetError> {
    if images.values().is_some() && augmentation.is_empty() {
        let pictures = indices.iter().map(|&i| images.picture(i as usize));
        return Ok(pictures.collect::<Result<Vec<_>, _>>()?.concat());
    }
    let shape = images.shape();
    let mut bytes = room_for(indices.len().saturating_mul(shape.values()), "the pixels of a batch")?;
    let mut changed = Changed { images, augmentation, pass, scratch: Vec::new() };
    let mut image = Vec::new();
    for &index in indices {
        changed.write(index, &mut image)?;
        bytes.extend_from_slice(&image);
    }
    if let Some(mixture) = augmentation.mixture(0, shape, pass) {
        mixture.paste(&mut bytes, shape);
        mixture.blend_bytes(&mut bytes, shape.values());
    }
    Ok(bytes)
}

/// Makes any batch of a pass: a pure function of its number.
#[derive(Debug)]
pub(crate) struct Preparer {
    pub(crate) source: Source,
    pub(crate) order: Vec<u32>,
    pub(crate) pass: PassDraws,
    pub(crate) batch: usize,
    pub(crate) augmentation: Arc<Augmentation>,
}

impl Preparer {
    pub(crate) fn prepare(&self, number: usize) -> Result<ImageBatch, DatasetError> {
        let start = number * self.batch;
        let end = self.order.len().min(start.saturating_add(self.batch));
        self.source.batch(&self.order[start..end], number, &self.augmentation, self.pass)
    }
}
