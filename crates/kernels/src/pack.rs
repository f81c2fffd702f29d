//! Copies of matrices in the order in which the products read them.

use crate::dispatch::{Kernel, dispatch};
use crate::geometry::{KC, NC, WideLane};
use crate::lanes::{LANES, Lane, Lanes};
use crate::parallel::{each_chunk, each_task};

/// The columns of `matrix` (`[rows, columns]`, row-major) from `first` as panels over the rows: lane `k` of a panel holds
/// sixteen neighbours of row `first_row + k`. Columns past the end are zero.
pub(crate) fn columns(
    matrix: &[f32],
    columns: usize,
    first_row: usize,
    first: usize,
    panels: &mut [Lane],
    depth: usize,
) {
    dispatch(Columns { matrix: &matrix[first_row * columns..], columns, first, panels, depth });
}

/// See [`columns`].
struct Columns<'a> {
    matrix: &'a [f32],
    columns: usize,
    first: usize,
    panels: &'a mut [Lane],
    depth: usize,
}

impl Kernel for Columns<'_> {
    /// Row by row: what lies side by side is read together, for rows that lie a power of two apart push each other out of the first-level cache.
    #[inline(always)]
    fn run(self) {
        let Self { matrix, columns, first, panels, depth } = self;
        let count = panels.len() / depth;
        let width = (count * LANES).min(columns - first);
        for (k, row) in matrix.chunks_exact(columns).take(depth).enumerate() {
            let (whole, rest) = row[first..][..width].as_chunks::<LANES>();
            for (p, lane) in whole.iter().enumerate() {
                panels[p * depth + k] = *lane;
            }
            if !rest.is_empty() {
                let lane = &mut panels[whole.len() * depth + k];
                *lane = [0.0; LANES];
                lane[..rest.len()].copy_from_slice(rest);
            }
        }
    }
}

/// Panels of a task that packs some.
const PANELS_OF_A_TASK: usize = 4;

/// Writes some neighbouring panels of a block: the first panel, the block's first lane, its lanes, where the panels' lanes go.
type PackPanels<'a> = dyn Fn(usize, usize, usize, &mut [Lane]) + Sync + 'a;

/// `panels` panels, `length` lanes each, in blocks of [`KC`] lanes that follow each other; within a block, panels follow each other.
fn blocks(panels: usize, length: usize, pack: &PackPanels<'_>) -> Lanes {
    let mut lanes = Lanes::scratch(panels * length);
    let mut rest = &mut *lanes;
    let (mut tasks, mut pieces) = (Vec::new(), Vec::new());
    for k in (0..length).step_by(KC) {
        let depth = KC.min(length - k);
        for first in (0..panels).step_by(PANELS_OF_A_TASK) {
            let count = PANELS_OF_A_TASK.min(panels - first);
            if let Some(piece) = rest.split_off_mut(..count * depth) {
                tasks.push(first..first + count);
                pieces.push((k, depth, piece));
            }
        }
    }
    each_task(&tasks, pieces, &|panels, (k, depth, piece)| pack(panels.start, k, depth, piece));
    lanes
}

/// `matrix` (`[rows, columns]`) as panels over the rows: lane `k` of panel `p` holds columns `16 p` and the fifteen after of row `k`. In blocks as [`blocks`]
/// has them.
pub(crate) fn column_blocks(matrix: &[f32], rows: usize, columns: usize) -> Lanes {
    blocks(columns.div_ceil(LANES), rows, &|first, k, depth, panels| {
        self::columns(matrix, columns, k, first * LANES, panels, depth);
    })
}

/// `matrix` (`[rows, columns]`) as panels over the columns: lane `k` of panel `p` holds column `k` of rows `16 p` and the fifteen after. In blocks as
/// [`blocks`] has them.
pub(crate) fn transposed_blocks(matrix: &[f32], rows: usize, columns: usize) -> Lanes {
    blocks(rows.div_ceil(LANES), columns, &|first, k, depth, panels| {
        transposed_panels(matrix, (rows, columns), (first, k), depth, panels);
    })
}

/// Panels of `matrix` (`[rows, columns]`) from the first on, over `depth` columns from column `k` on: lane `k` of panel `p` holds column `k` of rows `16 p` and the fifteen after, zeros behind the last.
pub(crate) fn transposed_panels(
    matrix: &[f32],
    (rows, columns): (usize, usize),
    (first, k): (usize, usize),
    depth: usize,
    panels: &mut [Lane],
) {
    for (p, panel) in (first..).zip(panels.chunks_exact_mut(depth)) {
        let height = LANES.min(rows.saturating_sub(p * LANES));
        if height < LANES {
            panel.fill([0.0; LANES]);
        }
        if height > 0 {
            let matrix = &matrix[p * LANES * columns + k..];
            let out = panel.as_flattened_mut();
            dispatch(Transpose {
                matrix,
                row_length: columns,
                rows: height,
                columns: depth,
                out,
                out_row_length: LANES,
            });
        }
    }
}

