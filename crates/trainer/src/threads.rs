//! Worker threads that are given to whatever computes.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

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

    /// Does `work` on them and waits for it.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }
}
