//! Large buffers, and what becomes of a computation for whose buffers there is no memory.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// A buffer of so many values or more is written by all threads.
const PARALLEL: usize = 1 << 16;

/// Values that are copied as one.
const LINE: usize = 64;

/// There was no memory for a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory for {bytes} bytes more")]
pub struct OutOfMemory {
    /// The buffer's size.
    pub bytes: usize,
}

/// Calls of [`catch_out_of_memory`] that are under way. One number for all threads: a product asks for buffers on those of its pool too.
static CATCHING: AtomicUsize = AtomicUsize::new(0);

/// Does `work`, which ends early where there is no memory for a buffer that it asks this module for, as every product of this crate does.
/// A process's usual answer to that is to abort.
///
/// What `work` was changing may then be changed in part. Any other panic goes on.
///
/// ```
/// use strata_kernels::{OutOfMemory, catch_out_of_memory, zeros};
///
/// assert_eq!(catch_out_of_memory(|| zeros(3)), Ok(vec![0.0; 3]));
/// let bytes = usize::MAX / 8 * 4;
/// assert_eq!(catch_out_of_memory(|| zeros(usize::MAX / 8)), Err(OutOfMemory { bytes }));
/// ```
///
/// # Errors
/// [`OutOfMemory`] with the buffer's size.
pub fn catch_out_of_memory<T>(work: impl FnOnce() -> T) -> Result<T, OutOfMemory> {
    CATCHING.fetch_add(1, Ordering::SeqCst);
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.fetch_sub(1, Ordering::SeqCst);
    done.map_err(|panic| match panic.downcast::<OutOfMemory>() {
        Ok(error) => *error,
        Err(panic) => resume_unwind(panic),
    })
}

/// A buffer of `count` zeros.
///
/// # Panics
/// Where there is no memory for it; within [`catch_out_of_memory`], that ends with the error.
pub fn zeros(count: usize) -> Vec<f32> {
    if count < PARALLEL {
        return filled(count, 0.0);
    }
    // Of an error the size that was asked for.
    drop(with_room::<f32>(count));
    let mut buffer = with_room(count.div_ceil(LINE));
    let lines = rayon::iter::repeat_n([0.0; LINE], count / LINE);
    lines.with_min_len(PARALLEL / LINE / 4).collect_into_vec(&mut buffer);
    let mut buffer = buffer.into_flattened();
    buffer.resize(count, 0.0);
    buffer
}

/// Buffers that nobody uses, and how many of them are kept, of so many values at most: those between the layers of a step, which the next step asks for again.
static SPARE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
const SPARES: usize = 12;
const LARGEST: usize = 1 << 22;

/// A buffer of `count` values, whatever they are: for what is written as a whole before it is read. Memory that was cleared for it would be cleared for nothing.
///
/// # Panics
/// As [`zeros`].
pub fn scratch(count: usize) -> Vec<f32> {
    let spare = (PARALLEL / 16..=LARGEST).contains(&count).then(|| {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        // Not one that is much larger, which somebody else will ask for.
        let fitting = (0..spare.len()).filter(|at| (count..=count + count / 4).contains(&spare[*at].len()));
        fitting.min_by_key(|at| spare[*at].len()).map(|at| spare.swap_remove(at))
    });
    match spare.flatten() {
        Some(mut buffer) => {
            buffer.truncate(count);
            buffer
        }
        None => zeros(count),
    }
}

/// Keeps a buffer for the next [`scratch`] of its size.
pub fn recycle(buffer: Vec<f32>) {
    if (PARALLEL / 16..=LARGEST).contains(&buffer.len()) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() == SPARES {
            // The oldest, which nobody has asked for.
            drop(spare.remove(0));
        }
        spare.push(buffer);
    }
}

/// A buffer of `count` times the same.
///
/// # Panics
/// As [`zeros`].
pub(crate) fn filled<T: Copy>(count: usize, value: T) -> Vec<T> {
    let mut buffer = with_room(count);
    buffer.resize(count, value);
    buffer
}

/// A buffer with the values of `values`.
///
/// # Panics
/// As [`zeros`].
pub fn copied(values: &[f32]) -> Vec<f32> {
    if values.len() < PARALLEL {
        let mut buffer = with_room(values.len());
        buffer.extend_from_slice(values);
        return buffer;
    }
    let (lines, rest) = values.as_chunks::<LINE>();
    let mut buffer = with_room(lines.len() + 1);
    lines.par_iter().copied().with_min_len(PARALLEL / LINE / 4).collect_into_vec(&mut buffer);
    let mut buffer = buffer.into_flattened();
    buffer.extend_from_slice(rest);
    buffer
}

/// An empty buffer with room for `count` values.
///
/// # Panics
/// As [`zeros`].
pub fn with_room<T>(count: usize) -> Vec<T> {
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(count).is_err() {
        give_up(OutOfMemory { bytes: count.saturating_mul(size_of::<T>()) });
    }
    buffer
}

#[allow(clippy::panic, reason = "nobody catches it; the process would abort otherwise")]
fn give_up(error: OutOfMemory) -> ! {
    if CATCHING.load(Ordering::SeqCst) > 0 {
        // Without a word: whoever catches it tells it.
        resume_unwind(Box::new(error));
    }
    panic!("{error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOO_MANY: usize = usize::MAX / 16;

    #[test]
    fn a_buffer_that_no_machine_has_is_an_error_with_its_size() {
        let error = OutOfMemory { bytes: TOO_MANY * 4 };
        assert_eq!(catch_out_of_memory(|| zeros(TOO_MANY)), Err(error));
        assert_eq!(catch_out_of_memory(|| with_room::<u64>(TOO_MANY).len()), Err(OutOfMemory { bytes: TOO_MANY * 8 }));
        assert_eq!(catch_out_of_memory(|| copied(&[1.0, 2.0])), Ok(vec![1.0, 2.0]));
        assert_eq!(error.to_string(), format!("there is no memory for {} bytes more", TOO_MANY * 4));
    }

    #[test]
    fn an_error_within_the_threads_of_a_pool_reaches_the_caller() {
        let work = || (0..64).into_par_iter().map(|n| zeros(if n == 41 { TOO_MANY } else { n }).len()).sum();
        assert_eq!(catch_out_of_memory::<usize>(work), Err(OutOfMemory { bytes: TOO_MANY * 4 }));
    }

    #[test]
    fn a_copy_is_whole_whether_one_thread_makes_it_or_all() {
        for count in [0, 1, LINE, PARALLEL - 1, PARALLEL, PARALLEL + 1, 3 * PARALLEL + LINE - 1] {
            let values: Vec<f32> = (0..count).map(|i| i as f32).collect();
            assert_eq!(copied(&values), values);
        }
    }

    #[test]
    fn a_buffer_that_was_recycled_is_the_next_of_its_size() {
        let count = LARGEST - 17;
        let mut buffer = vec![7.0; count];
        let address = buffer.as_ptr();
        recycle(std::mem::take(&mut buffer));
        assert!(scratch(count / 2).iter().all(|value| *value == 0.0));
        let again = scratch(count - 1);
        assert_eq!((again.as_ptr(), again.len(), again[3]), (address, count - 1, 7.0));
        assert!(scratch(count).iter().all(|value| *value == 0.0));
    }

    #[test]
    fn any_other_panic_goes_on() {
        let caught = catch_unwind(|| catch_out_of_memory(|| panic!("another")));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"another"));
    }
}
