//! The wish to stop, told from a signal's handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strata_trainer::{Event, Observer, Pass, TrainError};

use crate::ExperimentError;

/// Set by whoever wants the run to end soon; asked for between batches.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
    after_epochs: Option<usize>,
}

impl Stop {
    /// The same, that also asks to stop once a run has trained as many epochs in all and written its checkpoint of them. A run that ends before, or
    /// with that epoch, ends as it would.
    #[must_use]
    pub fn after_epochs(self, epochs: usize) -> Self {
        Self { after_epochs: Some(epochs), ..self }
    }

    /// Asks to stop; says whether that was asked before.
    pub fn request(&self) -> bool {
        self.requested.swap(true, Ordering::SeqCst)
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Whether the process may end at the first request: it does what asks for no wish to stop, and what nothing is lost of.
    pub fn is_at_once(&self) -> bool {
        self.at_once.load(Ordering::SeqCst)
    }

    /// What [`Stop::is_requested`] and [`Stop::is_at_once`] read, for handlers that can set and read a flag and no more.
    pub fn flags(&self) -> (Arc<AtomicBool>, Arc<AtomicBool>) {
        (Arc::clone(&self.requested), Arc::clone(&self.at_once))
    }

    /// Does `work`, which never asks whether it is still wanted and leaves nothing behind: while it lasts, whoever hears the wish to stop
    /// may end the process.
    pub(crate) fn while_at_once<T>(&self, work: impl FnOnce() -> T) -> Result<T, ExperimentError> {
        self.at_once.store(true, Ordering::SeqCst);
        // Set before it is looked at: a request between the two is seen by one side or by both.
        if self.is_requested() {
            return Err(ExperimentError::InterruptedEarly);
        }
        let done = work();
        self.at_once.store(false, Ordering::SeqCst);
        if self.is_requested() { Err(ExperimentError::InterruptedEarly) } else { Ok(done) }
    }
}

/// Stops a run between two batches.
impl Observer for Stop {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        if let (Event::PassStarted { pass: Pass::Training { epoch, .. }, .. }, Some(epochs)) =
            (event, self.after_epochs)
            && epoch >= epochs
        {
            self.request();
        }
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.is_requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_request_ends_uninterruptible_work_at_once_and_prevents_its_start() {
        let stop = Stop::default();
        assert!(!stop.is_at_once());
        assert!(stop.while_at_once(|| stop.is_at_once()).unwrap());
        assert!(!stop.is_at_once());
        assert!(!stop.request() && stop.request());
        let result = stop.while_at_once(|| panic!("begun after the request"));
        assert!(matches!(result, Err(ExperimentError::InterruptedEarly)));
    }
}
