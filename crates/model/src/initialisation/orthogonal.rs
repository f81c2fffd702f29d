//! Orthogonal matrices by Gram and Schmidt's process, in blocks.

use strata_kernels::{GemmShape, affine, input_gradient};

/// Vectors that are made orthogonal to all earlier ones at a time, by two matrix products.
const BLOCK: usize = 32;

/// Replaces `matrix` (`[rows, columns]`) by the orthogonal factor of its QR factorisation, the one whose triangular factor has a positive diagonal:
/// columns, or rows where they are fewer, of length 1 at right angles to each other, as `torch.nn.init.orthogonal_` has them. The same bits with
/// any number of threads.
pub(super) fn orthogonal(matrix: &mut [f32], rows: usize, columns: usize) {
    // Of as many rows as columns both are possible, and are two matrices.
    if rows < columns {
        return orthogonal_rows(matrix, rows, columns);
    }
    let mut transposed = transpose(matrix, rows, columns);
    orthogonal_rows(&mut transposed, columns, rows);
    matrix.copy_from_slice(&transpose(&transposed, columns, rows));
}

fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
}

/// `count` vectors of `length`, no more of them than their length.
fn orthogonal_rows(vectors: &mut [f32], count: usize, length: usize) {
    for first in (0..count).step_by(BLOCK) {
        let (done, rest) = vectors.split_at_mut(first * length);
        let block = &mut rest[..BLOCK.min(count - first) * length];
        // Twice: once leaves what rounding made of a large part that was taken away.
        for _ in 0..2 {
            project_out(done, block, length);
            for one in 0..block.len() / length {
                let (before, vector) = block.split_at_mut(one * length);
                let vector = &mut vector[..length];
                for other in before.chunks_exact(length) {
                    let share = dot(vector, other);
                    vector
                        .iter_mut()
                        .zip(other)
                        .for_each(|(value, other)| *value = (f64::from(*value) - share * f64::from(*other)) as f32);
                }
                let scale = 1.0 / dot(vector, vector).sqrt();
                vector.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
            }
        }
    }
}

/// Takes from each vector of `block` its parts along the vectors of `done`.
fn project_out(done: &[f32], block: &mut [f32], length: usize) {
    let (earlier, batch) = (done.len() / length, block.len() / length);
    if earlier == 0 {
        return;
    }
    let shape = GemmShape { batch, inputs: length, outputs: earlier };
    let (mut shares, mut parts) = (vec![0.0; batch * earlier], vec![0.0; block.len()]);
    affine(shape, block, done, &vec![0.0; earlier], &mut shares);
    input_gradient(shape, &shares, done, &mut parts);
    block.iter_mut().zip(&parts).for_each(|(value, part)| *value -= part);
}

/// In double precision, in one order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
