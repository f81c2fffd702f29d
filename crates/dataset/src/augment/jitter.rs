//! Brightness, contrast and saturation: torchvision's `ColorJitter` on Pillow's images, to the byte.

use super::{Augment, Draws};
use crate::{DatasetError, ImageShape};

/// Each times a random factor, in this order.
#[derive(Debug)]
pub(super) struct ColourJitter {
    pub(super) brightness: f64,
    pub(super) contrast: f64,
    pub(super) saturation: f64,
}

type Change = fn(&mut [u8], ImageShape, f32);

impl Augment for ColourJitter {
    fn check(&self, shape: ImageShape) -> Result<(), DatasetError> {
        for (name, value) in
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)]
        {
            if !(0.0..=f64::from(f32::MAX)).contains(&value) {
                return Err(DatasetError::number(name, value, "a factor is drawn from 1 - x to 1 + x: x is 0 or more"));
            }
        }
        if self.saturation > 0.0 && shape.channels != 3 {
            let reason = format!("images of {} channels have none; those of red, green and blue have", shape.channels);
            return Err(DatasetError::number("saturation", self.saturation, reason));
        }
        Ok(())
    }

    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, _: &mut Vec<u8>) {
        let changes = [
            (self.brightness, brightness as Change),
            (self.contrast, contrast as Change),
            (self.saturation, saturation as Change),
        ];
        for (most, change) in changes {
            if most > 0.0 {
                change(image, shape, draws.between([(1.0 - most).max(0.0), 1.0 + most]) as f32);
            }
        }
    }
}

/// Away from black.
pub(super) fn brightness(image: &mut [u8], _: ImageShape, factor: f32) {
    blend_all(image, 0, factor);
}

/// Away from the image's mean grey.
pub(super) fn contrast(image: &mut [u8], shape: ImageShape, factor: f32) {
    let mut sum = 0u64;
    greys(image, shape, |greys, _| sum += greys.iter().map(|grey| u64::from(*grey)).sum::<u64>());
    let mean = (sum as f64 / shape.plane() as f64 + 0.5) as u8;
    blend_all(image, mean, factor);
}

/// Away from each pixel's grey.
pub(super) fn saturation(image: &mut [u8], shape: ImageShape, factor: f32) {
    let mut all = vec![0; shape.plane()];
    greys(image, shape, |greys, first| all[first..][..greys.len()].copy_from_slice(greys));
    for plane in image.chunks_exact_mut(shape.plane()) {
        plane.iter_mut().zip(&all).for_each(|(value, grey)| *value = blend(*grey, *value, factor));
    }
}

/// Pixels of a piece of the plane.
const PIECE: usize = 64;

/// Tells of the pixels' greys piece by piece, each with its first pixel's place: ITU-R 601's luma of red, green and blue as Pillow works it out, the mean of any other channels.
fn greys(image: &[u8], shape: ImageShape, mut tell: impl FnMut(&[u8], usize)) {
    let plane = shape.plane();
    for first in (0..plane).step_by(PIECE) {
        let count = PIECE.min(plane - first);
        let mut greys = [0u8; PIECE];
        let channel = |number: usize| &image[number * plane + first..][..count];
        if shape.channels == 3 {
            let pixels = channel(0).iter().zip(channel(1)).zip(channel(2));
            for (grey, ((red, green), blue)) in greys.iter_mut().zip(pixels) {
                let sum = u32::from(*red) * 19_595 + u32::from(*green) * 38_470 + u32::from(*blue) * 7_471;
                *grey = ((sum + 0x8000) >> 16) as u8;
            }
        } else {
            for (at, grey) in greys[..count].iter_mut().enumerate() {
                let sum: u32 = (0..shape.channels).map(|number| u32::from(channel(number)[at])).sum();
                *grey = (sum / shape.channels as u32) as u8;
            }
        }
        tell(&greys[..count], first);
    }
}

/// All values from one: as many different ones as a byte has are worked out.
fn blend_all(image: &mut [u8], from: u8, factor: f32) {
    let mut table = [0u8; 256];
    for (to, value) in (0..=u8::MAX).zip(&mut table) {
        *value = blend(from, to, factor);
    }
    image.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}

/// Pillow's `blend`: from `from` towards `to` by `factor`, beyond it above 1; cut, not rounded.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    // By way of a wider number, which vector instructions convert to.
    (from + factor * (to - from)).clamp(0.0, 255.0) as i32 as u8
}
