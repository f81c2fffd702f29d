//! Values as they are.

use strata_rng::Philox;

use super::Transform;
use crate::ImageShape;

/// Each value as the number that it is: floats, or bytes from 0 to 255.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsTheyAre;

impl Transform for AsTheyAre {
    fn apply(&self, image: &[u8], _: ImageShape, _: &Philox, out: &mut [f32]) {
        out.iter_mut().zip(image).for_each(|(out, byte)| *out = f32::from(*byte));
    }

    fn mirror(&self, shape: ImageShape, values: &mut [f32]) -> bool {
        values.chunks_exact_mut(shape.width).for_each(<[f32]>::reverse);
        true
    }
}
