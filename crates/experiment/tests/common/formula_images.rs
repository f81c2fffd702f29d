//! Images from a formula, the same in crates/bench/pytorch/notebook.py.

use strata_dataset::{DatasetError, ImageShape, Images};

/// Image i, value j: byte (i·7919 + j·104729 + i·j·31) mod 256; label 7 i mod 10.
pub(crate) fn formula_images(count: usize) -> Result<Images, DatasetError> {
    let byte = |i: usize, j: usize| ((i * 7919 + j * 104_729 + i * j * 31) % 256) as u8;
    let pixels = (0..count).flat_map(|i| (0..3072).map(move |j| byte(i, j))).collect();
    let labels = (0..count).map(|i| (i * 7 % 10) as u8).collect();
    Images::new(ImageShape::CIFAR, pixels, labels, 10)
}
