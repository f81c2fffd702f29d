//! What a loader announced beside what it served: a pass that is short, or long, would silently be another one.

use crate::{Amount, Batch, LoadError, Loader, Pass, TrainError};

/// Counts a pass against what its loader announced.
pub(crate) struct Served {
    pass: Pass,
    announced: Amount,
    served: Amount,
}

impl Served {
    /// Starts counting at what an earlier part of the run was served of this pass.
    pub(crate) fn new(pass: Pass, loader: &dyn Loader, before: Amount) -> Result<Self, TrainError> {
        let announced = Amount { batches: loader.batches(), samples: loader.samples() };
        if announced.batches == 0 || announced.samples == 0 {
            return Err(TrainError::NoSamples { pass, announced });
        }
        let served = Self { pass, announced, served: before };
        served.not_too_many()?;
        Ok(served)
    }

    /// Counts what the loader served, before anything is made of it.
    pub(crate) fn add(&mut self, served: Result<Batch, LoadError>) -> Result<Batch, TrainError> {
        let batch = served.map_err(TrainError::Loader).and_then(|batch| match batch.is_empty() {
            true => Err(TrainError::EmptyBatch),
            false => Ok(batch),
        });
        let batch = batch.map_err(|error| self.in_batch(error, self.served.batches))?;
        self.served.batches += 1;
        self.served.samples += batch.len();
        self.not_too_many()?;
        Ok(batch)
    }

    /// Ends a pass whose loader has no further batch.
    pub(crate) fn end(&self) -> Result<(), TrainError> {
        if self.served == self.announced { Ok(()) } else { Err(self.mismatch()) }
    }

    /// `error`, which the batch that was counted last led to, with that batch's number.
    pub(crate) fn at_batch(&self, error: TrainError) -> TrainError {
        self.in_batch(error, self.served.batches.saturating_sub(1))
    }

    fn in_batch(&self, source: TrainError, batch: usize) -> TrainError {
        TrainError::InBatch { pass: self.pass, batch, source: Box::new(source) }
    }

    fn not_too_many(&self) -> Result<(), TrainError> {
        let Self { served, announced, .. } = self;
        let fits = served.batches <= announced.batches && served.samples <= announced.samples;
        if fits { Ok(()) } else { Err(self.mismatch()) }
    }

    fn mismatch(&self) -> TrainError {
        TrainError::Served { pass: self.pass, announced: self.announced, served: self.served }
    }
}
