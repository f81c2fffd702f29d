//! The transform: which frequencies are kept, and their coefficients.

use crate::dispatch::{Kernel, dispatch};
use crate::parallel::each_pair;
use crate::portable::sin_cos;

/// Lanes that a row of horizontal frequencies is filled up to.
const LANES: usize = 8;
/// Columns of the vertical transform at a time.
const STRIP: usize = 4 * LANES;
/// Images of a task.
const BLOCK: usize = 64;

/// Some frequencies of the channels of an image of one size.
///
/// Sums run over an image's middle: `p[y, x] + p[y, W - 1 - x]` for even horizontal frequencies, the difference for odd ones, and the same of rows. So the
/// coefficients of a mirrored image are, to the bit, those of the image with the signs of the odd horizontal frequencies turned; and the work is half.
/// Each sum is one chain of fused multiply-adds in order, the same on every machine and any number of threads.
///
/// ```
/// use strata_kernels::LowFrequencies;
///
/// let transform = LowFrequencies::lowest(1, 2, 2, 3).expect("four are possible");
/// assert_eq!(transform.frequencies(), [[0, 0], [0, 1], [1, 0]]);
/// let mut coefficients = [0.0; 3];
/// transform.forward(&[255, 0, 255, 0], &mut coefficients);
/// // (1 + 0 + 1 + 0) / 2, then (1 - 0 + 1 - 0) / 2
/// assert!((coefficients[0] - 1.0).abs() < 1e-6 && (coefficients[1] - 1.0).abs() < 1e-6 && coefficients[2].abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LowFrequencies {
    channels: usize,
    height: usize,
    width: usize,
    frequencies: Vec<[u32; 2]>,
    /// Where each frequency's sum is among all that are worked out, `[U, even and odd]`.
    places: Vec<u32>,
    /// `cos(π(2y + 1)u / 2H) · a(u) / 255`, `[⌈H / 2⌉, U]`.
    vertical: Vec<f32>,
    /// `cos(π(2x + 1)v / 2W) · a(v)` of the even v, `[⌈W / 2⌉, even]`.
    even: Vec<f32>,
    /// And of the odd ones, `[⌊W / 2⌋, odd]`.
    odd: Vec<f32>,
    /// Vertical frequencies up to the highest that is kept.
    rows: usize,
    /// Even, and odd, horizontal frequencies up to the highest that is kept, in whole lanes.
    columns: [usize; 2],
}

impl LowFrequencies {
    /// The `count` frequencies `[u, v]` (vertical, horizontal) of smallest (u / height)² + (v / width)² of each channel, in that order; of equal ones the smaller
    /// u first, then the smaller v. None where there are not so many, or none of them.
    pub fn lowest(channels: usize, height: usize, width: usize, count: usize) -> Option<Self> {
        let side = |side: usize| u32::try_from(side).ok();
        let (rows, columns) = (side(height)?, side(width)?);
        let mut all: Vec<[u32; 2]> = (0..rows).flat_map(|u| (0..columns).map(move |v| [u, v])).collect();
        if count == 0 || count > all.len() {
            return None;
        }
        // (u / H)² + (v / W)² without its denominator.
        let square = |a: u32, b: u32| u128::from(a) * u128::from(a) * u128::from(b) * u128::from(b);
        all.sort_by_key(|&[u, v]| (square(u, columns) + square(v, rows), u, v));
        all.truncate(count);
        Self::of(channels, height, width, all)
    }

    /// These frequencies `[u, v]` of each channel, in this order. None where one of them is not below height and width, or there are none.
    pub fn of(channels: usize, height: usize, width: usize, frequencies: Vec<[u32; 2]>) -> Option<Self> {
        let is_one = |&[u, v]: &[u32; 2]| (u as usize) < height && (v as usize) < width;
        if channels == 0 || frequencies.is_empty() || !frequencies.iter().all(is_one) {
            return None;
        }
        let count = |axis: usize| frequencies.iter().map(|pair| pair[axis] as usize + 1).max().unwrap_or(1);
        let (rows, columns) = (count(0), count(1));
        let columns = [columns.div_ceil(2).next_multiple_of(LANES), (columns / 2).next_multiple_of(LANES)];
        let cosines =
            |places: usize, side: usize, frequencies: usize, frequency: &dyn Fn(usize) -> usize, unit: f64| {
                let value = |at: usize| {
                    let (place, n) = (at / frequencies, frequency(at % frequencies));
                    if n < side { (cosine(place, n, side) * unit) as f32 } else { 0.0 }
                };
                (0..places * frequencies).map(value).collect::<Vec<f32>>()
            };
        let place = |&[u, v]: &[u32; 2]| {
            let column = v as usize / 2 + if v % 2 == 0 { 0 } else { columns[0] };
            u32::try_from(u as usize * (columns[0] + columns[1]) + column).ok()
        };
        let places = frequencies.iter().map(place).collect::<Option<Vec<_>>>()?;
        Some(Self {
            vertical: cosines(height.div_ceil(2), height, rows, &|u| u, 1.0 / 255.0),
            even: cosines(width.div_ceil(2), width, columns[0], &|n| 2 * n, 1.0),
            odd: cosines(width / 2, width, columns[1], &|n| 2 * n + 1, 1.0),
            channels,
            height,
            width,
            frequencies,
            places,
            rows,
            columns,
        })
    }

