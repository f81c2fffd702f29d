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
    // To as many digits as Pillow has: in the middle of an image of odd sides the last one may decide between two grey levels.
    let rounded = |value: f64| (value * 1e15).round_ties_even() / 1e15;
    let (sine, cosine) = sin_cos(-degrees.rem_euclid(360.0).to_radians());
    let (sine, cosine) = (rounded(sine), rounded(cosine));
    let (width, height) = (shape.width, shape.height);
    let (middle_x, middle_y) = (width as f64 / 2.0, height as f64 / 2.0);
    // Where the middle of the pixel of each place comes from.
    let shift_x = cosine * -middle_x + sine * -middle_y + middle_x;
    let shift_y = -sine * -middle_x + cosine * -middle_y + middle_y;
    scratch.clear();
    scratch.extend_from_slice(image);
    let mut row = Vec::with_capacity(width);
    for y in 0..height {
        // Worked out once for the values of all channels.
        row.clear();
        row.extend((0..width).map(|x| {
            let (to_x, to_y) = (x as f64 + 0.5, y as f64 + 0.5);
            let from_x = cosine * to_x + sine * to_y + shift_x;
            let from_y = -sine * to_x + cosine * to_y + shift_y;
            let is_inside = (0.0..width as f64).contains(&from_x) && (0.0..height as f64).contains(&from_y);
            is_inside.then(|| Place::of([from_x - 0.5, from_y - 0.5], [width, height]))
        }));
        for (out, plane) in image.chunks_exact_mut(width * height).zip(scratch.chunks_exact(width * height)) {
            for (out, place) in out[y * width..][..width].iter_mut().zip(&row) {
                *out = place.as_ref().map_or(0, |place| place.bilinear(plane));
            }
        }
    }
}

/// A place between four pixels, those at the edge going on beyond it.
struct Place {
    upper: [usize; 2],
    lower: [usize; 2],
    /// How far it is from the left ones, and from the upper ones.
    from: [f64; 2],
}

impl Place {
    /// `x` and `y` lie above -1 and below width and height.
    fn of([x, y]: [f64; 2], [width, height]: [usize; 2]) -> Self {
        // The whole numbers below: what is above -1 is cut towards 0 but for what lies below 0.
        let whole = |at: f64| if at < 0.0 { -1i32 } else { at as i32 };
        let (left, top) = (whole(x), whole(y));
        let clip = |at: i32, side: usize| (at.max(0) as usize).min(side - 1);
        let row = |top: i32| {
            let row = clip(top, height) * width;
            [row + clip(left, width), row + clip(left + 1, width)]
        };
        let upper = row(top);
        let lower = if (top + 1) < height as i32 { row(top + 1) } else { upper };
        Self { upper, lower, from: [x - f64::from(left), y - f64::from(top)] }
    }

    /// The value there; cut, as Pillow does, not rounded.
    fn bilinear(&self, plane: &[u8]) -> u8 {
        let [dx, dy] = self.from;
        let row = |[left, right]: [usize; 2]| {
            let (left, right) = (f64::from(plane[left]), f64::from(plane[right]));
            left + (right - left) * dx
        };
        let (upper, lower) = (row(self.upper), row(self.lower));
        (upper + (lower - upper) * dy) as u8
    }
}
