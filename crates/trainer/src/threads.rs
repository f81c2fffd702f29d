//! Worker threads that are given to whatever computes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use crate::TrainError;

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

    /// Does `work` on them and waits for it. While it does, the others look for its pieces for half a millisecond before they sleep: to wake one takes longer than
    /// a piece of a small network's step.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(|| awake(work))
    }
}

/// More threads than this do not help with pieces so short that it matters.
const AWAKE: usize = 8;

/// How long a thread that finds no work looks for more of it.
const PATIENCE: Duration = Duration::from_micros(500);

/// Does `work` on a thread of the pool that the caller is in, or of rayon's own, while the pool's other threads stay awake: one that found nothing to do
/// goes on looking until the work is done, or for [`PATIENCE`] in vain. It never waits for anything, since it may stand between a thread and what that one
/// was doing.
pub(crate) fn awake<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let is_done = AtomicBool::new(false);
    rayon::scope(|scope| {
        let own = rayon::current_thread_index();
        let is_done = &is_done;
        for _ in 1..rayon::current_num_threads().min(AWAKE) {
            scope.spawn(move |_| {
                // One that nobody has taken is left to the thread that does the work.
                if rayon::current_thread_index() != own {
                    look_for_work(is_done);
                }
            });
        }
        let _done = SetAtEnd(is_done);
        work()
    })
}

fn look_for_work(is_done: &AtomicBool) {
    let mut idle_since = None;
    while !is_done.load(Ordering::Relaxed) {
        if rayon::yield_now() == Some(Yield::Executed) {
            idle_since = None;
            continue;
        }
        if idle_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            break;
        }
        // Not given to another process: that would have it for milliseconds.
        std::hint::spin_loop();
    }
}

/// Says that work is done, after a panic too.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn works_that_run_side_by_side_in_one_pool_all_end() {
        let threads = Threads::new(NonZeroUsize::new(3).unwrap()).unwrap();
        let sum = || (0..64u64).into_par_iter().map(|n| n * n).sum::<u64>();
        std::thread::scope(|scope| {
            let work = || (0..200).map(|_| threads.run(sum)).sum::<u64>();
            let others: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            for other in others {
                assert_eq!(other.join().unwrap(), 200 * 85_344);
            }
        });
        // From within the pool, and within such work.
        assert_eq!(threads.run(|| threads.run(|| awake(sum))), 85_344);
    }

    #[test]
    fn a_panic_of_the_work_reaches_the_caller_and_the_pool_goes_on() {
        let threads = Threads::new(NonZeroUsize::new(2).unwrap()).unwrap();
        let work = || threads.run(|| assert_eq!(rayon::current_num_threads(), 3, "of this pool"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(threads.run(|| 7), 7);
    }
}
