//! Passes over samples in batches, prepared ahead of the step by a background thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use strata_rng::TorchRng;

use crate::batch::Scaling;
use crate::{Batch, BatchContent, DatasetError, Images, PixelScale};

/// Batches that wait ready for the step: one being taken, one to spare.
const AHEAD: usize = 2;

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
/// use strata_dataset::{BatchContent, Loader, Order, PixelScale, Synthetic};
/// use strata_rng::TorchRng;
///
/// let data = Synthetic { seed: 1, train: 100, test: 10 }.generate()?;
/// let loader = Loader::new(
///     data.train,
///     (0..100).collect(),
///     32,
///     Order::Shuffled,
///     PixelScale::Unit,
///     BatchContent::Pixels,
/// )?;
/// let mut rng = TorchRng::new(43);
/// let sizes: Vec<usize> = loader.pass(&mut rng, 0).map(|batch| batch.map(|batch| batch.len())).collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [32, 32, 32, 4]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    images: Arc<Images>,
    indices: Vec<u32>,
    batch: usize,
    order: Order,
    scaling: Arc<Scaling>,
    content: BatchContent,
}

impl Loader {
    /// A loader of the images that `indices` names, in batches of `batch` samples.
    ///
    /// # Errors
    ///
    /// A batch of zero, an index beyond the images, and a normalisation that does not fit them.
    pub fn new(
        images: Arc<Images>,
        indices: Vec<u32>,
        batch: usize,
        order: Order,
        scale: PixelScale,
        content: BatchContent,
    ) -> Result<Self, DatasetError> {
        if batch == 0 {
            return Err(DatasetError::value("batch", 0, "a batch holds at least one sample"));
        }
        if let Some(&index) = indices.iter().find(|&&i| i as usize >= images.len()) {
            return Err(DatasetError::value("index", index as usize, format!("there are {} images", images.len())));
        }
        let scaling = Arc::new(Scaling::new(&scale, images.shape())?);
        Ok(Self { images, indices, batch, order, scaling, content })
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

    /// The next pass's images in order, with the same draws that [`Loader::pass`] makes.
    pub fn order(&self, rng: &mut TorchRng) -> Vec<u32> {
        let _base_seed = rng.random_seed();
        match self.order {
            Order::InOrder => self.indices.clone(),
            Order::Shuffled => TorchRng::new(rng.random_seed())
                .permutation(self.indices.len())
                .into_iter()
                .map(|position| self.indices[position as usize])
                .collect(),
        }
    }

    /// One pass, without its first `skip` batches, which are drawn for but never prepared: how a
    /// resumed run comes back to the middle of an epoch.
    ///
    /// All draws are made before this returns. Dropping the pass early stops its thread.
    #[must_use]
    pub fn pass(&self, rng: &mut TorchRng, skip: usize) -> Pass {
        let preparer = Preparer {
            images: Arc::clone(&self.images),
            order: self.order(rng),
            batch: self.batch,
            scaling: Arc::clone(&self.scaling),
            content: self.content,
        };
        Pass::start(preparer, skip, self.batches())
    }
}

/// Makes any batch of a pass: a pure function of its number.
#[derive(Debug)]
struct Preparer {
    images: Arc<Images>,
    order: Vec<u32>,
    batch: usize,
    scaling: Arc<Scaling>,
    content: BatchContent,
}

impl Preparer {
    fn prepare(&self, number: usize) -> Result<Batch, DatasetError> {
        let start = number * self.batch;
        let end = self.order.len().min(start.saturating_add(self.batch));
        let indices = &self.order[start..end];
        self.scaling.batch(&self.images, indices, self.content)
    }
}

/// The batches of one pass; made by [`Loader::pass`]. An error is a batch that there is no memory for.
#[derive(Debug)]
pub struct Pass {
    preparer: Arc<Preparer>,
    next: usize,
    batches: usize,
    worker: Option<Worker>,
}

#[derive(Debug)]
struct Worker {
    ready: Receiver<Result<Batch, DatasetError>>,
    thread: JoinHandle<()>,
}

impl Pass {
    fn start(preparer: Preparer, skip: usize, batches: usize) -> Self {
        let preparer = Arc::new(preparer);
        let next = skip.min(batches);
        let worker = (next < batches).then(|| Worker::spawn(Arc::clone(&preparer), next, batches)).flatten();
        Self { preparer, next, batches, worker }
    }

    fn stop(&mut self) {
        if let Some(Worker { ready, thread }) = self.worker.take() {
            // Without a receiver the thread's next send fails, and it ends.
            drop(ready);
            if thread.join().is_err() {
                tracing::warn!("the thread that prepares batches ahead has panicked");
            }
        }
    }
}

impl Worker {
    /// None where the system gives no thread: the pass then prepares its batches itself.
    fn spawn(preparer: Arc<Preparer>, first: usize, batches: usize) -> Option<Self> {
        let (sender, ready) = sync_channel(AHEAD);
        thread::Builder::new()
            .name("batches".to_owned())
            .spawn(move || {
                for number in first..batches {
                    if sender.send(preparer.prepare(number)).is_err() {
                        return;
                    }
                }
            })
            .inspect_err(|error| tracing::warn!(%error, "no thread to prepare batches ahead"))
            .ok()
            .map(|thread| Self { ready, thread })
    }
}

impl Iterator for Pass {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.batches {
            return None;
        }
        let ready = match &self.worker {
            Some(worker) => worker.ready.recv().ok(),
            None => None,
        };
        let batch = ready.unwrap_or_else(|| {
            // No thread, or one that died: the batch is the same wherever it is prepared.
            self.stop();
            self.preparer.prepare(self.next)
        });
        self.next += 1;
        if self.next == self.batches {
            self.stop();
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Pass {}

impl Drop for Pass {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
