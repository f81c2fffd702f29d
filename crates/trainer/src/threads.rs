//! Worker threads that are given to whatever computes.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use strata_model::{Architecture, Weights};
use strata_rng::TorchRng;
use strata_spec::Initialisation;

use crate::{Batch, Classifier, OptimizerState, Score, TrainError};

/// Worker threads. Clones share them; they end with the last one.
///
/// What computes in Strata uses the threads that it runs on: inside of [`Threads::run`] these, elsewhere rayon's own default, which no crate of
/// Strata's starts or configures. The results are the same to the bit for any number.
///
/// ```
/// use std::num::NonZeroUsize;
/// use strata_trainer::Threads;
///
/// let threads = Threads::new(NonZeroUsize::new(2).ok_or("two is not zero")?)?;
/// assert_eq!((threads.count(), threads.run(rayon::current_num_threads)), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Threads(Arc<ThreadPool>);

impl Threads {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// [`TrainError::Threads`] where the system does not give so many.
    pub fn new(count: NonZeroUsize) -> Result<Self, TrainError> {
        let count = count.get();
        let name = |number| format!("strata-{number}");
        match ThreadPoolBuilder::new().num_threads(count).thread_name(name).build() {
            Ok(pool) => Ok(Self(Arc::new(pool))),
            Err(error) => {
                let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                Err(TrainError::Threads { count, reason: cause })
            }
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Does `work` on them and waits for it.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }
}

/// A classifier that computes on threads of its own.
pub struct Threaded {
    classifier: Box<dyn Classifier>,
    threads: Threads,
}

impl Threaded {
    /// Has `classifier` compute on `threads`.
    pub fn new(classifier: Box<dyn Classifier>, threads: Threads) -> Self {
        Self { classifier, threads }
    }
}

/// Every method, those that have a default too.
impl Classifier for Threaded {
    fn architecture(&self) -> &Architecture {
        self.classifier.architecture()
    }

    fn smallest_training_batch(&self) -> usize {
        self.classifier.smallest_training_batch()
    }

    fn initialise(&mut self, rng: &mut TorchRng) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.initialise(rng))
    }

    fn initialise_by(&mut self, how: Initialisation, rng: &mut TorchRng) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.initialise_by(how, rng))
    }

    fn training_step(&mut self, batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.training_step(batch, learning_rate))
    }

    fn accumulate(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.accumulate(batch))
    }

    fn training_score(&mut self) -> Result<Score, TrainError> {
        self.threads.run(|| self.classifier.training_score())
    }

    fn validation_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.validation_step(batch))
    }

    fn validation_score(&mut self) -> Result<Score, TrainError> {
        self.threads.run(|| self.classifier.validation_score())
    }

    fn begin_statistics(&mut self) -> bool {
        self.threads.run(|| self.classifier.begin_statistics())
    }

    fn statistics_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.statistics_step(batch))
    }

    fn finish_statistics(&mut self) {
        self.threads.run(|| self.classifier.finish_statistics());
    }

    fn averaged_weights(&mut self) -> Result<Option<Weights>, TrainError> {
        self.threads.run(|| self.classifier.averaged_weights())
    }

    fn evaluate_with(&mut self, weights: &Weights) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.evaluate_with(weights))
    }

    fn reads_are_slow(&self) -> bool {
        self.classifier.reads_are_slow()
    }

    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        self.threads.run(|| self.classifier.snapshot())
    }

    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        self.threads.run(|| self.classifier.restore(weights, state))
    }
}

#[cfg(test)]
mod tests {
    /// The names of the methods in the block that begins with `head`.
    fn methods(source: &str, head: &str) -> Vec<String> {
        let block = source.split(head).nth(1).unwrap().split("\n}\n").next().unwrap();
        let names = block.split("    fn ").skip(1).map(|rest| rest.split('(').next().unwrap().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn no_method_of_the_classifier_is_left_to_its_default() {
        let wanted = methods(include_str!("classifier.rs"), "pub trait Classifier");
        assert!(wanted.len() > 10);
        assert_eq!(methods(include_str!("threads.rs"), "impl Classifier for Threaded"), wanted);
    }
}
