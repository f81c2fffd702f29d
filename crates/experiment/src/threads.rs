//! The worker threads of a run.

use std::num::NonZeroUsize;

use strata_trainer::{Threads, TrainError};

use crate::ExperimentError;

/// Starts `threads` worker threads; without a number as many as the environment's `RAYON_NUM_THREADS` says, else as the machine has.
///
/// # Errors
/// [`ExperimentError::Threads`] where the system does not give so many.
pub(crate) fn start_threads(threads: Option<NonZeroUsize>) -> Result<Threads, ExperimentError> {
    Threads::new(threads.unwrap_or_else(default_threads)).map_err(|error| match error {
        TrainError::Threads { count, reason } => ExperimentError::Threads { threads: count, reason },
        other => other.into(),
    })
}

fn default_threads() -> NonZeroUsize {
    let told = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    told.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}