    /// The frequencies `[u, v]` of each channel, in the order of the coefficients.
    pub fn frequencies(&self) -> &[[u32; 2]] {
        &self.frequencies
    }

    /// Channels, rows and columns of an image.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Coefficients of an image: those of the first channel, of the second, ….
    pub fn coefficients(&self) -> usize {
        self.channels * self.frequencies.len()
    }

    /// Whether mirroring an image turns the sign of the coefficient at `place`.
    pub(super) fn is_odd(&self, place: usize) -> bool {
        self.frequencies[place % self.frequencies.len()][1] % 2 == 1
    }

    /// The coefficients `[images, coefficients]` of the pixels byte / 255 of images `[images, channels, height, width]`, on all threads.
    ///
    /// # Panics
    /// Where the sizes do not fit.
    pub fn forward(&self, images: &[u8], coefficients: &mut [f32]) {
        let (values, count) = self.check(images, coefficients);
        each_pair((images, values * BLOCK), (coefficients, count * BLOCK), 1, &|images, coefficients| {
            dispatch(Forward { transform: self, images, coefficients });
        });
    }

    /// The same on the calling thread alone.
    ///
    /// # Panics
    /// As there.
    pub fn forward_serial(&self, images: &[u8], coefficients: &mut [f32]) {
        self.check(images, coefficients);
        dispatch(Forward { transform: self, images, coefficients });
    }

    /// Values, and coefficients, of an image.
    fn check(&self, images: &[u8], coefficients: &[f32]) -> (usize, usize) {
        let (values, count) = (self.channels * self.height * self.width, self.coefficients());
        assert!(images.len().is_multiple_of(values), "whole images");
        assert_eq!(images.len() / values * count, coefficients.len(), "coefficients for each image");
        (values, count)
    }
}

/// `cos(π(2 · place + 1) · n / 2 · side) · a(n)`.
fn cosine(place: usize, n: usize, side: usize) -> f64 {
    // The angle within one turn, as a whole number of its parts: nothing is lost.
    let parts = ((2 * place + 1) * n) % (4 * side);
    let angle = std::f64::consts::PI * parts as f64 / (2 * side) as f64;
    let unit = if n == 0 { 1.0 } else { 2.0 };
    sin_cos(angle).1 * (unit / side as f64).sqrt()
}

/// Some images on one thread.
struct Forward<'a> {
    transform: &'a LowFrequencies,
    images: &'a [u8],
    coefficients: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let LowFrequencies { height, width, rows, .. } = *self.transform;
        let (middle, plane) = (height.div_ceil(2), height * width);
        let mut folded = vec![0.0f32; 2 * middle * width];
        let mut lines = vec![0.0f32; rows * width];
        let mut halves = vec![0.0f32; 2 * width.div_ceil(2)];
        let mut sums = vec![0.0f32; rows * self.transform.columns.iter().sum::<usize>()];
        let kept = self.transform.frequencies.len();
        for (plane, out) in self.images.chunks_exact(plane).zip(self.coefficients.chunks_exact_mut(kept)) {
            fold_rows(plane, width, &mut folded);
            self.transform.sum_rows(&folded, &mut lines);
            self.transform.sum_columns(&lines, &mut halves, &mut sums, out);
        }
    }
}

