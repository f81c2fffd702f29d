//! What is done with a product that is no optimizer's step: it is written, or added to what is there.

use super::{Epilogue, EpilogueTile, Piece};
use crate::dispatch::{Kernel, dispatch};

/// The gradient replaces the values.
pub(crate) struct Write;

impl Epilogue for Write {
    fn finish(&self, target: &mut Piece<'_>, tile: EpilogueTile<'_>) {
        for (range, sums) in tile.rows() {
            target.values[range].copy_from_slice(sums);
        }
    }
}

/// The gradient is added to the values.
pub(crate) struct Add;

impl Epilogue for Add {
    fn finish(&self, target: &mut Piece<'_>, tile: EpilogueTile<'_>) {
        dispatch(AddRows { values: target.values, tile });
    }
}

struct AddRows<'a> {
    values: &'a mut [f32],
    tile: EpilogueTile<'a>,
}

impl Kernel for AddRows<'_> {
    #[inline(always)]
    fn run(self) {
        for (range, sums) in self.tile.rows() {
            self.values[range].iter_mut().zip(sums).for_each(|(value, sum)| *value += sum);
        }
    }
}
