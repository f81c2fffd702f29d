//! Operands for the tests.
#![allow(dead_code, reason = "each test file uses some")]

use strata_kernels::{GemmShape, reference};

/// Values that are neither small nor round, so that another order of summation shows.
pub(crate) fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

pub(crate) struct Operands {
    pub(crate) x: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) dy: Vec<f32>,
}

pub(crate) fn operands(shape: GemmShape) -> Operands {
    Operands {
        x: values(shape.batch * shape.inputs, 1),
        weight: values(shape.outputs * shape.inputs, 2),
        bias: values(shape.outputs, 3),
        dy: values(shape.batch * shape.outputs, 4),
    }
}

/// Operands without zeros, and operands half of whose values that may be sparse are; each with the length of its chains.
pub(crate) fn cases() -> impl Iterator<Item = (GemmShape, usize, Operands)> {
    let sparse = |shape: GemmShape| {
        let Operands { mut x, weight, bias, mut dy } = operands(shape);
        for values in [&mut x, &mut dy] {
            // Runs of zeros, whole rows among them, and rows without one.
            values.iter_mut().enumerate().filter(|(i, _)| i * i % 7 < 4 || i % 997 < 300).for_each(|(_, x)| *x = 0.0);
        }
        Operands { x, weight, bias, dy }
    };
    let sizes = |batch, inputs, outputs| GemmShape { batch, inputs, outputs };
    // Whole panels and blocks, and shapes that meet every edge: the last row, column, block, strip and part.
    let shapes_of_zeros =
        [sizes(64, 64, 64), sizes(128, 192, 128), sizes(130, 515, 180), sizes(97, 111, 63), sizes(300, 50, 61)];
    let dense = shapes().into_iter().map(|shape| (shape, reference::CHAIN, operands(shape)));
    dense.chain(shapes_of_zeros.into_iter().map(move |shape| (shape, reference::SPARSE_CHAIN, sparse(shape))))
}

fn shapes() -> Vec<GemmShape> {
    let mut shapes = Vec::new();
    for batch in [1, 3, 17, 128, 130] {
        for (inputs, outputs) in [(1, 1), (3, 17), (17, 3), (64, 10), (515, 31), (33, 600)] {
            shapes.push(GemmShape { batch, inputs, outputs });
        }
    }
    // Deeper than one block of each summed index, and small enough for a debug build.
    shapes.push(GemmShape { batch: 1100, inputs: 19, outputs: 101 });
    shapes.push(GemmShape { batch: 20, inputs: 1030, outputs: 1030 });
    // A batch of more panels than one group, and wide rows of more panels than one group.
    shapes.push(GemmShape { batch: 1200, inputs: 520, outputs: 7 });
    shapes.push(GemmShape { batch: 4, inputs: 1300, outputs: 9 });
    // Whole lanes of outputs and inputs, written where they belong: one block and two, more panels than a group, one row and several tasks of rows.
    for (batch, inputs, outputs) in [(70, 48, 32), (130, 288, 336), (97, 320, 304), (1, 16, 16)] {
        shapes.push(GemmShape { batch, inputs, outputs });
    }
    shapes
}

/// Runs `work` in a pool of so many threads.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
