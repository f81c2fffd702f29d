//! Passes over samples in batches.

use std::num::NonZeroUsize;
use std::sync::Arc;

use strata_rng::TorchRng;

use crate::augment::PassDraws;
use crate::served::{Preparer, Source, pictures};
use crate::{Augmentation, BatchContent, DatasetError, Images, PreparedImages, Transform};

mod batches;

pub use batches::Batches;

/// In which order a pass goes over the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Another random order each pass, as a `DataLoader` with `shuffle=True`.
    Shuffled,
    /// As the indices were given.
    InOrder,
}

/// Serves some of the images again and again, a pass at a time.
///
/// Draws are those of PyTorch's `DataLoader` (1.9 and later, `num_workers=0`): every pass draws a
/// base seed, shuffled or not, and a shuffled one then a seed for its own generator, which permutes.
///
/// ```
/// use strata_dataset::{BatchContent, ImageLoader, Order, PixelScale, Synthetic};
/// use strata_rng::TorchRng;
///
/// let data = Synthetic { train: 100, test: 10, ..Synthetic::default() }.generate()?;
/// let shape = data.train.shape();
/// let loader = ImageLoader::new(
///     data.train,
///     (0..100).collect(),
///     32,
///     Order::Shuffled,
///     PixelScale::Unit.transform(shape)?,
///     BatchContent::Pixels,
/// )?;
/// let mut rng = TorchRng::new(43);
/// let sizes: Vec<usize> = loader.pass(&mut rng, 0).map(|batch| batch.map(|batch| batch.len())).collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [32, 32, 32, 4]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageLoader {
    source: Source,
    indices: Vec<u32>,
    batch: usize,
    order: Order,
    augmentation: Arc<Augmentation>,
    threads: NonZeroUsize,
}

impl ImageLoader {
    /// A loader of the images that `indices` names, in batches of `batch` samples.
    ///
    /// # Errors
    ///
    /// A batch of zero, an index beyond the images, a transform without values, and [`DatasetError::NotATable`] for indices alone, whose
    /// device cannot make the transform's values.
    pub fn new(
        images: Arc<Images>,
        indices: Vec<u32>,
        batch: usize,
        order: Order,
        transform: Arc<dyn Transform>,
        content: BatchContent,
    ) -> Result<Self, DatasetError> {
        if content == BatchContent::Indices && transform.tables().is_none() {
            return Err(DatasetError::NotATable);
        }
        transform.check(images.shape())?;
        if transform.values(images.shape()) == 0 {
            return Err(DatasetError::value("values", 0, "a transformed image has at least one value"));
        }
        Self::of(Source::Images { images, transform, content }, indices, batch, order)
    }

    /// A loader of values that were made before.
    ///
    /// # Errors
    ///
    /// A batch of zero, an index beyond the images.
    pub fn prepared(
        images: Arc<PreparedImages>,
        indices: Vec<u32>,
        batch: usize,
        order: Order,
    ) -> Result<Self, DatasetError> {
        Self::of(Source::Prepared(images), indices, batch, order)
    }

    fn of(source: Source, indices: Vec<u32>, batch: usize, order: Order) -> Result<Self, DatasetError> {
        if batch == 0 {
            return Err(DatasetError::value("batch", 0, "a batch holds at least one sample"));
        }
        let count = source.images().len();
        if let Some(&index) = indices.iter().find(|&&i| i as usize >= count) {
            return Err(DatasetError::value("index", index as usize, format!("there are {count} images")));
        }
        Ok(Self { source, indices, batch, order, augmentation: Arc::default(), threads: NonZeroUsize::MIN })
    }

    /// The same images, changed by `augmentation` anew in each pass.
    ///
    /// # Errors
    ///
    /// Changes that do not fit the images; [`DatasetError::NotOfValues`] where values that were made before cannot be changed so, and
    /// [`DatasetError::NotATable`] where a loader gives indices alone.
    pub fn augmented(mut self, augmentation: Augmentation) -> Result<Self, DatasetError> {
        self.source.check(&augmentation)?;
        self.augmentation = Arc::new(augmentation);
        Ok(self)
    }

    /// The same batches, prepared ahead by so many threads, each of them every so manieth one: for a device that takes batches faster than
    /// one thread makes them. One thread is the default.
    #[must_use]
    pub const fn prepared_ahead_by(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// How many samples a pass goes over.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.indices.len()
    }

    /// How many batches a pass has, the last, smaller one included.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.indices.len().div_ceil(self.batch)
    }

    /// Images of a pass's smallest batch: the last one's. 0 where there is no image.
    #[must_use]
    pub fn smallest_batch(&self) -> usize {
        match self.indices.len() % self.batch {
            0 => self.batch.min(self.indices.len()),
            rest => rest,
        }
    }

    /// The next pass's images in order, with the same draws that [`ImageLoader::pass`] makes.
    pub fn order(&self, rng: &mut TorchRng) -> Vec<u32> {
        self.draw(rng).1
    }

    /// The next pass's base seed and its images in order.
    fn draw(&self, rng: &mut TorchRng) -> (u64, Vec<u32>) {
        let seed = rng.random_seed();
        let order = match self.order {
            Order::InOrder => self.indices.clone(),
            Order::Shuffled => TorchRng::new(rng.random_seed())
                .permutation(self.indices.len())
                .into_iter()
                .map(|position| self.indices[position as usize])
                .collect(),
        };
        (seed, order)
    }

    /// One pass, without its first `skip` batches, which are drawn for but never prepared: how a
    /// resumed run comes back to the middle of an epoch.
    ///
    /// All draws are made before this returns. Dropping the pass early stops its thread. Changes that go by the epoch are those of the first:
    /// see [`ImageLoader::pass_of_epoch`].
    #[must_use]
    pub fn pass(&self, rng: &mut TorchRng, skip: usize) -> Batches {
        self.pass_of_epoch(rng, 0, skip)
    }

    /// The pass of epoch `epoch`, counted from 0: some changes of images go by it, such as mirroring in every other one.
    #[must_use]
    pub fn pass_of_epoch(&self, rng: &mut TorchRng, epoch: usize, skip: usize) -> Batches {
        let (seed, order) = self.draw(rng);
        let preparer = Preparer {
            source: self.source.clone(),
            order,
            pass: PassDraws { seed, epoch },
            batch: self.batch,
            augmentation: Arc::clone(&self.augmentation),
        };
        Batches::start(preparer, skip, self.batches(), self.threads)
    }

    /// The images of the next pass's first batch as augmentation changes them, as bytes, with the same draws that the pass makes: for a
    /// picture. What would be mixed after the transform is mixed as bytes.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Memory`] where there is no room for them.
    pub fn first_batch(&self, rng: &mut TorchRng) -> Result<Images, DatasetError> {
        let (seed, mut order) = self.draw(rng);
        order.truncate(self.batch);
        let (images, pass) = (self.source.images(), PassDraws { seed, epoch: 0 });
        let pixels = pictures(images, &order, &self.augmentation, pass)?;
        let labels = order.iter().map(|&i| images.labels()[i as usize]).collect();
        Images::new(images.shape(), pixels, labels, images.classes())
    }
}

#[cfg(test)]
mod tests;
