//! Buffers of vectors that lie on cache lines, used again from call to call.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::memory::filled;

/// Values of a lane.
pub(crate) const LANES: usize = 16;

/// Neighbours that vector instructions take together: a cache line of them.
pub(crate) type Lane = [f32; LANES];

/// Values that lanes are of: each type has buffers that nobody uses. A step asks for the same sizes as the step before, and memory from the system costs a page
/// fault every four kilobytes.
pub(crate) trait Value: Copy + Default + 'static {
    /// Those of the thread; none at its end, when they may be gone already.
    fn with_spare<R>(use_spare: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> Option<R>;
}

macro_rules! spare {
    ($value:ty, $name:ident) => {
        thread_local! {
            static $name: RefCell<Vec<Vec<$value>>> = const { RefCell::new(Vec::new()) };
        }

        impl Value for $value {
            fn with_spare<R>(use_spare: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> Option<R> {
                $name.try_with(|spare| use_spare(&mut spare.borrow_mut())).ok()
            }
        }
    };
}

spare!(f32, SPARE);
// Pairs of bfloat16.
spare!(u32, SPARE_PAIRS);

/// Spare buffers of a thread: more than a product has at a time.
const SPARES: usize = 6;

/// Lanes that begin where cache lines do: a lane across two of them costs two reads, and the products read little else.
pub(crate) struct Lanes<T: Value = f32> {
    values: Vec<T>,
    first: usize,
    count: usize,
}

impl<T: Value> Lanes<T> {
    /// `count` lanes of whatever was in them last.
    pub(crate) fn scratch(count: usize) -> Self {
        let length = (count + 1) * LANES;
        let spare = T::with_spare(|spare| {
            // The smallest that is large enough, so that the large ones stay for those who need them.
            let fitting = (0..spare.len()).filter(|at| spare[*at].len() >= length);
            fitting.min_by_key(|at| spare[*at].len()).map(|at| spare.swap_remove(at))
        });
        let values = spare.flatten().unwrap_or_else(|| filled(length, T::default()));
        // The allocator gives addresses of whole values at least; if it could not be told, the lanes were only slower.
        let first = values.as_ptr().align_offset(size_of::<Lane>()).min(LANES);
        Self { values, first, count }
    }
}

impl<T: Value> std::fmt::Debug for Lanes<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<T: Value> Drop for Lanes<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        T::with_spare(|spare| {
            spare.push(values);
            if spare.len() > SPARES {
                let smallest = (0..spare.len()).min_by_key(|at| spare[*at].len()).unwrap_or(0);
                spare.swap_remove(smallest);
            }
        });
    }
}

impl<T: Value> Deref for Lanes<T> {
    type Target = [[T; LANES]];

    fn deref(&self) -> &[[T; LANES]] {
        self.values[self.first..][..self.count * LANES].as_chunks().0
    }
}

impl<T: Value> DerefMut for Lanes<T> {
    fn deref_mut(&mut self) -> &mut [[T; LANES]] {
        self.values[self.first..][..self.count * LANES].as_chunks_mut().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_aligned_to_cache_lines() {
        for count in [0, 1, 3, 1000] {
            let lanes = Lanes::<f32>::scratch(count);
            assert_eq!(lanes.len(), count);
            assert_eq!(lanes.as_ptr().align_offset(64), 0);
        }
    }

    #[test]
    fn packing_buffers_are_reused() {
        let mut lanes = Lanes::<f32>::scratch(1000);
        lanes[7] = [7.0; LANES];
        let address = lanes.as_ptr();
        drop(lanes);
        let lanes = Lanes::<f32>::scratch(900);
        assert_eq!((lanes.as_ptr(), lanes[7]), (address, [7.0; LANES]));
        let other = Lanes::<f32>::scratch(900);
        assert_ne!(other.as_ptr(), address);
    }
}
