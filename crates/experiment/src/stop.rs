//! The wish to stop, told from a signal's handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Set by whoever wants the run to end soon; asked for between batches.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Asks to stop; says how many times that was asked before.
    pub fn request(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}
