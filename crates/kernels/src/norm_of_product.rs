//! The norm of a gradient that is a product, without the product.

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};
use crate::lanes::LANES;
use crate::{GemmShape, affine, zeros};

/// `|dyᵀ · x|²`, the sum of the squares of a weight's gradient, by `⟨dy · dyᵀ, x · xᵀ⟩`: two products of batch × batch.
///
/// `dy` is `[batch, outputs]`, `x` `[batch, inputs]`. The same bits for any number of threads.
///
/// # Panics
/// Where a slice's length is not what `shape` says.
pub fn squared_norm_of_product(shape: GemmShape, dy: &[f32], x: &[f32]) -> f64 {
    shape.check(Some(x.len()), None, Some(dy.len()));
    let GemmShape { batch, inputs, outputs } = shape;
    let gram = |features: usize, rows: &[f32]| {
        let mut gram = zeros(batch * batch);
        let zero = zeros(batch);
        affine(GemmShape { batch, inputs: features, outputs: batch }, rows, rows, &zero, &mut gram);
        gram
    };
    let (dy, x) = (gram(outputs, dy), gram(inputs, x));
    let rows: Vec<f64> = dy.par_chunks(batch).zip(x.par_chunks(batch)).map(|(dy, x)| dot(dy, x)).collect();
    let total: f64 = rows.into_iter().sum();
    // Rounding can leave a little less than nothing where the samples' gradients cancel. A NaN stays one.
    if total < 0.0 { 0.0 } else { total }
}

/// Whether the norm takes fewer operations by its factors: two products of batch × batch against the gradient and its way
/// through memory, which for a large weight takes as long as the products of sixteen more samples.
pub(crate) fn products_are_cheaper(shape: GemmShape) -> bool {
    let GemmShape { batch, inputs, outputs } = shape;
    let by_factors = batch.saturating_mul(batch).saturating_mul(inputs + outputs);
    by_factors < (batch + 16).saturating_mul(inputs).saturating_mul(outputs)
}

/// The sum of the squares in double precision. The same bits for any number of threads.
pub(crate) fn squared_norm(values: &[f32]) -> f64 {
    const PIECE: usize = 1 << 14;
    values.par_chunks(PIECE).map(|piece| dot(piece, piece)).collect::<Vec<_>>().into_iter().sum()
}

/// `Σ a · b` of slices of one length, in sixteen interleaved chains of double precision, which are added in order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    dispatch(Dot { a, b, sums: &mut sums });
    sums.iter().sum()
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
    sums: &'a mut [f64; LANES],
}

impl Kernel for Dot<'_> {
    #[inline(always)]
    fn run(self) {
        let ((a, a_rest), (b, b_rest)) = (self.a.as_chunks::<LANES>(), self.b.as_chunks::<LANES>());
        let mut sums = *self.sums;
        for (a, b) in a.iter().zip(b) {
            for c in 0..LANES {
                sums[c] = f64::from(a[c]).mul_add(f64::from(b[c]), sums[c]);
            }
        }
        for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
            *sum = f64::from(*a).mul_add(f64::from(*b), *sum);
        }
        *self.sums = sums;
    }
}
