//! Work shared among threads. It is told as `dyn`, a call for each piece: rayon's plumbing is compiled once for each kind of pieces and not once for each closure,
//! which was two fifths of this crate.

use std::ops::Range;

use rayon::prelude::*;

/// `work(n, chunk)` for each `size` elements of `values`.
pub(crate) fn each_chunk<T: Send>(values: &mut [T], size: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    values.par_chunks_mut(size).enumerate().for_each(|(at, chunk)| work(at, chunk));
}

/// `work(chunk of from, chunk of to)` for each so many elements of both, at least `together` of these pairs on a thread.
pub(crate) fn each_pair<A: Sync, B: Send>(
    (from, from_size): (&[A], usize),
    (to, to_size): (&mut [B], usize),
    together: usize,
    work: &(dyn Fn(&[A], &mut [B]) + Sync),
) {
    let pairs = to.par_chunks_mut(to_size).zip(from.par_chunks(from_size));
    pairs.with_min_len(together).for_each(|(to, from)| work(from, to));
}

/// `work(rows, piece)` for each task's rows and the piece that is its own.
pub(crate) fn each_task<T: Send>(tasks: &[Range<usize>], pieces: Vec<T>, work: &(dyn Fn(&Range<usize>, T) + Sync)) {
    tasks.par_iter().zip(pieces).for_each(|(rows, piece)| work(rows, piece));
}
