//! Buffers of vectors that lie on cache lines, used again from call to call.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::memory::zeros;

/// Values of a lane.
pub(crate) const LANES: usize = 16;

/// Neighbours that vector instructions take together: a cache line of them.
pub(crate) type Lane = [f32; LANES];

thread_local! {
    /// Buffers that nobody uses. A step asks for the same sizes as the step before, and memory from the system costs a page
    /// fault every four kilobytes.
    static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Spare buffers of a thread: more than a product has at a time.
const SPARES: usize = 6;

/// Lanes that begin where cache lines do: a lane across two of them costs two reads, and the products read little else.
pub(crate) struct Lanes {
    values: Vec<f32>,
    first: usize,
    count: usize,
}

impl Lanes {
    /// `count` lanes of whatever was in them last.
    pub(crate) fn scratch(count: usize) -> Self {
        let length = (count + 1) * LANES;
        let mut values = SPARE.with_borrow_mut(|spare| {
            // The smallest that is large enough, so that the large ones stay for those who need them.
            let fitting = (0..spare.len()).filter(|at| spare[*at].len() >= length);
            match fitting.min_by_key(|at| spare[*at].len()) {
                Some(at) => spare.swap_remove(at),
                None => Vec::new(),
            }
        });
        if values.len() < length {
            values = zeros(length);
        }
        // The allocator gives addresses of whole values at least; if it could not be told, the lanes were only slower.
        let first = values.as_ptr().align_offset(size_of::<Lane>()).min(LANES);
        Self { values, first, count }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        // At a thread's end its spares may be gone already.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            spare.push(values);
            if spare.len() > SPARES {
                let smallest = (0..spare.len()).min_by_key(|at| spare[*at].len()).unwrap_or(0);
                spare.swap_remove(smallest);
            }
        });
    }
}

impl Deref for Lanes {
    type Target = [Lane];

    fn deref(&self) -> &[Lane] {
        self.values[self.first..][..self.count * LANES].as_chunks().0
    }
}

impl DerefMut for Lanes {
    fn deref_mut(&mut self) -> &mut [Lane] {
        self.values[self.first..][..self.count * LANES].as_chunks_mut().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_aligned_to_cache_lines() {
        for count in [0, 1, 3, 1000] {
            let lanes = Lanes::scratch(count);
            assert_eq!(lanes.len(), count);
            assert_eq!(lanes.as_ptr().align_offset(64), 0);
        }
    }

    #[test]
    fn packing_buffers_are_reused() {
        let mut lanes = Lanes::scratch(1000);
        lanes[7] = [7.0; LANES];
        let address = lanes.as_ptr();
        drop(lanes);
        let lanes = Lanes::scratch(900);
        assert_eq!((lanes.as_ptr(), lanes[7]), (address, [7.0; LANES]));
        let other = Lanes::scratch(900);
        assert_ne!(other.as_ptr(), address);
    }
}
