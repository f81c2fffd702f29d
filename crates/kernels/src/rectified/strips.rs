//! Activations by strips of neighbouring features.

use crate::dispatch::Kernel;
use crate::geometry::NC;
use crate::lanes::{LANES, Lanes};

/// The features of a strip.
pub(super) const WIDTH: usize = NC;

/// A sample's values of a strip's features.
pub(super) type StripRow = [f32; WIDTH];

/// `[rows, features]` in strips of [`WIDTH`] neighbouring features, the last filled up with whatever: a strip's rows follow each other, so what is worked out down its columns goes
/// over one piece of memory, which a cache can hold. (Rows of 512 values lie 2 KiB apart, of which a cache of eight ways keeps 256.)
pub(super) struct Strips {
    lanes: Lanes,
    rows: usize,
    features: usize,
}

impl Strips {
    /// Strips of whatever.
    pub(super) fn scratch(rows: usize, features: usize) -> Self {
        let count = features.div_ceil(WIDTH);
        Self { lanes: Lanes::scratch(count * rows * WIDTH / LANES), rows, features }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// The strips, one after the other.
    pub(super) fn all(&self) -> std::slice::ChunksExact<'_, StripRow> {
        self.lanes.as_flattened().as_chunks().0.chunks_exact(self.rows)
    }

    /// The strips, to be written.
    pub(super) fn all_mut(&mut self) -> std::slice::ChunksExactMut<'_, StripRow> {
        self.lanes.as_flattened_mut().as_chunks_mut().0.chunks_exact_mut(self.rows)
    }

    /// Those values of all strips that are `row`'s.
    #[inline(always)]
    pub(super) fn of_row(&self, row: usize) -> impl Iterator<Item = &StripRow> {
        self.lanes.as_flattened().as_chunks().0[row..].iter().step_by(self.rows)
    }
}

/// `factor (a + b)` and `factor (a - b)` in place of a and b.
pub(super) struct SumsAndDifferences<'a> {
    pub(super) a: &'a mut [StripRow],
    pub(super) b: &'a mut [StripRow],
    pub(super) factor: f32,
}

impl Kernel for SumsAndDifferences<'_> {
    #[inline(always)]
    fn run(self) {
        for (a, b) in self.a.iter_mut().zip(self.b) {
            for c in 0..WIDTH {
                let (first, second) = (a[c], b[c]);
                a[c] = self.factor * (first + second);
                b[c] = self.factor * (first - second);
            }
        }
    }
}
