//! Samples in memory, as a loader: for data of one's own.

use strata_rng::TorchRng;

use crate::{Batch, Batches, LoadError, Loader, TrainError};

/// Samples of equal width in memory, served in batches as PyTorch's `DataLoader` does: the draws of a pass, its order and its last, smaller batch
/// are PyTorch's.
///
/// ```
/// use strata_trainer::{Loader, Table};
///
/// let table = Table::new(vec![0.0, 0.1, 1.0, 1.1, 2.0, 2.1], vec![0, 1, 0], 2)?.shuffled();
/// assert_eq!((table.samples(), table.batches()), (3, 2));
/// let sizes: Vec<_> = table.pass(&mut strata_rng::TorchRng::new(43), 0).map(|batch| batch.map(|batch| batch.len())).collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [2, 1]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    features: Vec<f32>,
    labels: Vec<u8>,
    /// Features of a sample.
    width: usize,
    batch: usize,
    is_shuffled: bool,
}

impl Table {
    /// Serves `labels.len()` samples in order, `batch` at a time. `features` is row-major, `[samples, features]`.
    ///
    /// # Errors
    /// [`TrainError::Table`] where the features are no whole samples, or a batch holds none.
    pub fn new(features: Vec<f32>, labels: Vec<u8>, batch: usize) -> Result<Self, TrainError> {
        let (values, samples) = (features.len(), labels.len());
        if samples == 0
            || batch == 0
            || values == 0
            || !values.is_multiple_of(samples)
            || u32::try_from(samples).is_err()
        {
            return Err(TrainError::Table { values, samples, batch });
        }
        Ok(Self { width: values / samples, features, labels, batch, is_shuffled: false })
    }

    /// In an order that each pass draws anew: for training.
    #[must_use]
    pub fn shuffled(self) -> Self {
        Self { is_shuffled: true, ..self }
    }

    fn serve(&self, indices: &[u32]) -> Result<Batch, LoadError> {
        let place = |index: &u32| *index as usize;
        let mut features = Vec::new();
        features.try_reserve_exact(indices.len() * self.width)?;
        for index in indices {
            features.extend_from_slice(&self.features[place(index) * self.width..][..self.width]);
        }
        let labels = indices.iter().map(|index| self.labels[place(index)]).collect();
        Ok(Batch { indices: indices.to_vec(), features, labels, mix: None })
    }
}

impl Loader for Table {
    fn samples(&self) -> usize {
        self.labels.len()
    }

    fn batches(&self) -> usize {
        self.labels.len().div_ceil(self.batch)
    }

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        // A pass draws a base seed, and a sampler that shuffles its own.
        rng.random_seed();
        let order: Vec<u32> = if self.is_shuffled {
            TorchRng::new(rng.random_seed()).permutation(self.samples())
        } else {
            (0..).take(self.samples()).collect()
        };
        let batches = (skip..self.batches()).map(move |batch| {
            let first = batch * self.batch;
            self.serve(&order[first..self.samples().min(first + self.batch)])
        });
        Box::new(batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(samples: usize) -> Table {
        let features = (0..samples * 2).map(|value| value as f32).collect();
        Table::new(features, (0..samples as u8).collect(), 3).unwrap()
    }

    #[test]
    fn each_sample_is_served_once_with_its_own_features_and_label() {
        for table in [table(8), table(8).shuffled()] {
            let mut seen: Vec<u32> = Vec::new();
            for batch in table.pass(&mut TorchRng::new(1), 0).map(Result::unwrap) {
                for (number, index) in batch.indices.iter().enumerate() {
                    let first = (index * 2) as f32;
                    assert_eq!(batch.features[number * 2..][..2], [first, first + 1.0]);
                    assert_eq!(u32::from(batch.labels[number]), *index);
                }
                seen.extend(batch.indices);
            }
            assert_eq!(seen.is_sorted(), !table.is_shuffled);
            seen.sort_unstable();
            assert_eq!(seen, (0..8).collect::<Vec<_>>());
        }
    }

    /// A resumed epoch leaves out what was trained on, and draws as the whole one did.
    #[test]
    fn a_pass_with_skipped_batches_equals_the_end_of_a_whole_pass() {
        let table = table(8).shuffled();
        let (mut whole, mut resumed) = (TorchRng::new(1), TorchRng::new(1));
        let all: Vec<_> = table.pass(&mut whole, 0).map(Result::unwrap).collect();
        let rest: Vec<_> = table.pass(&mut resumed, 2).map(Result::unwrap).collect();
        assert_eq!(rest, all[2..]);
        assert_eq!(whole.state(), resumed.state());
    }

    #[test]
    fn tables_whose_sizes_disagree_are_refused() {
        for (values, samples, batch) in [(5, 2, 1), (0, 0, 1), (0, 2, 1), (4, 2, 0)] {
            assert!(matches!(Table::new(vec![0.0; values], vec![0; samples], batch), Err(TrainError::Table { .. })));
        }
    }
}