/// `matrix` (`[rows, columns]`) as `[columns, rows]`, and whatever fills the last lane.
pub(crate) fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Lanes {
    let mut lanes = Lanes::scratch(matrix.len().div_ceil(LANES));
    let out = &mut lanes.as_flattened_mut()[..matrix.len()];
    each_chunk(out, LANES * rows, &|block, out| {
        let matrix = &matrix[block * LANES..];
        let columns_here = out.len() / rows;
        dispatch(Transpose { matrix, row_length: columns, rows, columns: columns_here, out, out_row_length: rows });
    });
    lanes
}

/// The first `columns` columns of `matrix`, whose `rows` rows are `row_length` long, as the rows of `out` (`[columns, rows]`).
pub(crate) fn transpose(matrix: &[f32], (row_length, columns): (usize, usize), rows: usize, out: &mut [f32]) {
    dispatch(Transpose { matrix, row_length, rows, columns, out, out_row_length: rows });
}

/// Columns `first..first + 64` of `matrix` (`[rows, columns]`) from row `first_row` on, as wide panels over the rows: lane `k` holds the
/// neighbours of row `first_row + k`. What is past the matrix' edges is left as it is.
pub(crate) fn columns_wide(matrix: &[f32], columns: usize, first: usize, first_row: usize, panel: &mut [WideLane]) {
    let width = NC.min(columns - first);
    for (row, lane) in matrix[first_row * columns..].chunks_exact(columns).zip(panel) {
        lane.as_flattened_mut()[..width].copy_from_slice(&row[first..first + width]);
    }
}

/// Rows `first..first + 64` of `matrix` (`[rows, columns]`) from column `first_column` on, as wide panels over the columns: lane `k` holds
/// column `first_column + k` of the rows. What is past the matrix' edges is left as it is.
pub(crate) fn transposed_wide(
    matrix: &[f32],
    columns: usize,
    first: usize,
    first_column: usize,
    panel: &mut [WideLane],
) {
    let rows = NC.min(matrix.len() / columns - first);
    let depth = panel.len().min(columns - first_column);
    let matrix = &matrix[first * columns + first_column..];
    let out = panel.as_flattened_mut().as_flattened_mut();
    dispatch(Transpose { matrix, row_length: columns, rows, columns: depth, out, out_row_length: NC });
}

/// `out[c, r] = matrix[r, c]` for some rows and columns of either.
struct Transpose<'a> {
    matrix: &'a [f32],
    row_length: usize,
    rows: usize,
    columns: usize,
    out: &'a mut [f32],
    out_row_length: usize,
}

/// Rows that are transposed together, a cache line of the result, and columns of a block of them.
const TOGETHER: usize = LANES;

impl Kernel for Transpose<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { matrix, row_length, rows, columns, out, out_row_length } = self;
        let (whole, whole_columns) = (rows - rows % TOGETHER, columns - columns % TOGETHER);
        for first in (0..whole).step_by(TOGETHER) {
            for c in (0..whole_columns).step_by(TOGETHER) {
                let mut pairs = [[0; TOGETHER]; TOGETHER / 2];
                for (p, pairs) in pairs.iter_mut().enumerate() {
                    let at = (first + 2 * p) * row_length + c;
                    pair_up(&matrix[at..], &matrix[at + row_length..], pairs);
                }
                // Written in one piece: the processor has more room for reads that wait than for writes.
                for k in 0..TOGETHER {
                    let out = &mut out[(c + k) * out_row_length + first..][..TOGETHER];
                    for p in 0..TOGETHER / 2 {
                        out[2 * p] = f32::from_bits(pairs[p][k] as u32);
                        out[2 * p + 1] = f32::from_bits((pairs[p][k] >> 32) as u32);
                    }
                }
            }
        }
        // What is left: columns of all rows, then rows.
        for r in 0..rows {
            let first = if r < whole { whole_columns } else { 0 };
            for (c, value) in (first..columns).zip(&matrix[r * row_length + first..]) {
                out[c * out_row_length + r] = *value;
            }
        }
    }
}

/// Values of two rows side by side, as words of 64 bits: of those half as many have to be moved one by one.
#[inline(always)]
fn pair_up(a: &[f32], b: &[f32], pairs: &mut [u64; TOGETHER]) {
    let (a, b) = (&a[..TOGETHER], &b[..TOGETHER]);
    for k in 0..TOGETHER {
        pairs[k] = u64::from(a[k].to_bits()) | u64::from(b[k].to_bits()) << 32;
    }
}
