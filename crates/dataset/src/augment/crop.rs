//! A part of the image, stretched to its size: torchvision's `RandomResizedCrop`, with Pillow's bilinear filter to the byte.

use strata_kernels::portable::{exp, ln};

use super::{Augment, Draws};
use crate::{DatasetError, ImageShape};

/// Draws before the whole image's middle is taken instead.
const TRIES: usize = 10;
/// Pillow's: a factor of the filter is a whole number of 2⁻²².
const PRECISION: u32 = 22;

/// A part of random area and proportions.
#[derive(Debug)]
pub(super) struct Crop {
    pub(super) area: [f64; 2],
    pub(super) ratio: [f64; 2],
}

/// A part of an image: its first column and row, its width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Augment for Crop {
    fn check(&self, _: ImageShape) -> Result<(), DatasetError> {
        let range = |name, [least, most]: [f64; 2], end: f64| {
            if 0.0 < least && least <= most && most <= end && most.is_finite() {
                return Ok(());
            }
            Err(DatasetError::number(
                name,
                most,
                format!("from {least} to {most}: two numbers above 0 in order are needed, at most {end}"),
            ))
        };
        range("area", self.area, 1.0)?;
        range("ratio", self.ratio, f64::MAX)
    }

    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, scratch: &mut Vec<u8>) {
        crop(image, shape, self.part(shape, draws), scratch);
    }
}

impl Crop {
    /// torchvision's `RandomResizedCrop.get_params`.
    pub(super) fn part(&self, shape: ImageShape, draws: &mut Draws) -> Part {
        let (width, height) = (shape.width as f64, shape.height as f64);
        let logarithms = self.ratio.map(ln);
        for _ in 0..TRIES {
            let area = width * height * draws.between(self.area);
            let ratio = exp(draws.between(logarithms));
            let (w, h) = ((area * ratio).sqrt().round_ties_even(), (area / ratio).sqrt().round_ties_even());
            if (1.0..=width).contains(&w) && (1.0..=height).contains(&h) {
                let (w, h) = (w as usize, h as usize);
                let (top, left) = (draws.below(shape.height - h + 1), draws.below(shape.width - w + 1));
                return Part { left, top, width: w, height: h };
            }
        }
        // The largest part of the image's middle with an allowed ratio.
        let (mut w, mut h) = (width, height);
        if width / height < self.ratio[0] {
            h = (width / self.ratio[0]).round_ties_even();
        } else if width / height > self.ratio[1] {
            w = (height * self.ratio[1]).round_ties_even();
        }
        let (w, h) = ((w as usize).clamp(1, shape.width), (h as usize).clamp(1, shape.height));
        Part { left: (shape.width - w) / 2, top: (shape.height - h) / 2, width: w, height: h }
    }
}

/// Stretches the part to the whole image.
pub(super) fn crop(image: &mut [u8], shape: ImageShape, part: Part, scratch: &mut Vec<u8>) {
    if part == (Part { left: 0, top: 0, width: shape.width, height: shape.height }) {
        return;
    }
    let (columns, rows) = (Filter::new(part.width, shape.width), Filter::new(part.height, shape.height));
    // Rows first made as wide as the image, then columns as high, as Pillow does.
    scratch.clear();
    scratch.resize(part.height * shape.width, 0);
    for plane in image.chunks_exact_mut(shape.plane()) {
        for (y, out) in scratch.chunks_exact_mut(shape.width).enumerate() {
            let row = &plane[(part.top + y) * shape.width + part.left..][..part.width];
            for (out, Taps { places, factors }) in out.iter_mut().zip(&columns.taps) {
                *out = weigh(places.map(|place| row[place]), *factors);
            }
        }
        for (out, Taps { places, factors }) in plane.chunks_exact_mut(shape.width).zip(&rows.taps) {
            let [a, b, c] = places.map(|place| &scratch[place * shape.width..][..shape.width]);
            for (((out, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
                *out = weigh([*a, *b, *c], *factors);
            }
        }
    }
}

/// Which values make each value of a side that is longer, or as long: a triangle, so three neighbours at most.
struct Filter {
    taps: Vec<Taps>,
}

#[derive(Clone, Copy)]
struct Taps {
    /// Of the values; of fewer than three the last again, with the factor 0.
    places: [usize; 3],
    factors: [i32; 3],
}

impl Filter {
    /// Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`, for a triangle; `from` is at most `to`.
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let tap = |place: usize| {
            let center = (place as f64 + 0.5) * scale;
            let first = (center - 0.5).max(0.0) as usize;
            let end = ((center + 1.5) as usize).min(from);
            let place = |at: usize| (first + at).min(end - 1);
            let weight = |at: usize| match first + at {
                beyond if beyond >= end => 0.0,
                at => (1.0 - (at as f64 - center + 0.5).abs()).max(0.0),
            };
            let weights = [0, 1, 2].map(weight);
            let sum: f64 = weights.iter().sum();
            let whole = |weight: f64| (weight / sum * f64::from(1 << PRECISION) + 0.5) as i32;
            Taps { places: [0, 1, 2].map(place), factors: weights.map(whole) }
        };
        Self { taps: (0..to).map(tap).collect() }
    }
}

/// The weighted sum in whole numbers, rounded.
fn weigh(values: [u8; 3], factors: [i32; 3]) -> u8 {
    let sum = i32::from(values[0]) * factors[0] + i32::from(values[1]) * factors[1] + i32::from(values[2]) * factors[2];
    ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
}
