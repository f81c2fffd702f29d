//! Batches and where they come from, as training sees them.

use strata_kernels::{Mix, Targets};
use strata_rng::TorchRng;

use crate::TrainError;

/// Some samples, in the order in which they are trained or evaluated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Each sample's place in its data set.
    pub indices: Vec<u32>,
    /// `[batch, features]`; empty where the classifier holds the data set itself and gathers by `indices`.
    pub features: Vec<f32>,
    /// `[batch]`, each below the number of classes.
    pub labels: Vec<u8>,
    /// Where samples were mixed (MixUp, CutMix): the other one's labels and the shares.
    pub mix: Option<MixedLabels>,
}

/// The second class of each sample of a batch whose samples were mixed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MixedLabels {
    /// `[batch]`, each below the number of classes.
    pub labels: Vec<u8>,
    /// `[batch]`: the share of the batch's own label, in `0..=1`.
    pub shares: Vec<f32>,
}

impl Batch {
    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Whether a classifier of `classes` classes can take it: at least one sample, an index for each where there are indices, and labels that
    /// are classes.
    pub(crate) fn check(&self, classes: usize) -> Result<(), TrainError> {
        if !self.indices.is_empty() && self.indices.len() != self.labels.len() {
            return Err(TrainError::Labels { labels: self.labels.len(), indices: self.indices.len() });
        }
        if self.is_empty() {
            return Err(TrainError::EmptyBatch);
        }
        match self.labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes) {
            Some((sample, label)) => {
                let index = self.indices.get(sample).copied();
                Err(TrainError::Label { sample, index, label: *label, classes })
            }
            None => Ok(self.targets().check(self.len(), classes)?),
        }
    }

    /// What is to be said of the samples.
    pub fn targets(&self) -> Targets<'_> {
        let mix = self.mix.as_ref().map(|mix| Mix { labels: &mix.labels, shares: &mix.shares });
        Targets { labels: &self.labels, mix }
    }

    /// Whether it has `smallest` samples at least.
    pub(crate) fn check_size(&self, smallest: usize) -> Result<(), TrainError> {
        if !self.is_empty() && self.len() < smallest {
            return Err(TrainError::BatchTooSmall { samples: self.len(), smallest });
        }
        Ok(())
    }

    /// Takes the features, `[batch, inputs]`.
    pub(crate) fn take_features(&mut self, inputs: usize) -> Result<Vec<f32>, TrainError> {
        let (samples, values) = (self.len(), self.features.len());
        if values != samples * inputs {
            return Err(TrainError::Features { expected: inputs, samples, values });
        }
        Ok(std::mem::take(&mut self.features))
    }
}

/// Why a loader could not make a batch: any error, by `?`. A function that goes over batches by itself returns it too: `?` does not make a
/// `Box<dyn Error>`, without `Send + Sync`, of it.
pub type LoadError = Box<dyn std::error::Error + Send + Sync>;

/// The batches of a pass, in order. One that cannot be made is an error, which ends the run; a loader whose batches are always there wraps
/// them by `.map(Ok)`.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Batch, LoadError>> + 'a>;

/// A data set, or a part of one, served in batches.
///
/// ```
/// use strata_rng::TorchRng;
/// use strata_trainer::{Batch, Batches, Loader};
///
/// /// Files of one sample each, which may be gone when their turn comes.
/// struct Files(Vec<std::path::PathBuf>);
///
/// impl Loader for Files {
///     fn samples(&self) -> usize {
///         self.0.len()
///     }
///     fn batches(&self) -> usize {
///         self.0.len()
///     }
///     fn pass<'a>(&'a self, _: &mut TorchRng, skip: usize) -> Batches<'a> {
///         Box::new(self.0[skip..].iter().map(|file| {
///             let bytes = std::fs::read(file)?;
///             let features = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
///             Ok(Batch { features, labels: vec![0], ..Batch::default() })
///         }))
///     }
/// }
///
/// let gone = Files(vec!["no such file".into()]);
/// assert!(gone.pass(&mut TorchRng::new(43), 0).next().is_some_and(|batch| batch.is_err()));
/// ```
pub trait Loader {
    /// Samples of a whole pass.
    fn samples(&self) -> usize;

    /// Batches of a whole pass, the last, smaller one included.
    fn batches(&self) -> usize;

    /// Samples of the smallest batch of a whole pass, where the loader knows: what a network needs can be checked against it before the first step.
    fn smallest_batch(&self) -> Option<usize> {
        None
    }

    /// Starts a pass, drawing its order from `rng`, and leaves out the first `skip` batches: how a resumed run goes on in
    /// the middle of an epoch.
    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a>;

    /// The training pass of epoch `epoch`, 0-based over the run, with the draws of [`Loader::pass`]; that pass by default. For a loader whose samples
    /// change by the epoch.
    fn pass_of_epoch<'a>(&'a self, rng: &mut TorchRng, epoch: usize, skip: usize) -> Batches<'a> {
        let _ = epoch;
        self.pass(rng, skip)
    }
}
