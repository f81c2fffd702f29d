//! The data set's loaders as training sees them.

use strata_dataset::ImageLoader;
use strata_rng::TorchRng;
use strata_trainer::{Batch, Loader};

/// Serves a part of the images to the trainer.
#[derive(Clone, Debug)]
pub struct LoaderAdapter(pub ImageLoader);

impl Loader for LoaderAdapter {
    fn samples(&self) -> usize {
        self.0.samples()
    }

    fn batches(&self) -> usize {
        self.0.batches()
    }

    fn smallest_batch(&self) -> Option<usize> {
        Some(self.0.smallest_batch())
    }

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Box<dyn Iterator<Item = Batch> + 'a> {
        let pass = self.0.pass(rng, skip);
        // The trainer says that the pass ended early.
        let pass = pass.map_while(|batch| batch.inspect_err(|error| tracing::error!(%error, "no further batch")).ok());
        Box::new(pass.map(|batch| Batch {
            indices: batch.indices,
            features: batch.pixels,
            labels: batch.labels,
            mix: None,
        }))
    }
}
