//! Mixed batches: MixUp and CutMix. The partner of a sample is the one before it in the batch, of the first the last: batches are in random order.

use super::Draws;
use crate::ImageShape;

/// How a batch is mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mix {
    /// Values in shares.
    Up {
        /// Of the share's distribution, Beta(alpha, alpha).
        alpha: f64,
    },
    /// A rectangle.
    Cut {
        /// Of the share's distribution, Beta(alpha, alpha).
        alpha: f64,
    },
}

/// What one batch is mixed by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mixture {
    /// The share of each sample that is its own.
    pub(crate) share: f32,
    /// The rectangle that is the partner's: first column and row, and those after the last. None where all values are mixed.
    pub(crate) rectangle: Option<[usize; 4]>,
}

impl Mixture {
    /// torchvision's `MixUp` and `CutMix`.
    pub(super) fn draw(mix: Mix, shape: ImageShape, draws: &mut Draws) -> Self {
        let (Mix::Up { alpha } | Mix::Cut { alpha }) = mix;
        let share = draws.beta(alpha);
        if matches!(mix, Mix::Up { .. }) {
            return Self { share: share as f32, rectangle: None };
        }
        let half = 0.5 * (1.0 - share).sqrt();
        let mut side = |side: usize| {
            let (middle, half) = (draws.below(side), (half * side as f64) as usize);
            [middle.saturating_sub(half), (middle + half).min(side)]
        };
        let ([left, right], [top, bottom]) = (side(shape.width), side(shape.height));
        // The share that the rectangle leaves, since it may reach beyond the image.
        let area = (right - left) * (bottom - top);
        let share = 1.0 - area as f64 / shape.plane() as f64;
        Self { share: share as f32, rectangle: Some([left, top, right, bottom]) }
    }

    /// Pastes the partners' rectangles into images `[batch, channels, height, width]`.
    pub(crate) fn paste(&self, images: &mut [u8], shape: ImageShape) {
        with_partners(images, shape.values(), |image, partner| self.paste_into(image, partner, shape));
    }

    /// Pastes the partner's rectangle into an image, where that is what is mixed.
    pub(crate) fn paste_into(&self, image: &mut [u8], partner: &[u8], shape: ImageShape) {
        let Some([left, top, right, bottom]) = self.rectangle else { return };
        for (plane, partner) in image.chunks_exact_mut(shape.plane()).zip(partner.chunks_exact(shape.plane())) {
            for y in top..bottom {
                let row = y * shape.width + left..y * shape.width + right;
                plane[row.clone()].copy_from_slice(&partner[row]);
            }
        }
    }

    /// Mixes values `[batch, values]`, where that is what is mixed.
    pub(crate) fn blend(&self, samples: &mut [f32], values: usize) {
        if self.rectangle.is_some() {
            return;
        }
        let (own, other) = (self.share, 1.0 - self.share);
        with_partners(samples, values, |sample, partner| {
            sample.iter_mut().zip(partner).for_each(|(value, partner)| *value = *value * own + *partner * other);
        });
    }

    /// The same of bytes, rounded: for a picture.
    pub(crate) fn blend_bytes(&self, images: &mut [u8], values: usize) {
        if self.rectangle.is_some() {
            return;
        }
        let (own, other) = (self.share, 1.0 - self.share);
        with_partners(images, values, |image, partner| {
            for (value, partner) in image.iter_mut().zip(partner) {
                *value = (f32::from(*value) * own + f32::from(*partner) * other).round() as u8;
            }
        });
    }
}

/// Does `mix` to each sample and its partner as it was before.
fn with_partners<T: Copy>(samples: &mut [T], values: usize, mix: impl Fn(&mut [T], &[T])) {
    let Some(last) = samples.len().checked_sub(values) else { return };
    let first_partner = samples[last..].to_vec();
    // From the last one, so that each partner is still as it was.
    for start in (values..samples.len()).step_by(values).rev() {
        let (before, sample) = samples.split_at_mut(start);
        mix(&mut sample[..values], &before[start - values..]);
    }
    mix(&mut samples[..values], &first_partner);
}
