//! Moves a bar while nothing else does, so that a person sees that the program lives.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use indicatif::ProgressBar;

const EVERY: Duration = Duration::from_millis(200);

/// A thread that redraws a bar five times a second until this is dropped.
///
/// `ProgressBar::enable_steady_tick` does the same, but panics where the system gives no thread.
#[derive(Debug)]
pub(crate) struct Ticker {
    /// Never sent on: the thread ends when it is gone.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// None where the bar is hidden, or the system gives no thread: the bar then moves with its work alone.
    pub(crate) fn start(bar: &ProgressBar) -> Option<Self> {
        if bar.is_hidden() {
            return None;
        }
        let (end, ended) = channel();
        let bar = bar.clone();
        let tick = move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                bar.tick();
            }
        };
        let thread = Builder::new().name("bar".to_owned()).spawn(tick);
        let thread = thread.inspect_err(|error| tracing::debug!(%error, "no thread to move the bar")).ok()?;
        Some(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.end.take());
        // A bar that could not be drawn is no reason to lose a run.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_progress_bar_starts_no_thread() {
        assert!(Ticker::start(&ProgressBar::hidden()).is_none());
    }
}
