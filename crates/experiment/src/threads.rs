//! The worker threads of a run.

use std::ffi::OsStr;
use std::num::NonZeroUsize;

use strata_spec::ranges::THREADS;
use strata_trainer::{Threads, TrainError};

use crate::ExperimentError;

/// Starts `threads` worker threads; without a number as many as the environment's `RAYON_NUM_THREADS` says, else as the machine has.
///
/// # Errors
/// [`ExperimentError::Threads`] where the system does not give so many, [`ExperimentError::ThreadsOfEnvironment`] where the environment says no number of them.
pub(crate) fn start_threads(threads: Option<NonZeroUsize>) -> Result<Threads, ExperimentError> {
    let threads = match threads {
        Some(threads) => threads,
        None => match of_environment(std::env::var_os(VARIABLE).as_deref())? {
            Some(threads) => threads,
            None => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        },
    };
    Threads::new(threads).map_err(|error| match error {
        TrainError::Threads { count, reason } => ExperimentError::Threads { threads: count, reason },
        other => other.into(),
    })
}

const VARIABLE: &str = "RAYON_NUM_THREADS";

/// What the variable says; nothing where it is not set, empty or 0, which is how rayon reads those.
fn of_environment(value: Option<&OsStr>) -> Result<Option<NonZeroUsize>, ExperimentError> {
    let text = value.unwrap_or_default().to_string_lossy();
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    let within = |threads: &NonZeroUsize| i64::try_from(threads.get()).is_ok_and(|threads| THREADS.contains(threads));
    let threads = text.parse().ok().filter(within);
    threads.map(Some).ok_or_else(|| ExperimentError::ThreadsOfEnvironment { variable: VARIABLE, value: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16,000 threads bring a machine to a halt.
    #[test]
    fn the_environments_threads_are_as_many_as_a_config_may_ask_for() {
        let of = |text: &str| of_environment(Some(text.as_ref())).map(|threads| threads.map(NonZeroUsize::get));
        assert_eq!(of_environment(None).unwrap(), None);
        for unset in ["", "0"] {
            assert_eq!(of(unset).unwrap(), None);
        }
        assert_eq!(of("1024").unwrap(), Some(1024));
        for wrong in ["1025", "99999999999999999999", "-1", "two", "1.5"] {
            let error = of(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert_eq!(
                error.to_string(),
                format!("RAYON_NUM_THREADS is {wrong:?}, and worker threads are from 1 to 1024")
            );
        }
    }
}
