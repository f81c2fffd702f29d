//! What is done to an image before a network sees it.

mod frequency;
mod plain;
mod scale;
mod values;

use std::fmt::Debug;

pub(crate) use plain::AsTheyAre;
pub use scale::PixelScale;
use strata_rng::Philox;
pub use values::ValueScale;

use crate::{DatasetError, ImageShape};

/// Makes of an image's bytes the values that a network sees.
///
/// A transform is a pure function of the image and of what it draws from `draws`, a generator of its own for each sample of each pass:
/// it is made of the seed that the pass has drawn and of the sample's index. So any batch of a pass can be made at any time, on any thread,
/// and a resumed run sees the same values. Augmentation that draws nothing from elsewhere is exact in this way by construction.
///
/// ```
/// use std::sync::Arc;
///
/// use strata_dataset::{ImageShape, PixelScale, Transform};
/// use strata_rng::Philox;
///
/// /// Mirrors half of the images.
/// #[derive(Debug)]
/// struct Mirror(Arc<dyn Transform>);
///
/// impl Transform for Mirror {
///     fn apply(&self, image: &[u8], shape: ImageShape, draws: &Philox, out: &mut [f32]) {
///         if draws.block(0)[0] % 2 == 0 {
///             return self.0.apply(image, shape, draws, out);
///         }
///         let rows = image.chunks(shape.width);
///         let mirrored: Vec<u8> = rows.flat_map(|row| row.iter().rev().copied()).collect();
///         self.0.apply(&mirrored, shape, draws, out);
///     }
/// }
///
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let mirror = Mirror(PixelScale::Unit.transform(shape)?);
/// let mut seen = std::collections::BTreeSet::new();
/// for sample in 0..20 {
///     let mut out = [0.0; 2];
///     mirror.apply(&[0, 255], shape, &Philox::new(43, sample), &mut out);
///     seen.insert(out.map(|value| value as u8));
/// }
/// assert_eq!(Vec::from_iter(seen), [[0, 1], [1, 0]]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
pub trait Transform: Debug + Send + Sync {
    /// Values of a transformed image of this shape; as many as it has bytes by default.
    fn values(&self, shape: ImageShape) -> usize {
        shape.values()
    }

    /// Whether images of this shape can be transformed.
    ///
    /// # Errors
    ///
    /// [`DatasetError::OtherShape`] where not; none by default.
    fn check(&self, _shape: ImageShape) -> Result<(), DatasetError> {
        Ok(())
    }

    /// Writes the values of `image`, `[channels, rows, columns]`, to `out`, which has [`Transform::values`] places, all zero.
    fn apply(&self, image: &[u8], shape: ImageShape, draws: &Philox, out: &mut [f32]);

    /// Where each value is a function of its byte and channel alone: the value of each byte, a table a channel, for a device that makes its own
    /// values. None by default: such a device then refuses the transform.
    fn tables(&self) -> Option<&[[f32; 256]]> {
        None
    }

    /// Makes of an image's values those of its mirror image, left and right, where it can; false, and nothing done, by default.
    fn mirror(&self, _shape: ImageShape, _values: &mut [f32]) -> bool {
        false
    }
}

/// That a transform of images of `expected`, `[channels, rows, columns]`, is given such.
fn same_shape(expected: [usize; 3], shape: ImageShape) -> Result<(), DatasetError> {
    let found = [shape.channels, shape.height, shape.width];
    if found == expected { Ok(()) } else { Err(DatasetError::OtherShape { expected, found }) }
}
