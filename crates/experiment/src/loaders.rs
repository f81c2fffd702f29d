//! The data set's loaders as training sees them.

use strata_dataset::{ImageBatch, ImageLoader};
use strata_rng::TorchRng;
use strata_trainer::{Batch, Batches, Loader, MixedLabels};

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

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        self.pass_of_epoch(rng, 0, skip)
    }

    fn pass_of_epoch<'a>(&'a self, rng: &mut TorchRng, epoch: usize, skip: usize) -> Batches<'a> {
        let pass = self.0.pass_of_epoch(rng, epoch, skip);
        Box::new(pass.map(|batch| {
            let ImageBatch { indices, pixels, labels, mix } = batch?;
            let mix = mix.map(|mix| MixedLabels { labels: mix.labels, shares: mix.shares });
            Ok(Batch { indices, features: pixels, labels, mix })
        }))
    }
}
