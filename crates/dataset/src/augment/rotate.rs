//! Turned about the middle: Pillow's `rotate` with its bilinear filter, to the byte.

use strata_kernels::portable::sin_cos;

use super::{Augment, Draws};
use crate::{DatasetError, ImageShape};

/// Turned by up to so many degrees either way.
#[derive(Debug)]
pub(super) struct Rotate {
    pub(super) degrees: f64,
}

impl Augment for Rotate {
    fn check(&self, _: ImageShape) -> Result<(), DatasetError> {
        if self.degrees > 0.0 && self.degrees <= 180.0 {
            return Ok(());
        }
        Err(DatasetError::number("degrees", self.degrees, "images are turned by above 0 and up to 180"))
    }

    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, scratch: &mut Vec<u8>) {
        rotate(image, shape, draws.between([-self.degrees, self.degrees]), scratch);
    }
}

/// Turns an image by so many degrees, to the left.
pub(super) fn rotate(image: &mut [u8], shape: ImageShape, degrees: f64, scratch: &mut Vec<u8>) {
    let (sine, cosine) = sin_cos(-degrees.to_radians());
    let (width, height) = (shape.width, shape.height);
    let (middle_x, middle_y) = (width as f64 / 2.0, height as f64 / 2.0);
    // Where the middle of the pixel of each place comes from.
    let shift_x = cosine * -middle_x + sine * -middle_y + middle_x;
    let shift_y = -sine * -middle_x + cosine * -middle_y + middle_y;
    scratch.clear();
    scratch.extend_from_slice(image);
    for y in 0..height {
        for x in 0..width {
            let (to_x, to_y) = (x as f64 + 0.5, y as f64 + 0.5);
            let from_x = cosine * to_x + sine * to_y + shift_x;
            let from_y = -sine * to_x + cosine * to_y + shift_y;
            let at = y * width + x;
            let is_inside = (0.0..width as f64).contains(&from_x) && (0.0..height as f64).contains(&from_y);
            for (out, plane) in image.chunks_exact_mut(width * height).zip(scratch.chunks_exact(width * height)) {
                out[at] = if is_inside { bilinear(plane, [width, height], [from_x - 0.5, from_y - 0.5]) } else { 0 };
            }
        }
    }
}

/// The value between the four pixels about a place, those at the edge going on beyond it; cut, as Pillow does, not rounded.
fn bilinear(plane: &[u8], [width, height]: [usize; 2], [x, y]: [f64; 2]) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (dx, dy) = (x - left, y - top);
    let clip = |at: f64, side: usize| (at.max(0.0) as usize).min(side - 1);
    let (x0, x1) = (clip(left, width), clip(left + 1.0, width));
    let row = |at: usize| {
        let pixel = |x: usize| f64::from(plane[at * width + x]);
        pixel(x0) + (pixel(x1) - pixel(x0)) * dx
    };
    let upper = row(clip(top, height));
    let is_below = top + 1.0 >= 0.0 && top + 1.0 < height as f64;
    let lower = if is_below { row((top + 1.0) as usize) } else { upper };
    (upper + (lower - upper) * dy) as u8
}
