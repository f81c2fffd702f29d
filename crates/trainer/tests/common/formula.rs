//! Samples and initial parameters by formulas, those of `crates/bench/pytorch/steps.py`.

use strata_model::Weights;
use strata_trainer::Batch;

pub const SAMPLES: usize = 55;
pub const FEATURES: usize = 7;
pub const CLASSES: usize = 3;
pub const BATCH: usize = 11;

/// `count` samples from `first` on.
pub fn batch(first: usize, count: usize) -> Batch {
    let samples = first..SAMPLES.min(first + count);
    let label = |i: usize| (i * 5 + i / 7) % CLASSES;
    let value = |i: usize, j: usize| {
        let noise = ((i * 37 + j * 11 + i * j) % 23) as f64 / 11.5 - 1.0;
        (noise + if j == label(i) { 1.5 } else { 0.0 }) as f32
    };
    Batch {
        indices: samples.clone().map(|i| i as u32).collect(),
        features: samples.clone().flat_map(|i| (0..FEATURES).map(move |j| value(i, j))).collect(),
        labels: samples.map(|i| label(i) as u8).collect(),
        mix: None,
    }
}

/// The formula's values for each dense layer's tensors; normalisations begin as they do.
pub fn weights(mut weights: Weights) -> Weights {
    let dense = weights.tensors.iter_mut().filter(|tensor| tensor.name.starts_with("layer"));
    for (number, tensor) in dense.enumerate() {
        for (k, value) in tensor.values.iter_mut().enumerate() {
            *value = ((((k * 29 + number * 13) % 31) as f64 / 31.0 - 0.5) * 0.8) as f32;
        }
    }
    for tensor in weights.tensors.iter_mut().filter(|tensor| tensor.name.starts_with("norm")) {
        let is_one = tensor.name.ends_with("weight") || tensor.name.ends_with("running_var");
        tensor.values.fill(if is_one { 1.0 } else { 0.0 });
    }
    weights
}
