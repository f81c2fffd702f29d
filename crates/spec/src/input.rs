//! What a network sees of an image.

use crate::named::named;

named! {
    /// What a network sees of an image, without its numbers.
    #[derive(Default)]
    pub enum InputKind {
        #[default]
        Pixels = "pixels", "each pixel, from 0 to 1";
        Frequencies = "frequencies", "the lowest frequencies of each channel: a DCT, centred and scaled by `power`";
    }
}

/// What a network sees of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InputSpec {
    /// Each pixel.
    Pixels {
        /// Whether to take each channel's training mean off and divide by its deviation.
        normalise: bool,
    },
    /// The lowest frequencies of each channel.
    Frequencies {
        /// How many of each channel, at most its pixels.
        coefficients: usize,
        /// From 0 (as they are) to 1 (each of about the same variance over the training images), [`ranges::SHARE`](crate::ranges::SHARE).
        power: f64,
    },
}

/// Pixels from 0 to 1.
impl Default for InputSpec {
    fn default() -> Self {
        Self::Pixels { normalise: false }
    }
}

impl InputSpec {
    /// Values that the network sees of an image of this shape.
    ///
    /// ```
    /// use strata_spec::InputSpec;
    ///
    /// assert_eq!(InputSpec::default().values([3, 32, 32]), 3072);
    /// assert_eq!(InputSpec::Frequencies { coefficients: 64, power: 0.5 }.values([3, 32, 32]), 192);
    /// ```
    #[must_use]
    pub fn values(self, [channels, height, width]: [usize; 3]) -> usize {
        channels.saturating_mul(match self {
            Self::Pixels { .. } => height.saturating_mul(width),
            Self::Frequencies { coefficients, .. } => coefficients,
        })
    }
}
