//! The coefficients of images: two small products of matrices for each channel, in the tiles of the large ones.

use super::cosines::Cosines;
use crate::block::chains;
use crate::dispatch::Kernel;
use crate::geometry::TILE_ROWS;
use crate::lanes::{LANES, Lane, Lanes};

/// Some images on one thread.
pub(super) struct Forward<'a> {
    pub(super) cosines: &'a Cosines,
    pub(super) images: &'a [u8],
    pub(super) coefficients: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let Cosines { height, width, rows, panels: [evens, odds], ref vertical, ref even, ref odd, ref places } =
            *self.cosines;
        let (depth, pieces) = (height.div_ceil(2), width.div_ceil(LANES));
        let (middle, both) = (width.div_ceil(2), width / 2);
        // One buffer, since a thread keeps few.
        let in_lanes = |values: usize| values.div_ceil(LANES);
        let lengths = [pieces * depth, pieces, rows * pieces, in_lanes(rows * middle), in_lanes(rows * both)];
        let [of_fold, of_row, of_lines, of_added, of_taken] = lengths;
        let mut scratch =
            Lanes::scratch(2 * of_fold + 2 * of_row + of_lines + of_added + of_taken + rows * (evens + odds));
        let (folded, rest) = scratch.split_at_mut(2 * of_fold);
        let (row, rest) = rest.split_at_mut(2 * of_row);
        let (lines, rest) = rest.split_at_mut(of_lines);
        let (added, rest) = rest.split_at_mut(of_added);
        let (taken, sums) = rest.split_at_mut(of_taken);
        let (added, taken) =
            (&mut added.as_flattened_mut()[..rows * middle], &mut taken.as_flattened_mut()[..rows * both]);
        row.fill([0.0; LANES]);
        for (plane, out) in
            self.images.chunks_exact(height * width).zip(self.coefficients.chunks_exact_mut(places.len()))
        {
            fold_rows(plane, width, row, folded);
            for (parity, (vertical, folded)) in vertical.iter().zip(folded.chunks_exact(of_fold)).enumerate() {
                multiply(vertical, depth, folded, |row, piece, lane| {
                    lines[(2 * row + parity) * pieces + piece] = lane;
                });
            }
            for (line, u) in lines.chunks_exact(pieces).zip(0..) {
                let line = &line.as_flattened()[..width];
                fold_line(line, &mut added[u * middle..][..middle], &mut taken[u * both..][..both]);
            }
            multiply(added, middle, even, |row, panel, lane| sums[row * (evens + odds) + panel] = lane);
            multiply(taken, both, odd, |row, panel, lane| sums[row * (evens + odds) + evens + panel] = lane);
            gather(sums.as_flattened(), places, out);
        }
    }
}

/// Sums of the rows that lie opposite each other, then their differences, `[2, ⌈W / 16⌉, ⌈H / 2⌉]` lanes; a middle row counts once, and has no difference. `row` has
/// room for a row of each, `[2, ⌈W / 16⌉]` lanes, with zeros beyond the width.
#[inline(always)]
fn fold_rows(plane: &[u8], width: usize, row: &mut [Lane], folded: &mut [Lane]) {
    let height = plane.len() / width;
    let (depth, pieces) = (height.div_ceil(2), width.div_ceil(LANES));
    for y in 0..depth {
        let (upper, lower) = (&plane[y * width..][..width], &plane[(height - 1 - y) * width..][..width]);
        let is_middle = 2 * y + 1 == height;
        let (sums, differences) = row.as_flattened_mut().split_at_mut(pieces * LANES);
        let (sums, differences) = (&mut sums[..width], &mut differences[..width]);
        for x in 0..width {
            let (a, b) = (f32::from(upper[x]), if is_middle { 0.0 } else { f32::from(lower[x]) });
            sums[x] = a + b;
            differences[x] = if is_middle { 0.0 } else { a - b };
        }
        // Loops over whole rows are what the compiler turns into vectors; lanes of bytes it takes apart.
        for (piece, lane) in row.iter().enumerate() {
            folded[piece * depth + y] = *lane;
        }
    }
}

/// Sums of the values that lie opposite each other, and their differences; a middle one counts once, and has no difference.
#[inline(always)]
fn fold_line(line: &[f32], added: &mut [f32], taken: &mut [f32]) {
    let (both, middle) = (taken.len(), added.len());
    let (left, right) = (&line[..both], &line[middle..]);
    let mut at = 0;
    while at + HALF <= both {
        let (left, right) = (&left[at..][..HALF], &right[both - HALF - at..][..HALF]);
        let (added, taken) = (&mut added[at..][..HALF], &mut taken[at..][..HALF]);
        for lane in 0..HALF {
            added[lane] = left[lane] + right[HALF - 1 - lane];
            taken[lane] = left[lane] - right[HALF - 1 - lane];
        }
        at += HALF;
    }
    for at in at..both {
        (added[at], taken[at]) = (left[at] + right[both - 1 - at], left[at] - right[both - 1 - at]);
    }
    if both < middle {
        added[both] = line[both];
    }
}

/// The sums that are kept. Not inlined: among all the rest there are no registers left for it.
#[inline(never)]
fn gather(sums: &[f32], places: &[u32], out: &mut [f32]) {
    for (out, place) in out.iter_mut().zip(places) {
        *out = sums[*place as usize];
    }
}

/// Values that are turned about together.
const HALF: usize = 8;

/// Gives `put` the lanes of `rows · panels`, `[rows, depth]` times `[panels, depth]` lanes, each with its row and panel.
#[inline(always)]
fn multiply(rows: &[f32], depth: usize, panels: &[Lane], mut put: impl FnMut(usize, usize, Lane)) {
    if panels.is_empty() {
        return;
    }
    let count = rows.len() / depth;
    for (p, panel) in panels.chunks_exact(depth).enumerate() {
        let mut r = 0;
        while r < count {
            let rows = &rows[r * depth..];
            let mut put = |row, lane| put(r + row, p, lane);
            r += match count - r {
                TILE_ROWS.. => tile::<TILE_ROWS>(rows, panel, &mut put),
                5 => tile::<5>(rows, panel, &mut put),
                4 => tile::<4>(rows, panel, &mut put),
                3 => tile::<3>(rows, panel, &mut put),
                2 => tile::<2>(rows, panel, &mut put),
                _ => tile::<1>(rows, panel, &mut put),
            };
        }
    }
}

/// The first `R` rows times a panel; says how many those were.
#[inline(always)]
fn tile<const R: usize>(rows: &[f32], panel: &[Lane], put: &mut impl FnMut(usize, Lane)) -> usize {
    let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[r * panel.len()..][..panel.len()]);
    for (r, [lane]) in chains(rows, [panel]).into_iter().enumerate() {
        put(r, lane);
    }
    R
}
