//! The transform: which frequencies are kept, and their coefficients.

use super::forward::Forward;
use crate::dispatch::dispatch;
use crate::lanes::{LANES, Lane};
use crate::parallel::each_pair;
use crate::portable::sin_cos;

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
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) frequencies: Vec<[u32; 2]>,
    /// Where each frequency's sum is among all that are worked out, `[U, even and odd panels]` lanes.
    pub(super) places: Vec<u32>,
    /// `cos(π(2y + 1)u / 2H) · a(u) / 255`, `[u, ⌈H / 2⌉]`, of the even u, then of the odd ones.
    pub(super) vertical: [Vec<f32>; 2],
    /// `cos(π(2x + 1)v / 2W) · a(v)` of the even v, `[panels, ⌈W / 2⌉]` lanes.
    pub(super) even: Vec<Lane>,
    /// And of the odd ones, `[panels, ⌊W / 2⌋]` lanes.
    pub(super) odd: Vec<Lane>,
    /// Vertical frequencies up to the highest that is kept.
    pub(super) rows: usize,
    /// Panels of even, and odd, horizontal frequencies up to the highest that is kept.
    pub(super) panels: [usize; 2],
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
        let panels = [columns.div_ceil(2).div_ceil(LANES), (columns / 2).div_ceil(LANES)];
        let vertical = |parity: usize| {
            let frequencies = (parity..rows).step_by(2);
            let of_frequency =
                |u: usize| (0..height.div_ceil(2)).map(move |y| (cosine(y, u, height) * (1.0 / 255.0)) as f32);
            frequencies.flat_map(of_frequency).collect::<Vec<f32>>()
        };
        let horizontal = |parity: usize| {
            let depth = (width + 1 - parity) / 2;
            let lane = |at: usize| {
                let (panel, x) = (at / depth, at % depth);
                let value = |lane: usize| match 2 * (panel * LANES + lane) + parity {
                    v if v < width => cosine(x, v, width) as f32,
                    _ => 0.0,
                };
                std::array::from_fn(value)
            };
            (0..panels[parity] * depth).map(lane).collect::<Vec<Lane>>()
        };
        let place = |&[u, v]: &[u32; 2]| {
            let (u, v) = (u as usize, v as usize);
            let first = u * (panels[0] + panels[1]) + v % 2 * panels[0];
            u32::try_from(first * LANES + v / 2).ok()
        };
        let places = frequencies.iter().map(place).collect::<Option<Vec<_>>>()?;
        Some(Self {
            vertical: [vertical(0), vertical(1)],
            even: horizontal(0),
            odd: horizontal(1),
            channels,
            height,
            width,
            frequencies,
            places,
            rows,
            panels,
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
