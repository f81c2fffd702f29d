//! The forward pass.

use super::strips::{StripRow, Strips, SumsAndDifferences, WIDTH};
use super::{Affine, Norm, Normalised, Rectified};
use crate::block::{Block, Then};
use crate::dispatch::{Kernel, dispatch};
use crate::geometry::{KC, PANELS, SPARSE_KC};
use crate::lanes::{LANES, Lanes};
use crate::norm::{StatisticsPart, expect};
use crate::pack;
use crate::parallel::{each_chunk, each_task};
use crate::prefetch::Prefetch;
use crate::product::{SAMPLES_THAT_PAY, direct_pays};
use crate::sparse::Sparse;
use crate::sparse_block::SparseBlock;
use crate::vectors::vectors;
use crate::{GemmShape, Statistics, affine};

/// Rows that a task normalises.
const ROWS: usize = 16;

impl Rectified {
    /// `max(0, (x - mean) / √(variance + eps) · gain + bias)` of what is normalised, mean and variance of each feature over the rows, written to `y` (`[rows, features]`). A NaN stays one.
    ///
    /// # Panics
    /// Where there are fewer than two rows, or a slice's length is not what the shapes say.
    pub fn forward(normalised: Normalised<'_>, norm: Norm<'_>, y: &mut [f32]) -> Self {
        let (products, factor, rows) = match &normalised {
            Normalised::One(product) => (std::slice::from_ref(product), None, product.shape.batch),
            Normalised::Views(products, factor) => (&products[..], Some(*factor), 2 * products[0].shape.batch),
        };
        let shape = products[0].shape;
        let features = shape.outputs;
        let fit = |product: &Affine<'_>| (product.shape.batch, product.shape.outputs) == (shape.batch, features);
        assert!(products.iter().all(fit), "products of the same samples to the same features");
        assert!(rows > 1, "batch normalisation of {rows} samples in training");
        assert!(norm.eps >= 0.0, "an eps of {}", norm.eps);
        expect("the gain", norm.gain, features);
        expect("the bias", norm.bias, features);
        assert_eq!(y.len(), rows * features, "y is [{rows}, {features}]");
        let products: Vec<Source<'_>> = products.iter().map(Source::of).collect();
        let mut strips = Strips::scratch(rows, features);
        let mut statistics = Statistics::zeros(features);
        let pieces: Vec<_> = strips.all_mut().zip(statistics.parts(WIDTH)).collect();
        let tasks: Vec<_> = (0..pieces.len()).map(|strip| strip..strip + 1).collect();
        each_task(&tasks, pieces, &|task, (strip, statistics)| {
            let strip_number = task.start;
            match factor {
                None => products.iter().for_each(|product| product.write(strip_number, strip)),
                Some(factor) => {
                    let (sums, differences) = strip.split_at_mut(shape.batch);
                    products[0].write(strip_number, sums);
                    products[1].write(strip_number, differences);
                    dispatch(SumsAndDifferences { a: sums, b: differences, factor });
                }
            }
            dispatch(Moments { strip, eps: norm.eps, statistics });
        });
        each_chunk(y, ROWS * features, &|piece, y| {
            dispatch(Rectify { strips: &strips, statistics: &statistics, norm, first: piece * ROWS, y });
        });
        Self { strips, statistics }
    }
}

/// How a product gets into strips.
enum Source<'a> {
    /// By the values of the samples that are not zero.
    Sparse(&'a Affine<'a>, Sparse),
    /// By the weight's panels, each packed where it is used, and used once.
    Dense(&'a Affine<'a>),
    /// From the product as a whole: where the weight is large beside the batch, or threads are more than strips.
    Whole(Lanes, usize),
}

impl<'a> Source<'a> {
    /// The same sums as [`affine`]'s, so the same choice between the two orders that there are.
    fn of(product: &'a Affine<'a>) -> Self {
        let Affine { shape, x, weight, bias } = *product;
        shape.check(Some(x.len()), Some(weight.len()), None);
        assert_eq!(bias.len(), shape.outputs, "the bias is [{}]", shape.outputs);
        let GemmShape { batch, inputs, outputs } = shape;
        let enough = outputs.div_ceil(WIDTH) >= rayon::current_num_threads();
        if enough
            && batch >= SAMPLES_THAT_PAY
            && let Some(sparse) = Sparse::of(x, batch, inputs, outputs)
        {
            return Self::Sparse(product, sparse);
        }
        if enough && direct_pays(shape) {
            return Self::Dense(product);
        }
        let mut y = Lanes::scratch((batch * outputs).div_ceil(LANES));
        affine(shape, x, weight, bias, &mut y.as_flattened_mut()[..batch * outputs]);
        Self::Whole(y, outputs)
    }

    /// Writes strip `number`.
    fn write(&self, number: usize, strip: &mut [StripRow]) {
        match self {
            Self::Sparse(product, sparse) => by_nonzeros(product, sparse, number, strip),
            Self::Dense(product) => by_panels(product, number, strip),
            Self::Whole(y, features) => {
                let first = number * WIDTH;
                let width = WIDTH.min(features - first);
                for (row, strip) in y.as_flattened().chunks(*features).zip(strip) {
                    strip[..width].copy_from_slice(&row[first..][..width]);
                }
            }
        }
    }
}

