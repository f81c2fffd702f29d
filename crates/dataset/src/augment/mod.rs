//! How training images are changed before they are seen, anew in each pass.

mod crop;
mod draws;
mod geometry;
mod jitter;
mod mix;
mod rotate;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

pub use draws::Draws;
use strata_rng::Philox;
use strata_spec::{AugmentChange, AugmentSpec};

use crate::{DatasetError, ImageShape};
use mix::Mix;
pub(crate) use mix::Mixture;

/// Draws of batches are apart from those of images, whose indices have 32 bits.
const BATCHES: u64 = 1 << 63;

/// A change of an image, as bytes `[channels, height, width]`.
pub trait Augment: Debug + Send + Sync {
    /// Whether images of this shape can be changed so.
    ///
    /// # Errors
    ///
    /// What does not fit; none by default.
    fn check(&self, _shape: ImageShape) -> Result<(), DatasetError> {
        Ok(())
    }

    /// Changes `image`, a pure function of it and of what is drawn. `scratch` holds anything, and may be left with anything.
    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, scratch: &mut Vec<u8>);

    /// Whether it mirrors each image, left and right, and does nothing else: that can be done to a [`Transform`](crate::Transform)'s values too.
    fn is_mirror(&self) -> bool {
        false
    }
}

/// Changes of training images, done in order.
///
/// What is done to an image is a function of the pass's seed, the epoch and the image's index alone; what is done to a batch (MixUp, CutMix) of the
/// seed and the batch's number. So any batch of a pass can be made at any time, on any thread.
///
/// ```
/// use strata_dataset::{Augmentation, ImageShape};
/// use strata_spec::{AugmentChange, AugmentSpec, Edges};
///
/// let spec = |change| AugmentSpec { probability: 0.5, change };
/// let mirror = spec(AugmentChange::Mirror { alternate: false });
/// let shift = spec(AugmentChange::Shift { pixels: 4, edges: Edges::Reflected });
/// let augmentation = Augmentation::new(&[mirror, shift], 43)?;
/// augmentation.check(ImageShape::CIFAR)?;
/// let error = augmentation.check(ImageShape { channels: 1, height: 4, width: 9 }).unwrap_err();
/// assert!(error.to_string().starts_with("pixels = 4: images of 4 x 9 can be shifted by at most 3"));
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Augmentation {
    seed: u64,
    /// Of images.
    steps: Vec<Step>,
    /// Of batches: each its place in the list, and the share of the batches.
    mixes: Vec<(usize, f64, Mix)>,
}

/// A change and which images it is done to.
#[derive(Clone, Debug)]
struct Step {
    /// In the list.
    place: usize,
    images: Which,
    change: Arc<dyn Augment>,
}

/// Which images are changed.
#[derive(Clone, Copy, Debug)]
enum Which {
    /// Each with this probability.
    Share(f64),
    /// Each in every other epoch, half of them in each.
    EveryOtherEpoch,
}

/// A pass over the images, as far as augmentation depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassDraws {
    /// That the pass has drawn.
    pub(crate) seed: u64,
    /// From 0.
    pub(crate) epoch: usize,
}

impl Augmentation {
    /// These changes, in this order. `seed` is the run's, for what goes on from epoch to epoch.
    ///
    /// # Errors
    ///
    /// A probability outside 0 to 1; probabilities of batches' changes that add up to more than 1; an image's change after a batch's.
    pub fn new(specs: &[AugmentSpec], seed: u64) -> Result<Self, DatasetError> {
        let mut augmentation = Self { seed, ..Self::default() };
        for spec in specs {
            augmentation = augmentation.with(spec)?;
        }
        Ok(augmentation)
    }

    fn with(self, spec: &AugmentSpec) -> Result<Self, DatasetError> {
        let AugmentSpec { probability, change } = *spec;
        match change {
            AugmentChange::Mirror { alternate: true } => {
                check_share(probability)?;
                self.push(Which::EveryOtherEpoch, geometry::Mirror)
            }
            AugmentChange::Mirror { alternate: false } => self.then(probability, geometry::Mirror),
            AugmentChange::Shift { pixels, edges } => self.then(probability, geometry::Shift { pixels, edges }),
            AugmentChange::Crop { area, ratio } => self.then(probability, crop::Crop { area, ratio }),
            AugmentChange::Rotate { degrees } => self.then(probability, rotate::Rotate { degrees }),
            AugmentChange::Cutout { size } => self.then(probability, geometry::Cutout { size }),
            AugmentChange::ColourJitter { brightness, contrast, saturation } => {
                self.then(probability, jitter::ColourJitter { brightness, contrast, saturation })
            }
            AugmentChange::MixUp { alpha } => self.mix(probability, Mix::Up { alpha }),
            AugmentChange::CutMix { alpha } => self.mix(probability, Mix::Cut { alpha }),
        }
    }

