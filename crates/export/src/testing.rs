//! Models and runs for tests.

use strata_model::{Architecture, InputTransform, NamedTensor, TrainedModel, Usage, Weights};
use strata_spec::{Activation, NetworkSpec, Precision};

/// Numbers in -1..1, always the same.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A model of the network `text` on images of `input`, whose tensors are made up.
pub(crate) fn model(text: &str, activation: Activation, input: &[usize], transform: InputTransform) -> TrainedModel {
    let network: NetworkSpec = text.parse().unwrap();
    let classes = (0..network.outputs()).map(|class| format!("class {class}")).collect();
    let architecture = Architecture::from(network);
    let tensors = architecture.tensors().into_iter().zip(1..);
    let tensors = tensors.map(|(spec, seed)| {
        let mut values = numbers(spec.shape.iter().product(), seed);
        // A variance is positive.
        if spec.name.ends_with("running_var") {
            values.iter_mut().for_each(|value| *value = value.abs() + 0.1);
        }
        // The first feature and the last change places, with their signs turned.
        if spec.name.ends_with("mirror") {
            let features = values.len();
            values.iter_mut().zip(1..).for_each(|(value, place)| *value = place as f32);
            (values[0], values[features - 1]) = (-(features as f32), -1.0);
        }
        NamedTensor { name: spec.name, shape: spec.shape, values }
    });
    let weights = Weights { tensors: tensors.collect(), architecture };
    let usage =
        Usage { activation, dropout: 0.0, input: input.to_vec(), classes, transform, precision: Precision::F32 };
    TrainedModel::new(weights, usage).unwrap()
}
