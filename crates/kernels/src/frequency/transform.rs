//! The transform: which frequencies are kept, and their coefficients.

use super::cosines::Cosines;
use super::forward::Forward;
use crate::dispatch::dispatch;
use crate::parallel::each_pair;

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
    frequencies: Vec<[u32; 2]>,
    cosines: Cosines,
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
        let cosines = Cosines::of(height, width, &frequencies)?;
        Some(Self { channels, frequencies, cosines })
    }

    /// The frequencies `[u, v]` of each channel, in the order of the coefficients.
    pub fn frequencies(&self) -> &[[u32; 2]] {
        &self.frequencies
    }

    /// Channels, rows and columns of an image.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.cosines.height, self.cosines.width]
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
            dispatch(Forward { cosines: &self.cosines, images, coefficients });
        });
    }

    /// The same on the calling thread alone.
    ///
    /// # Panics
    /// As there.
    pub fn forward_serial(&self, images: &[u8], coefficients: &mut [f32]) {
        self.check(images, coefficients);
        dispatch(Forward { cosines: &self.cosines, images, coefficients });
    }

    /// Values, and coefficients, of an image.
    fn check(&self, images: &[u8], coefficients: &[f32]) -> (usize, usize) {
        let (values, count) = (self.shape().iter().product(), self.coefficients());
        assert!(images.len().is_multiple_of(values), "whole images");
        assert_eq!(images.len() / values * count, coefficients.len(), "coefficients for each image");
        (values, count)
    }
}
