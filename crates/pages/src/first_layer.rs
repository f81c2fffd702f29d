//! The first layer's weights as images: to what each unit answers most.

use png::ColorType;

use crate::number::count;
use crate::pictures::{Shape, data_uri, encode};

/// Units that are shown, those of the largest weights.
const UNITS: usize = 64;
const COLUMNS: usize = 16;

/// A first layer that sees images.
#[derive(Clone, Debug)]
pub struct FirstLayer<'a> {
    /// `[units, inputs]`, row-major.
    pub weights: &'a [f32],
    /// `[channels, height, width]` of an image.
    pub image: [usize; 3],
    /// What its inputs are of an image.
    pub inputs: InputBasis<'a>,
}

/// What a network's inputs are of an image.
#[derive(Clone, Debug)]
pub enum InputBasis<'a> {
    /// Each pixel, divided by its channel's deviation.
    Pixels {
        /// One for each channel.
        deviation: &'a [f32],
    },
    /// Coefficients of an orthonormal DCT-II of each channel, each multiplied with a factor.
    Frequencies {
        /// Vertical and horizontal frequency of each coefficient, the same in each channel.
        frequencies: &'a [[u32; 2]],
        /// One for each coefficient, channel by channel.
        factor: &'a [f32],
    },
}

impl FirstLayer<'_> {
    fn inputs(&self) -> usize {
        match &self.inputs {
            InputBasis::Pixels { .. } => self.image.iter().product(),
            InputBasis::Frequencies { frequencies, .. } => frequencies.len() * self.image[0],
        }
    }

    /// The derivative of a unit's sum by each pixel, `[channels, height, width]`.
    fn by_pixel(&self, row: &[f32], basis: &Basis) -> Vec<f32> {
        let [channels, height, width] = self.image;
        match &self.inputs {
            InputBasis::Pixels { deviation } => {
                let plane = height * width;
                row.iter()
                    .enumerate()
                    .map(|(at, weight)| weight / deviation.get(at / plane).copied().unwrap_or(1.0))
                    .collect()
            }
            InputBasis::Frequencies { frequencies, factor } => {
                let mut pixels = vec![0.0; channels * height * width];
                for (at, weight) in row.iter().enumerate() {
                    let (channel, [v, h]) = (at / frequencies.len(), frequencies[at % frequencies.len()]);
                    let scaled = weight * factor.get(at).copied().unwrap_or(1.0);
                    let (down, across) =
                        (&basis.down[v as usize * height..][..height], &basis.across[h as usize * width..][..width]);
                    let plane = &mut pixels[channel * height * width..][..height * width];
                    for (line, down) in plane.chunks_exact_mut(width).zip(down) {
                        line.iter_mut().zip(across).for_each(|(pixel, across)| *pixel += scaled * down * across);
                    }
                }
                pixels
            }
        }
    }

    /// The sheet of units as HTML; or why there is none.
    pub(crate) fn section(&self) -> Result<String, &'static str> {
        let shape = Shape::of(self.image).filter(|shape| *shape == shape.reduced());
        let shape = shape.ok_or("its images are too large, or of other channels than grey or red, green and blue")?;
        let inputs = self.inputs();
        let fits =
            inputs > 0 && self.weights.len().is_multiple_of(inputs) && !self.weights.is_empty() && self.is_of_image();
        if !fits {
            return Err("it does not see the images as they are");
        }
        let rows: Vec<&[f32]> = self.weights.chunks_exact(inputs).collect();
        let size = |row: &[f32]| row.iter().map(|weight| weight * weight).sum::<f32>();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let sizes: Vec<f32> = rows.iter().map(|row| size(row)).collect();
        order.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]));
        order.truncate(UNITS);
        let basis = Basis::of(self.image);
        let units: Vec<Vec<u8>> = order.iter().map(|unit| grey_centred(&self.by_pixel(rows[*unit], &basis))).collect();
        let png = sheet(shape, &units).ok_or("the picture could not be made")?;
        let what = match self.inputs {
            InputBasis::Pixels { .. } => "",
            InputBasis::Frequencies { .. } => ", transformed back from frequencies to pixels",
        };
        let (shown, all) = (units.len(), rows.len());
        Ok(format!(
            "<figure class=\"units\"><figcaption>First layer: the weights of the {shown} units (of {}) with the largest ones{what}. Grey is zero; each is scaled by its own largest weight.</figcaption>\
             <img alt=\"Weights of {shown} units of the first layer as small images\" src=\"{}\"></figure>",
            count(all as u64),
            data_uri(&png)
        ))
    }

    /// Whether the transform is one of such images.
    fn is_of_image(&self) -> bool {
        let [_, height, width] = self.image;
        match &self.inputs {
            InputBasis::Pixels { .. } => true,
            InputBasis::Frequencies { frequencies, .. } => {
                frequencies.iter().all(|[v, h]| (*v as usize) < height && (*h as usize) < width)
            }
        }
    }
}

