//! Dense products whose sums are written where they belong, row by row: nothing is left to be transposed or gathered.

use std::ops::Range;

use super::split;
use crate::block::{Block, Then};
use crate::geometry::{KC, panels_per_block};
use crate::lanes::{LANES, Lane};
use crate::parallel::each_task;
use crate::prefetch::Prefetch;
use crate::vectors::vectors;

/// Values of a packed matrix that caches still hold when every task has read it.
const LARGEST: usize = 1 << 20;

/// Whether `columns` are whole lanes and the matrix of `depth` by `columns`, packed as a whole, is small.
pub(super) fn fits(depth: usize, columns: usize) -> bool {
    columns.is_multiple_of(LANES) && depth.saturating_mul(columns) <= LARGEST
}

/// `out[r, c] = Σ_k rows[r, k] · panels[c, k] + bias[c]`: `rows` is `[_, depth]`, `panels` as [`pack`](crate::pack) makes blocks of them, `out`
/// `[_, columns]` with whole lanes of columns, `bias` `[columns]`, or empty for none. Each task computes its range of rows.
pub(super) fn rows_times_panels(
    tasks: &[Range<usize>],
    rows: &[f32],
    depth: usize,
    panels: &[Lane],
    bias: &[f32],
    out: &mut [f32],
) {
    let count = panels.len() / depth;
    let (bias, _) = bias.as_chunks();
    let (out, _) = out.as_chunks_mut();
    let group = panels_per_block(depth);
    let vectors = vectors();
    each_task(tasks, split(out, tasks, count), &|task, out| {
        for first in (0..count).step_by(group) {
            let panels_here = group.min(count - first);
            for k in (0..depth).step_by(KC) {
                let block_depth = KC.min(depth - k);
                let bias = if k + block_depth == depth { bias } else { &[] };
                let block = Block {
                    rows,
                    row_length: depth,
                    first_row: task.start,
                    first_k: k,
                    depth: block_depth,
                    panels: &panels[k * count + first * block_depth..][..panels_here * block_depth],
                    sums: &mut out[first..],
                    sums_length: count,
                    then: Then { is_first: k == 0, bias: bias.get(first..).unwrap_or_default() },
                    prefetch: Prefetch::NONE,
                };
                block.compute(vectors);
            }
        }
    });
}
