//! How training images are changed before they are seen.

use crate::named::named;

named! {
    /// A change of training images, without its numbers.
    pub enum AugmentKind {
        Mirror = "mirror", "left and right change places";
        Shift = "shift", "moved by up to `pixels` each way";
        Crop = "crop", "a part of random area and proportions, stretched to the whole (torchvision's RandomResizedCrop, bilinear)";
        Rotate = "rotate", "turned about the middle by up to `degrees` either way, bilinear, black beyond the edges";
        Cutout = "cutout", "a square of `size` pixels in black, its middle anywhere in the image (DeVries and Taylor 2017)";
        ColourJitter = "colour_jitter", "brightness, contrast, saturation times a random factor each (torchvision's ColorJitter, in this order)";
        MixUp = "mixup", "each image mixed with another one of the batch, its label too (Zhang and others 2018)";
        CutMix = "cutmix", "a rectangle of each image taken from another one of the batch, the label by its area (Yun and others 2019)";
    }
}

named! {
    /// What lies beyond the edges of an image that is moved.
    #[derive(Default)]
    pub enum Edges {
        #[default]
        Zero = "zero", "black";
        Reflected = "reflected", "the image's mirror image, its edge once";
        Wrapped = "wrapped", "the image again, from its other edge";
    }
}

/// One change of training images, with the share of the images (of the batches, where a batch is mixed) that it is done to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AugmentSpec {
    /// From 0 to 1, [`ranges::SHARE`](crate::ranges::SHARE).
    pub probability: f64,
    /// What is done.
    pub change: AugmentChange,
}

impl AugmentSpec {
    /// What the probabilities of MixUp and CutMix may add up to: 1, and what sums of decimals are off by.
    pub const MOST_MIXED: f64 = 1.0 + 1e-9;
}

/// What is done to a training image, or to a batch of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AugmentChange {
    /// Left and right change places.
    Mirror {
        /// Whether an image is mirrored in every other epoch, half of the images in each, in place of at random; the probability has no effect then.
        alternate: bool,
    },
    /// Moved by a whole number of pixels.
    Shift {
        /// By up to so many each way, below the image's sides.
        pixels: usize,
        /// What lies beyond.
        edges: Edges,
    },
    /// A part of the image, stretched to its size.
    Crop {
        /// Its least and largest share of the image's area, each above 0 and at most 1.
        area: [f64; 2],
        /// Its least and largest width over height, each above 0.
        ratio: [f64; 2],
    },
    /// Turned about the middle.
    Rotate {
        /// By up to so many either way, above 0 and at most 180.
        degrees: f64,
    },
    /// A square in black.
    Cutout {
        /// Its side in pixels, at most the image's longer one.
        size: usize,
    },
    /// Brightness, contrast and saturation, each times a factor from 1 - x (not below 0) to 1 + x.
    ColourJitter {
        /// x of brightness, 0 or more.
        brightness: f64,
        /// x of contrast.
        contrast: f64,
        /// x of saturation; of images of three channels.
        saturation: f64,
    },
    /// Mixed with another image of the batch.
    MixUp {
        /// The share is drawn from Beta(alpha, alpha); above 0.
        alpha: f64,
    },
    /// A rectangle is taken from another image of the batch.
    CutMix {
        /// The share is drawn from Beta(alpha, alpha); above 0.
        alpha: f64,
    },
}

impl AugmentChange {
    /// Which change it is.
    #[must_use]
    pub fn kind(&self) -> AugmentKind {
        match self {
            Self::Mirror { .. } => AugmentKind::Mirror,
            Self::Shift { .. } => AugmentKind::Shift,
            Self::Crop { .. } => AugmentKind::Crop,
            Self::Rotate { .. } => AugmentKind::Rotate,
            Self::Cutout { .. } => AugmentKind::Cutout,
            Self::ColourJitter { .. } => AugmentKind::ColourJitter,
            Self::MixUp { .. } => AugmentKind::MixUp,
            Self::CutMix { .. } => AugmentKind::CutMix,
        }
    }
}
