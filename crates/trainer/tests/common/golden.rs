//! What tests against PyTorch's values share: the batches of its scripts, lists of numbers and their difference.

use dfdx::prelude::{Const, Cpu, Tensor};
use serde_json::Value;
use strata_model::{GradientStore, NetworkTensors, tensor_from_vec};

pub const INPUTS: usize = 13;
pub const CLASSES: usize = 5;

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// As `batch` of the script that made the golden values.
pub fn batch(step: usize) -> (Vec<f32>, Vec<u8>) {
    let size = [17, 9, 31, 3][step % 4];
    let value = |sample: usize, i: usize| {
        ((sample * 7919 + i * 104_729 + sample * i * 31 + step * 17) % 257) as f32 / 64.0 - 2.0
    };
    let features = (0..size).flat_map(|sample| (0..INPUTS).map(move |i| value(sample, i))).collect();
    (features, (0..size).map(|sample| ((sample * 3 + step) % CLASSES) as u8).collect())
}

pub fn input(step: usize) -> (Tensor<(usize, Const<INPUTS>), f32, Cpu>, Vec<u8>) {
    let (features, labels) = batch(step);
    (tensor_from_vec(&Cpu::default(), features, (labels.len(), Const::<INPUTS>)).unwrap(), labels)
}

/// The largest difference of two lists, as a share of the largest of `expected` or of `least`.
#[track_caller]
pub fn difference(found: &[f32], expected: &[f64], least: f64) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(least, |scale, value| scale.max(value.abs()));
    found.iter().zip(expected).fold(0.0, |most, (a, b)| (f64::from(*a) - b).abs().max(most)) / scale
}

/// Every parameter's gradient, by name, in the order of the walk.
pub fn gradients(network: &mut dyn NetworkTensors<Cpu>, store: &mut GradientStore) -> Vec<(String, Vec<f32>)> {
    let mut gradients = Vec::new();
    store
        .update(network, |parameter| {
            gradients.push((parameter.name.to_owned(), parameter.gradient.into_whole().into_owned()))
        })
        .unwrap();
    gradients
}

/// Holds gradients against PyTorch's. A bias in front of a batch normalisation, with nothing but sums between, has no gradient but rounding: those of `idle` are held
/// against the whole gradient's norm.
#[track_caller]
pub fn assert_gradients(found: &[(String, Vec<f32>)], expected: &Value, idle: &[&str], norm: f64) {
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for ((name, found), expected) in found.iter().zip(expected) {
        let least = if idle.contains(&&**name) { norm } else { 0.0 };
        let difference = difference(found, &numbers(expected), least);
        assert!(difference < 1e-5, "{name}: {difference:.1e}");
    }
}