/// The rows of the orthonormal DCT-II: frequency `k` at place `n` of `N` is `√(2/N) cos(π (2n + 1) k / 2N)`, and `√(1/N)` of frequency 0.
struct Basis {
    down: Vec<f32>,
    across: Vec<f32>,
}

impl Basis {
    fn of([_, height, width]: [usize; 3]) -> Self {
        let rows = |size: usize| {
            let value = |k: usize, n: usize| {
                let scale = if k == 0 { 1.0 } else { 2.0f64 };
                let angle = std::f64::consts::PI * (2 * n + 1) as f64 * k as f64 / (2 * size) as f64;
                ((scale / size as f64).sqrt() * angle.cos()) as f32
            };
            (0..size).flat_map(|k| (0..size).map(move |n| value(k, n))).collect()
        };
        Self { down: rows(height), across: rows(width) }
    }
}

/// Zero as grey, the value of the largest size as black or white.
fn grey_centred(values: &[f32]) -> Vec<u8> {
    let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = if largest > 0.0 && largest.is_finite() { 127.0 / largest } else { 0.0 };
    values.iter().map(|value| (128.0 + value * scale).round().clamp(0.0, 255.0) as u8).collect()
}

/// Images with a pixel of white between them.
fn sheet(shape: Shape, images: &[Vec<u8>]) -> Option<Vec<u8>> {
    let Shape { channels, height, width } = shape;
    let columns = COLUMNS.min(images.len());
    let (wide, high) = (columns * (width + 1) + 1, images.len().div_ceil(columns.max(1)) * (height + 1) + 1);
    let mut bytes = vec![255; wide * high * channels];
    for (place, image) in images.iter().enumerate() {
        let (left, top) = (1 + place % columns * (width + 1), 1 + place / columns * (height + 1));
        for (at, value) in image.iter().enumerate() {
            let (channel, y, x) = (at / (height * width), at / width % height, at % width);
            bytes[((top + y) * wide + left + x) * channels + channel] = *value;
        }
    }
    encode(wide, high, if channels == 3 { ColorType::Rgb } else { ColorType::Grayscale }, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_units_weights_by_pixel_are_those_of_its_frequencies_transformed_back() {
        let (frequencies, factor) = ([[0, 0], [1, 0]], [2.0, 3.0]);
        let inputs = InputBasis::Frequencies { frequencies: &frequencies, factor: &factor };
        let weights = [0.5, 0.25];
        let layer = FirstLayer { weights: &weights, image: [1, 2, 2], inputs };
        // 0.5 · 2 · (√½ · √½) = 0.5 everywhere; 0.25 · 3 · (cos π/4 · √½) = 0.375 above and the opposite below.
        let found = layer.by_pixel(&weights, &Basis::of(layer.image));
        for (found, expected) in found.iter().zip([0.875, 0.875, 0.125, 0.125]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert!(layer.section().unwrap().contains("transformed back"));
    }

    #[test]
    fn weights_are_seen_by_pixel_before_scaling_and_others_are_refused() {
        let (weights, deviation) = ([1.0, -2.0, 0.0, 0.5], [0.5]);
        let layer =
            FirstLayer { weights: &weights, image: [1, 1, 2], inputs: InputBasis::Pixels { deviation: &deviation } };
        assert_eq!(layer.by_pixel(&weights[..2], &Basis::of(layer.image)), [2.0, -4.0]);
        assert_eq!(grey_centred(&[2.0, -4.0, 0.0]), [192, 1, 128]);
        assert!(layer.section().unwrap().contains("of the 2 units"));
        for layer in [
            FirstLayer { image: [2, 1, 2], ..layer.clone() },
            FirstLayer { image: [1, 1, 3], ..layer.clone() },
            FirstLayer { weights: &[], ..layer },
        ] {
            assert!(layer.section().is_err());
        }
    }
}
