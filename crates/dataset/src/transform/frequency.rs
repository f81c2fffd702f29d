//! Low frequencies in place of pixels.

use strata_kernels::FrequencyTable;
use strata_rng::Philox;

use super::Transform;
use crate::{DatasetError, ImageShape};

impl Transform for FrequencyTable {
    fn values(&self, _: ImageShape) -> usize {
        self.transform().coefficients()
    }

    fn check(&self, shape: ImageShape) -> Result<(), DatasetError> {
        super::same_shape(self.transform().shape(), shape)
    }

    fn apply(&self, image: &[u8], _: ImageShape, _: &Philox, out: &mut [f32]) {
        self.apply_serial(image, out);
    }

    fn mirror(&self, _: ImageShape, values: &mut [f32]) -> bool {
        FrequencyTable::mirror(self, values);
        true
    }
}
