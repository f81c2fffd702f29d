//! The worker threads of the process, started before anything computes.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use rayon::ThreadPoolBuilder;

use crate::ExperimentError;

/// A start that failed cannot be tried again in the same process, and rayon panics where its threads are asked for after one.
static FAILED: OnceLock<(usize, String)> = OnceLock::new();

/// Starts `threads` worker threads; without a number as many as `RAYON_NUM_THREADS` says, else as the machine has.
///
/// Threads are started once a process: a later call without a number, or with the same one, does nothing.
///
/// # Errors
/// [`ExperimentError::Threads`] where the system gives no such number, or another number runs already.
pub fn start_threads(threads: Option<NonZeroUsize>) -> Result<(), ExperimentError> {
    let failed = |(threads, reason): &(usize, String)| {
        Err(ExperimentError::Threads { threads: *threads, reason: reason.clone() })
    };
    if let Some(failure) = FAILED.get() {
        return failed(failure);
    }
    let wanted = threads.map_or_else(default_threads, NonZeroUsize::get);
    let Err(error) = ThreadPoolBuilder::new().num_threads(wanted).build_global() else { return Ok(()) };
    // Only the system's own refusal has a cause; otherwise there are threads already.
    if let Some(cause) = error.source() {
        return failed(FAILED.get_or_init(|| (wanted, cause.to_string())));
    }
    match rayon::current_num_threads() {
        running if threads.is_some_and(|threads| threads.get() != running) => {
            failed(&(wanted, format!("this process has {running} already")))
        }
        _ => Ok(()),
    }
}

fn default_threads() -> usize {
    let told =
        std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|threads| *threads > 0);
    told.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}