/// Sums of the rows that lie opposite each other, then their differences; a middle row counts once, and has no difference.
#[inline(always)]
fn fold_rows(plane: &[u8], width: usize, folded: &mut [f32]) {
    let height = plane.len() / width;
    let (sums, differences) = folded.split_at_mut(height.div_ceil(2) * width);
    let rows = sums.chunks_exact_mut(width).zip(differences.chunks_exact_mut(width));
    for (y, (sum, difference)) in rows.enumerate() {
        let (upper, lower) = (&plane[y * width..][..width], &plane[(height - 1 - y) * width..][..width]);
        let is_middle = 2 * y + 1 == height;
        for x in 0..width {
            let (a, b) = (f32::from(upper[x]), if is_middle { 0.0 } else { f32::from(lower[x]) });
            sum[x] = a + b;
            difference[x] = if is_middle { 0.0 } else { a - b };
        }
    }
}

impl LowFrequencies {
    /// The vertical transform: `[U, W]`.
    #[inline(always)]
    fn sum_rows(&self, folded: &[f32], lines: &mut [f32]) {
        let (width, middle) = (self.width, self.height.div_ceil(2));
        let whole = width - width % STRIP;
        for (u, line) in lines.chunks_exact_mut(width).enumerate() {
            let part = &folded[u % 2 * middle * width..][..middle * width];
            let factors = || self.vertical.iter().skip(u).step_by(self.rows);
            for (at, out) in line[..whole].chunks_exact_mut(STRIP).enumerate() {
                // A strip's sums stay in registers.
                let mut sums = [[0.0f32; LANES]; STRIP / LANES];
                for (values, factor) in part.chunks_exact(width).zip(factors()) {
                    let values = &values[at * STRIP..][..STRIP];
                    for (lanes, sums) in sums.iter_mut().enumerate() {
                        for lane in 0..LANES {
                            sums[lane] = values[lanes * LANES + lane].mul_add(*factor, sums[lane]);
                        }
                    }
                }
                for (out, sums) in out.chunks_exact_mut(LANES).zip(&sums) {
                    out.copy_from_slice(sums);
                }
            }
            for (x, out) in line.iter_mut().enumerate().skip(whole) {
                let values = part.iter().skip(x).step_by(width);
                *out = values.zip(factors()).fold(0.0, |sum, (value, factor)| value.mul_add(*factor, sum));
            }
        }
    }

    /// The horizontal transform of those lines, and what is kept of it.
    #[inline(always)]
    fn sum_columns(&self, lines: &[f32], halves: &mut [f32], sums: &mut [f32], out: &mut [f32]) {
        let [evens, odds] = self.columns;
        let (middle, both) = (self.width.div_ceil(2), self.width / 2);
        let (added, taken) = halves.split_at_mut(middle);
        for (line, sums) in lines.chunks_exact(self.width).zip(sums.chunks_exact_mut(evens + odds)) {
            let opposite = line[..both].iter().zip(line[middle..].iter().rev());
            for ((added, taken), (left, right)) in added.iter_mut().zip(&mut *taken).zip(opposite) {
                (*added, *taken) = (left + right, left - right);
            }
            if both < middle {
                added[both] = line[both];
            }
            let (even_sums, odd_sums) = sums.split_at_mut(evens);
            sum_lanes(added, &self.even, even_sums);
            sum_lanes(&taken[..both], &self.odd, odd_sums);
        }
        for (out, place) in out.iter_mut().zip(&self.places) {
            *out = sums[*place as usize];
        }
    }
}

/// The sums of `values` times the factors of each column, `[values, columns]`; the columns are whole lanes.
#[inline(always)]
fn sum_lanes(values: &[f32], factors: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    let mut at = 0;
    // Two pieces at a time, then one: chains of multiply-adds that do not wait for each other.
    while at + 2 * LANES <= columns {
        let chains = sum_pieces::<2>(values, factors, columns, at);
        for (sums, chain) in sums[at..].chunks_exact_mut(LANES).zip(&chains) {
            sums.copy_from_slice(chain);
        }
        at += 2 * LANES;
    }
    if at < columns {
        sums[at..].copy_from_slice(&sum_pieces::<1>(values, factors, columns, at)[0]);
    }
}

#[inline(always)]
fn sum_pieces<const N: usize>(values: &[f32], factors: &[f32], columns: usize, at: usize) -> [[f32; LANES]; N] {
    let mut sums = [[0.0f32; LANES]; N];
    for (value, factors) in values.iter().zip(factors.chunks_exact(columns)) {
        let factors = &factors[at..][..N * LANES];
        for (piece, sums) in sums.iter_mut().enumerate() {
            for lane in 0..LANES {
                sums[lane] = value.mul_add(factors[piece * LANES + lane], sums[lane]);
            }
        }
    }
    sums
}
