//! The backward pass.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::columns::Columns;
use super::strips::{StripRow, Strips, SumsAndDifferences, WIDTH};
use super::{Norm, Rectified};
use crate::GemmShape;
use crate::dispatch::{Kernel, dispatch};
use crate::lanes::{LANES, Lanes};
use crate::norm::expect;
use crate::pack;
use crate::parallel::{each_chunk, each_task};
use crate::product::input_gradient_of_counted;
use crate::sparse::nonzeros_of;

/// Rows that a task gathers.
const ROWS: usize = 16;

/// Of which values a product's bias has its gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BiasOf {
    /// Of all rows of what was normalised, one after the other.
    Rows,
    /// Of the sums of both views.
    Sums,
}

/// What goes back from a [`Rectified`].
#[derive(Debug)]
pub struct RectifiedGradient {
    /// Of the gain.
    pub gain: Vec<f32>,
    /// Of the normalisation's bias.
    pub bias: Vec<f32>,
    /// Of the products' bias.
    pub product_bias: Vec<f32>,
    /// Of the products, one or two, by columns.
    pub columns: Vec<Columns>,
    /// The same by rows, where they were asked for.
    rows: Vec<Rows>,
}

/// The gradient of a product's outputs by rows, `[batch, outputs]`.
#[derive(Debug)]
struct Rows {
    lanes: Lanes,
    count: usize,
    /// How many values are not zero.
    nonzeros: usize,
}

impl RectifiedGradient {
    /// The gradient of product `part` by rows, `[batch, outputs]`; none where they were not asked for.
    pub fn rows(&self, part: usize) -> Option<&[f32]> {
        let Rows { lanes, count, .. } = self.rows.get(part)?;
        Some(&lanes.as_flattened()[..*count])
    }

    /// The gradient of the samples of product `part`, written to `dx`: [`input_gradient`](crate::input_gradient).
    ///
    /// # Panics
    /// Where a slice's length is not what `shape` says, or rows were not asked for.
    pub fn input_gradient(&self, part: usize, shape: GemmShape, weight: &[f32], dx: &mut [f32]) {
        let Rows { lanes, count, nonzeros } = &self.rows[part];
        input_gradient_of_counted(shape, (&lanes.as_flattened()[..*count], *nonzeros), weight, dx);
    }
}

impl Rectified {
    /// The gradients of what [`Rectified::forward`] took, from the gradient `dy` of its result; `norm` is what it was given. `views` is the factor by which the products' gradients are the sum
    /// and the difference of both views' where there are two ([`sums_and_differences`](crate::sums_and_differences)).
    ///
    /// # Panics
    /// Where lengths do not agree.
    pub fn gradient(
        &self,
        norm: Norm<'_>,
        dy: &[f32],
        views: Option<f32>,
        bias_of: BiasOf,
        needs_rows: bool,
    ) -> RectifiedGradient {
        let (rows, features) = (self.strips.rows(), self.strips.features());
        expect("the gain", norm.gain, features);
        expect("the bias", norm.bias, features);
        assert_eq!(dy.len(), rows * features, "dy is [{rows}, {features}]");
        let parts = if views.is_some() { 2 } else { 1 };
        let batch = rows / parts;
        let new = || vec![0.0; features];
        let (mut gain, mut bias, mut product_bias) = (new(), new(), new());
        let mut columns: Vec<Columns> = (0..parts).map(|_| Columns::scratch(features, batch)).collect();
        let mut kept = needs_rows.then(|| Strips::scratch(rows, features));
        let mut of_parts: Vec<_> = columns.iter_mut().map(|part| part.values_mut().chunks_mut(WIDTH * batch)).collect();
        let mut kept_strips = kept.as_mut().map(Strips::all_mut);
        let small = gain.chunks_mut(WIDTH).zip(bias.chunks_mut(WIDTH)).zip(product_bias.chunks_mut(WIDTH));
        let pieces: Vec<_> = small
            .map(|((gain, bias), product_bias)| Pieces {
                gain,
                bias,
                product_bias,
                columns: of_parts.iter_mut().filter_map(Iterator::next).collect(),
                kept: kept_strips.as_mut().and_then(Iterator::next),
            })
            .collect();
        let tasks: Vec<_> = (0..pieces.len()).map(|strip| strip..strip + 1).collect();
        let strips: Vec<&[StripRow]> = self.strips.all().collect();
        // Whether zeros are skipped goes by their number, which is known before the products look for it.
        let nonzeros = [AtomicUsize::new(0), AtomicUsize::new(0)];
        each_task(&tasks, pieces, &|task, mut pieces| {
            let number = task.start;
            let mut scratch;
            let gradient: &mut [StripRow] = match pieces.kept.take() {
                Some(strip) => strip,
                None => {
                    scratch = Strips::scratch(rows, WIDTH);
                    scratch.all_mut().next().unwrap_or_default()
                }
            };
            let strip = self.padded(norm, number);
            dispatch(Backward { x: strips[number], dy, features, strip: &strip, gradient, pieces: &mut pieces });
            if bias_of == BiasOf::Rows {
                dispatch(ColumnSums { rows: gradient, sums: pieces.product_bias });
            }
            if let Some(factor) = views {
                let (a, b) = gradient.split_at_mut(batch);
                dispatch(SumsAndDifferences { a, b, factor });
            }
            if bias_of == BiasOf::Sums {
                dispatch(ColumnSums { rows: &gradient[..batch], sums: pieces.product_bias });
            }
            for ((columns, rows), nonzeros) in
                pieces.columns.into_iter().zip(gradient.chunks_exact(batch)).zip(&nonzeros)
            {
                pack::transpose(rows.as_flattened(), (WIDTH, columns.len() / batch), batch, columns);
                nonzeros.fetch_add(nonzeros_of(columns), Ordering::Relaxed);
            }
        });
        for (columns, nonzeros) in columns.iter_mut().zip(nonzeros) {
            columns.nonzeros = nonzeros.into_inner();
        }
        let rows = match kept {
            Some(strips) => by_rows(&strips, &columns),
            None => Vec::new(),
        };
        RectifiedGradient { gain, bias, product_bias, columns, rows }
    }

