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
    image.iter_mut().for_each(|value| *value = blend(0, *value, factor));
}

/// Away from the image's mean grey.
pub(super) fn contrast(image: &mut [u8], shape: ImageShape, factor: f32) {
    let sum: u64 = (0..shape.plane()).map(|at| u64::from(grey(image, shape, at))).sum();
    let mean = (sum as f64 / shape.plane() as f64 + 0.5) as u8;
    image.iter_mut().for_each(|value| *value = blend(mean, *value, factor));
}

/// Away from each pixel's grey.
pub(super) fn saturation(image: &mut [u8], shape: ImageShape, factor: f32) {
    for at in 0..shape.plane() {
        let grey = grey(image, shape, at);
        image.iter_mut().skip(at).step_by(shape.plane()).for_each(|value| *value = blend(grey, *value, factor));
    }
}

/// A pixel's grey: ITU-R 601's luma of red, green and blue as Pillow works it out, the mean of any other channels.
fn grey(image: &[u8], shape: ImageShape, at: usize) -> u8 {
    let value = |channel: usize| u32::from(image[channel * shape.plane() + at]);
    match shape.channels {
        3 => ((value(0) * 19_595 + value(1) * 38_470 + value(2) * 7_471 + 0x8000) >> 16) as u8,
        channels => ((0..channels).map(value).sum::<u32>() / channels as u32) as u8,
    }
}

/// Pillow's `blend`: from `from` towards `to` by `factor`, beyond it above 1; cut, not rounded.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    (from + factor * (to - from)).clamp(0.0, 255.0) as u8
}
