//! A classifier that does what another does, watched by a test.

use strata_model::{Architecture, Weights};
use strata_rng::TorchRng;
use strata_spec::Initialisation;
use strata_trainer::{Batch, Classifier, OptimizerState, Score, Threads, TrainError};

/// What is done with a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Use {
    Training,
    Accumulation,
    Statistics,
    Validation,
}

/// What a test does besides.
pub(crate) trait Watch {
    /// Called before each batch is used; an error is the classifier's.
    fn before(&mut self, used: Use) -> Result<(), TrainError> {
        let _ = used;
        Ok(())
    }

    /// Told of each score of training steps.
    fn scored(&mut self, score: &Score) {
        let _ = score;
    }
}

pub(crate) struct Watched<W> {
    pub(crate) inner: Box<dyn Classifier>,
    pub(crate) watch: W,
}

impl<W: Watch> Classifier for Watched<W> {
    fn architecture(&self) -> &Architecture {
        self.inner.architecture()
    }
    fn smallest_training_batch(&self) -> usize {
        self.inner.smallest_training_batch()
    }
    fn initialise_by(&mut self, how: Initialisation, rng: &mut TorchRng) -> Result<(), TrainError> {
        self.inner.initialise_by(how, rng)
    }
    fn compute_on(&mut self, threads: Threads) {
        self.inner.compute_on(threads);
    }
    fn training_step(&mut self, batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        self.watch.before(Use::Training)?;
        self.inner.training_step(batch, learning_rate)
    }
    fn accumulate(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.watch.before(Use::Accumulation)?;
        self.inner.accumulate(batch)
    }
    fn training_score(&mut self) -> Result<Score, TrainError> {
        self.inner.training_score().inspect(|score| self.watch.scored(score))
    }
    fn begin_statistics(&mut self) -> bool {
        self.inner.begin_statistics()
    }
    fn statistics_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.watch.before(Use::Statistics)?;
        self.inner.statistics_step(batch)
    }
    fn finish_statistics(&mut self) {
        self.inner.finish_statistics();
    }
    fn averaged_weights(&mut self) -> Result<Option<Weights>, TrainError> {
        self.inner.averaged_weights()
    }
    fn evaluate_with(&mut self, weights: &Weights) -> Result<(), TrainError> {
        self.inner.evaluate_with(weights)
    }
    fn validation_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.watch.before(Use::Validation)?;
        self.inner.validation_step(batch)
    }
    fn validation_score(&mut self) -> Result<Score, TrainError> {
        self.inner.validation_score()
    }
    fn reads_are_slow(&self) -> bool {
        self.inner.reads_are_slow()
    }
    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        self.inner.snapshot()
    }
    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        self.inner.restore(weights, state)
    }
}