    /// What belongs to the features of a strip; zeros behind the last.
    fn padded(&self, norm: Norm<'_>, number: usize) -> OfStrip {
        let of = |values: &[f32]| {
            let mut padded = [0.0; WIDTH];
            let values = values[number * WIDTH..].iter().take(WIDTH);
            padded.iter_mut().zip(values).for_each(|(padded, value)| *padded = *value);
            padded
        };
        let statistics = &self.statistics;
        OfStrip {
            first: number * WIDTH,
            mean: of(&statistics.mean),
            inverse: of(&statistics.inverse_deviation),
            gain: of(norm.gain),
            bias: of(norm.bias),
        }
    }
}

/// The parts of `strips`, one below the other in them, each as rows; `columns` are the same parts.
fn by_rows(strips: &Strips, columns: &[Columns]) -> Vec<Rows> {
    let part = |(part, columns): (usize, &Columns)| {
        let Columns { outputs: features, batch, nonzeros, .. } = *columns;
        let count = batch * features;
        let mut lanes = Lanes::scratch(count.div_ceil(LANES));
        each_chunk(&mut lanes.as_flattened_mut()[..count], ROWS * features, &|piece, rows| {
            for (row, out) in (part * batch + piece * ROWS..).zip(rows.chunks_exact_mut(features)) {
                for (values, out) in strips.of_row(row).zip(out.chunks_mut(WIDTH)) {
                    out.copy_from_slice(&values[..out.len()]);
                }
            }
        });
        Rows { lanes, count, nonzeros }
    };
    columns.iter().enumerate().map(part).collect()
}

/// What a task writes.
struct Pieces<'a> {
    gain: &'a mut [f32],
    bias: &'a mut [f32],
    product_bias: &'a mut [f32],
    columns: Vec<&'a mut [f32]>,
    kept: Option<&'a mut [StripRow]>,
}

/// Statistics and parameters of a strip's features.
struct OfStrip {
    first: usize,
    mean: StripRow,
    inverse: StripRow,
    gain: StripRow,
    bias: StripRow,
}

/// Through the rectifier and the normalisation.
struct Backward<'a, 'p> {
    x: &'a [StripRow],
    dy: &'a [f32],
    features: usize,
    strip: &'a OfStrip,
    gradient: &'a mut [StripRow],
    pieces: &'a mut Pieces<'p>,
}

impl Kernel for Backward<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, dy, features, strip, gradient, pieces } = self;
        let OfStrip { first, mean, inverse, gain, bias } = strip;
        let width = pieces.gain.len();
        let (mut products, mut sums) = ([0.0; WIDTH], [0.0; WIDTH]);
        for ((x, dy), gradient) in x.iter().zip(dy.chunks_exact(features)).zip(&mut *gradient) {
            let mut padded = [0.0; WIDTH];
            let dy = match dy[*first..].first_chunk() {
                Some(dy) => dy,
                None => {
                    padded[..width].copy_from_slice(&dy[*first..]);
                    &padded
                }
            };
            for c in 0..WIDTH {
                let normalised = (x[c] - mean[c]) * inverse[c];
                let is_open = normalised.mul_add(gain[c], bias[c]) > 0.0;
                let dy = if is_open { dy[c] } else { 0.0 };
                gradient[c] = dy;
                products[c] += f64::from(dy) * f64::from(normalised);
                sums[c] += f64::from(dy);
            }
        }
        let batch = x.len() as f64;
        let (mut of_product, mut of_dy, mut scale) = ([0.0; WIDTH], [0.0; WIDTH], [0.0; WIDTH]);
        for c in 0..WIDTH {
            of_product[c] = (products[c] / batch) as f32;
            of_dy[c] = (sums[c] / batch) as f32;
            scale[c] = gain[c] * inverse[c];
        }
        for c in 0..width {
            pieces.gain[c] += products[c] as f32;
            pieces.bias[c] += sums[c] as f32;
        }
        for (x, gradient) in x.iter().zip(gradient) {
            for c in 0..WIDTH {
                let normalised = (x[c] - mean[c]) * inverse[c];
                gradient[c] = scale[c] * (-normalised).mul_add(of_product[c], gradient[c] - of_dy[c]);
            }
        }
    }
}

/// The sums down the columns.
struct ColumnSums<'a> {
    rows: &'a [StripRow],
    sums: &'a mut [f32],
}

impl Kernel for ColumnSums<'_> {
    #[inline(always)]
    fn run(self) {
        let mut sums = [0.0; WIDTH];
        for row in self.rows {
            for c in 0..WIDTH {
                sums[c] += row[c];
            }
        }
        for (sum, value) in self.sums.iter_mut().zip(sums) {
            *sum += value;
        }
    }
}
