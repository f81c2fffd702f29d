//! The batches of a pass, prepared ahead of the step by background threads.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use crate::served::Preparer;
use crate::{DatasetError, ImageBatch};

/// Batches of a thread that wait ready for the step: one being taken, one to spare.
pub(super) const AHEAD: usize = 2;

/// The batches of one pass; made by [`ImageLoader::pass`](crate::ImageLoader::pass). An error is a batch that there is no memory for.
#[derive(Debug)]
pub struct Batches {
    pub(super) preparer: Arc<Preparer>,
    first: usize,
    next: usize,
    batches: usize,
    /// They take turns: of `n` the one numbered `k` prepares batch `first + k`, `first + k + n`, and so on.
    pub(super) workers: Vec<Worker>,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) ready: Receiver<Result<ImageBatch, DatasetError>>,
    pub(super) thread: JoinHandle<()>,
}

impl Batches {
    pub(super) fn start(preparer: Preparer, skip: usize, batches: usize, threads: NonZeroUsize) -> Self {
        let preparer = Arc::new(preparer);
        let first = skip.min(batches);
        // A single batch is waited for in any case.
        let threads = if first + 1 < batches { threads.get().min(batches - first) } else { 0 };
        let spawn = |number| Worker::spawn(Arc::clone(&preparer), (first + number..batches).step_by(threads));
        // With fewer threads than were asked for their turns would not be these.
        let workers = (0..threads).map(spawn).collect::<Option<_>>().unwrap_or_default();
        Self { preparer, first, next: first, batches, workers }
    }

    fn stop(&mut self) {
        let (ready, threads): (Vec<_>, Vec<_>) = self.workers.drain(..).map(|w| (w.ready, w.thread)).unzip();
        // Without a receiver a thread's next send fails, and it ends.
        drop(ready);
        if threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count() > 0 {
            tracing::warn!("a thread that prepares batches ahead has panicked");
        }
    }
}

impl Worker {
    /// None where the system gives no thread: the pass then prepares its batches itself.
    fn spawn(preparer: Arc<Preparer>, numbers: impl Iterator<Item = usize> + Send + 'static) -> Option<Self> {
        let (sender, ready) = sync_channel(AHEAD);
        thread::Builder::new()
            .name("batches".to_owned())
            .spawn(move || {
                for number in numbers {
                    if sender.send(preparer.prepare(number)).is_err() {
                        return;
                    }
                }
            })
            .inspect_err(|error| tracing::warn!(%error, "no thread to prepare batches ahead"))
            .ok()
            .map(|thread| Self { ready, thread })
    }
}

impl Iterator for Batches {
    type Item = Result<ImageBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.batches {
            return None;
        }
        let turn = (self.next - self.first).checked_rem(self.workers.len());
        let ready = turn.and_then(|turn| self.workers[turn].ready.recv().ok());
        let batch = ready.unwrap_or_else(|| {
            // No thread, or one that died: the batch is the same wherever it is prepared.
            self.stop();
            self.preparer.prepare(self.next)
        });
        self.next += 1;
        if self.next == self.batches {
            self.stop();
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop();
    }
}
