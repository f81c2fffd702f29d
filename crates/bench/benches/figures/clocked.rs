//! A classifier that notes what the loop asks of it and how long each call, and each pause between two calls, takes.

use std::sync::Mutex;
use std::time::Instant;

use strata_model::{Architecture, Weights};
use strata_rng::TorchRng;
use strata_spec::Initialisation;
use strata_trainer::{
    Batch, BuildClassifier, Classifier, ClassifierOptions, OptimizerState, Score, Threads, TrainError,
};

/// What the loop asks for; what it does in between is known by what came before and what came after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Training,
    TrainingScore,
    Validation,
    ValidationScore,
    Snapshot,
}

/// A call with its beginning and end.
pub(crate) type Noted = (Call, Instant, Instant);

/// A row's constructor takes nothing along, so what it needs lies here; one run at a time.
static BUILD: Mutex<Option<BuildClassifier>> = Mutex::new(None);
static NOTED: Mutex<Vec<Noted>> = Mutex::new(Vec::new());

/// From now on [`build`] wraps what `inner` builds.
pub(crate) fn wrap(inner: BuildClassifier) {
    *BUILD.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(inner);
}

/// Every call so far.
pub(crate) fn take() -> Vec<Noted> {
    std::mem::take(&mut *NOTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The constructor of a row whose calls are noted.
pub(crate) fn build(options: ClassifierOptions) -> Result<Box<dyn Classifier>, TrainError> {
    let inner = *BUILD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let inner = inner.ok_or_else(|| TrainError::Device("nothing to wrap".into()))?;
    Ok(Box::new(Clocked(inner(options)?)))
}

struct Clocked(Box<dyn Classifier>);

impl Clocked {
    fn note<T>(&mut self, call: Call, work: impl FnOnce(&mut dyn Classifier) -> T) -> T {
        let begin = Instant::now();
        let result = work(&mut *self.0);
        let noted = (call, begin, Instant::now());
        NOTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(noted);
        result
    }
}

impl Classifier for Clocked {
    fn architecture(&self) -> &Architecture {
        self.0.architecture()
    }
    fn initialise_by(&mut self, how: Initialisation, rng: &mut TorchRng) -> Result<(), TrainError> {
        self.0.initialise_by(how, rng)
    }
    fn compute_on(&mut self, threads: Threads) {
        self.0.compute_on(threads);
    }
    fn training_step(&mut self, batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        self.note(Call::Training, |inner| inner.training_step(batch, learning_rate))
    }
    fn training_score(&mut self) -> Result<Score, TrainError> {
        self.note(Call::TrainingScore, |inner| inner.training_score())
    }
    fn validation_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.note(Call::Validation, |inner| inner.validation_step(batch))
    }
    fn validation_score(&mut self) -> Result<Score, TrainError> {
        self.note(Call::ValidationScore, |inner| inner.validation_score())
    }
    fn reads_are_slow(&self) -> bool {
        self.0.reads_are_slow()
    }
    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        self.note(Call::Snapshot, |inner| inner.snapshot())
    }
    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        self.0.restore(weights, state)
    }
}