/// The bias of a strip's features, zeros behind the last.
fn bias_of(bias: &[f32], number: usize) -> StripRow {
    let mut padded = [0.0; WIDTH];
    let bias = &bias[number * WIDTH..];
    let width = WIDTH.min(bias.len());
    padded[..width].copy_from_slice(&bias[..width]);
    padded
}

fn by_nonzeros(product: &Affine<'_>, sparse: &Sparse, number: usize, strip: &mut [StripRow]) {
    let Affine { shape, weight, bias, .. } = *product;
    let (lanes, _) = strip.as_flattened_mut().as_chunks_mut::<LANES>();
    let (sums, _) = lanes.as_chunks_mut::<PANELS>();
    sums.fill([[0.0; LANES]; PANELS]);
    let mut panel = Lanes::scratch(SPARSE_KC * PANELS);
    let (panel, _) = panel.as_chunks_mut();
    for block in 0..sparse.blocks() {
        pack::transposed_wide(weight, shape.inputs, number * WIDTH, block * SPARSE_KC, panel);
        // What the next panel is packed from.
        let prefetch = Prefetch {
            matrix: weight,
            row_length: shape.inputs,
            first_row: number * WIDTH,
            first_column: (block + 1) * SPARSE_KC,
            lines: (SPARSE_KC * PANELS).div_ceil(sums.len()),
        };
        let rows = sparse.block(block, 0, sums.len());
        SparseBlock { rows, panel, sums, prefetch }.compute(vectors());
    }
    dispatch(AddBias { strip, bias: &bias_of(bias, number) });
}

fn by_panels(product: &Affine<'_>, number: usize, strip: &mut [StripRow]) {
    let Affine { shape: GemmShape { inputs, outputs, .. }, x, weight, bias } = *product;
    let bias = bias_of(bias, number);
    let (bias, _) = bias.as_chunks();
    let (sums, _) = strip.as_flattened_mut().as_chunks_mut::<LANES>();
    let mut panels = Lanes::scratch(PANELS * KC.min(inputs));
    for k in (0..inputs).step_by(KC) {
        let depth = KC.min(inputs - k);
        let panels = &mut panels[..PANELS * depth];
        pack::transposed_panels(weight, (outputs, inputs), (number * PANELS, k), depth, panels);
        let block = Block {
            rows: x,
            row_length: inputs,
            first_row: 0,
            first_k: k,
            depth,
            panels,
            sums,
            sums_length: PANELS,
            then: Then { is_first: k == 0, bias: if k + depth == inputs { bias } else { &[] } },
            prefetch: Prefetch::NONE,
        };
        block.compute(vectors());
    }
}

struct AddBias<'a> {
    strip: &'a mut [StripRow],
    bias: &'a StripRow,
}

impl Kernel for AddBias<'_> {
    #[inline(always)]
    fn run(self) {
        for row in self.strip {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value += bias;
            }
        }
    }
}

/// The statistics of a strip's features.
struct Moments<'a> {
    strip: &'a [StripRow],
    eps: f32,
    statistics: StatisticsPart<'a>,
}

impl Kernel for Moments<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { strip, eps, statistics } = self;
        let batch = strip.len() as f64;
        let (mut means, mut squares) = ([0.0; WIDTH], [0.0; WIDTH]);
        for x in strip {
            for c in 0..WIDTH {
                means[c] += f64::from(x[c]);
            }
        }
        means.iter_mut().for_each(|mean| *mean /= batch);
        for x in strip {
            for c in 0..WIDTH {
                let difference = f64::from(x[c]) - means[c];
                squares[c] += difference * difference;
            }
        }
        statistics.write(&means, &squares, batch, eps);
    }
}

/// Some rows of the result.
struct Rectify<'a> {
    strips: &'a Strips,
    statistics: &'a Statistics,
    norm: Norm<'a>,
    first: usize,
    y: &'a mut [f32],
}

impl Kernel for Rectify<'_> {
    #[inline(always)]
    fn run(self) {
        let features = self.strips.features();
        let Norm { gain, bias, .. } = self.norm;
        let Statistics { mean, inverse_deviation: inverse, .. } = self.statistics;
        for (row, y) in (self.first..).zip(self.y.chunks_exact_mut(features)) {
            for (number, x) in self.strips.of_row(row).enumerate() {
                let first = number * WIDTH;
                let n = WIDTH.min(features - first);
                let (y, gain, bias) = (&mut y[first..][..n], &gain[first..][..n], &bias[first..][..n]);
                let (x, mean, inverse) = (&x[..n], &mean[first..][..n], &inverse[first..][..n]);
                for j in 0..n {
                    let value = ((x[j] - mean[j]) * inverse[j]).mul_add(gain[j], bias[j]);
                    y[j] = if value < 0.0 { 0.0 } else { value };
                }
            }
        }
    }
}