    /// Adds a change, of a user's own too, done to each image with this probability.
    ///
    /// # Errors
    ///
    /// As [`Augmentation::new`].
    pub fn then(self, probability: f64, change: impl Augment + 'static) -> Result<Self, DatasetError> {
        check_share(probability)?;
        self.push(Which::Share(probability), change)
    }

    fn push(mut self, images: Which, change: impl Augment + 'static) -> Result<Self, DatasetError> {
        if !self.mixes.is_empty() {
            let reason = "a change of images must come before those that mix a batch's images";
            return Err(DatasetError::value("augmentation", self.len(), reason));
        }
        self.steps.push(Step { place: self.len(), images, change: Arc::new(change) });
        Ok(self)
    }

    fn mix(mut self, probability: f64, mix: Mix) -> Result<Self, DatasetError> {
        check_share(probability)?;
        let (Mix::Up { alpha } | Mix::Cut { alpha }) = mix;
        if !(alpha > 0.0 && alpha.is_finite()) {
            return Err(DatasetError::number("alpha", alpha, "a share's distribution needs a number above 0"));
        }
        let sum = self.mixes.iter().map(|(_, share, _)| share).sum::<f64>() + probability;
        if sum > AugmentSpec::MOST_MIXED {
            let reason = "a batch is mixed in one way: the probabilities of mixup and cutmix add up to 1 at most";
            return Err(DatasetError::number("probability", sum, reason));
        }
        self.mixes.push((self.len(), probability, mix));
        Ok(self)
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len() + self.mixes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether batches are mixed, and with them their labels.
    #[must_use]
    pub fn mixes_labels(&self) -> bool {
        !self.mixes.is_empty()
    }

    /// Whether nothing is done but mirroring images and mixing their values: that can be done to a [`Transform`](crate::Transform)'s values.
    #[must_use]
    pub fn is_of_values(&self) -> bool {
        let is_of_values = |mix: &(usize, f64, Mix)| matches!(mix.2, Mix::Up { .. });
        self.steps.iter().all(|step| step.change.is_mirror()) && self.mixes.iter().all(is_of_values)
    }

    /// Whether images of this shape can be changed so.
    ///
    /// # Errors
    ///
    /// What the first change that does not fit says.
    pub fn check(&self, shape: ImageShape) -> Result<(), DatasetError> {
        self.steps.iter().try_for_each(|step| step.change.check(shape))
    }

    /// Changes the image of this index, all but mixing.
    pub(crate) fn change(
        &self,
        image: &mut [u8],
        shape: ImageShape,
        index: u32,
        pass: PassDraws,
        scratch: &mut Vec<u8>,
    ) {
        for step in &self.steps {
            let mut draws = Draws::new(Philox::new(pass.seed, index.into()), step.place);
            if self.is_done(step, index, pass.epoch, &mut draws) {
                step.change.apply(image, shape, &mut draws, scratch);
            }
        }
    }

    /// Whether the image of this index ends mirrored, where mirroring is all that is done.
    pub(crate) fn is_mirrored(&self, index: u32, pass: PassDraws) -> bool {
        let is_done = |step: &&Step| {
            let mut draws = Draws::new(Philox::new(pass.seed, index.into()), step.place);
            self.is_done(step, index, pass.epoch, &mut draws)
        };
        self.steps.iter().filter(is_done).count() % 2 == 1
    }

    fn is_done(&self, step: &Step, index: u32, epoch: usize, draws: &mut Draws) -> bool {
        match step.images {
            Which::Share(share) => draws.chance(share),
            // Of the run's seed, not the pass's: what was mirrored in one epoch is not in the next.
            Which::EveryOtherEpoch => {
                let first = Draws::new(Philox::new(self.seed, index.into()), step.place).word() as usize;
                (first + epoch).is_multiple_of(2)
            }
        }
    }

    /// What the batch of this number is mixed by, if it is.
    pub(crate) fn mixture(&self, batch: usize, shape: ImageShape, pass: PassDraws) -> Option<Mixture> {
        let (first, ..) = self.mixes.first()?;
        let mut draws = Draws::new(Philox::new(pass.seed, BATCHES | batch as u64), *first);
        let mut left = draws.uniform();
        for (_, share, mix) in &self.mixes {
            if left < *share {
                return Some(Mixture::draw(*mix, shape, &mut draws));
            }
            left -= share;
        }
        None
    }
}

fn check_share(probability: f64) -> Result<(), DatasetError> {
    if (0.0..=1.0).contains(&probability) {
        return Ok(());
    }
    Err(DatasetError::number("probability", probability, "a share from 0 to 1 is needed"))
}
