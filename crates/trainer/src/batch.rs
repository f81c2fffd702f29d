//! Batches and where they come from, as training sees them.

use strata_rng::TorchRng;

/// Some samples, in the order in which they are trained or evaluated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Each sample's place in its data set.
    pub indices: Vec<u32>,
    /// `[batch, features]`; empty where the classifier holds the data set itself and gathers by `indices`.
    pub features: Vec<f32>,
    /// `[batch]`, each below the number of classes.
    pub labels: Vec<u8>,
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
}

/// A data set, or a part of one, served in batches.
pub trait Loader {
    /// Samples of a whole pass.
    fn samples(&self) -> usize;

    /// Batches of a whole pass, the last, smaller one included.
    fn batches(&self) -> usize;

    /// Starts a pass, drawing its order from `rng`, and leaves out the first `skip` batches: how a resumed run goes on in
    /// the middle of an epoch.
    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Box<dyn Iterator<Item = Batch> + 'a>;
}
