//! The left operand of a product: rows that are read where they lie.

use super::Bf16;
use super::value::Operand;

/// A row-major matrix, of whose neighbours in a row the products take two and two.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Rounded where it is read: a weight, of which there is no copy that could grow old.
    F32(&'a [f32]),
    /// Rounded before.
    Bf16(&'a [Bf16]),
    /// Pairs of neighbours already; a row has one for every two values.
    Pairs(&'a [u32]),
}

impl Rows<'_> {
    /// Pairs of row `row` (`row_length` values) from value `first` on, which is even: as many as `pairs` has, the last one's partner zero where the row
    /// ends with it.
    #[inline(always)]
    pub(super) fn read(self, row: usize, row_length: usize, first: usize, pairs: &mut [u32]) {
        let values = row * row_length + first..row * row_length + row_length.min(first + 2 * pairs.len());
        match self {
            Self::F32(matrix) => pair_up(&matrix[values], pairs),
            Self::Bf16(matrix) => pair_up(&matrix[values], pairs),
            Self::Pairs(matrix) => {
                pairs.copy_from_slice(&matrix[row * row_length.div_ceil(2) + first / 2..][..pairs.len()]);
            }
        }
    }
}

/// The first of each two in the lower half.
#[inline(always)]
pub(super) fn pair(first: u32, second: u32) -> u32 {
    first | second << 16
}

#[inline(always)]
fn pair_up<T: Operand>(values: &[T], pairs: &mut [u32]) {
    let (whole, rest) = values.as_chunks::<2>();
    for (pair_bits, [first, second]) in pairs.iter_mut().zip(whole) {
        *pair_bits = pair(first.bits(), second.bits());
    }
    if let (Some(last), Some(pair_bits)) = (rest.first(), pairs.get_mut(whole.len())) {
        *pair_bits = last.bits();
    }
}
