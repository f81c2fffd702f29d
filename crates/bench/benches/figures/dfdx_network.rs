//! The same network in dfdx's own operations alone: matrix product, broadcast sum, ReLU, cross entropy, tape and gradients.
//!
//! On tensors whose sizes are known at run time only, so that one instantiation serves every list of widths; what dfdx's
//! `Linear`, `ReLU`, `cross_entropy_with_logits_loss` and `Sgd` do is the same, operation for operation.

use dfdx::losses::cross_entropy_with_logits_loss;
use dfdx::prelude::*;
use strata_model::{LayerWeights, Weights};
use strata_trainer::{Batch, LoadError};

struct Layer {
    weight: Tensor<(usize, usize), f32, Cpu>,
    bias: Tensor<(usize,), f32, Cpu>,
}

type Traced = Tensor<(usize, usize), f32, Cpu, OwnedTape<f32, Cpu>>;

/// The weights after a step of plain gradient descent on each batch.
pub(crate) fn train(
    start: Weights,
    batches: impl Iterator<Item = Result<Batch, LoadError>>,
    learning_rate: f32,
) -> anyhow::Result<Weights> {
    let device = Cpu::default();
    let sizes = start.architecture.weights();
    let layer = |((inputs, outputs), weights): ((usize, usize), LayerWeights)| Layer {
        weight: device.tensor_from_vec(weights.weight, (outputs, inputs)),
        bias: device.tensor_from_vec(weights.bias, (outputs,)),
    };
    let mut layers: Vec<Layer> = sizes.zip(start.layers()).map(layer).collect();
    let classes = start.architecture.widths()[layers.len()];
    for batch in batches {
        let batch = batch.map_err(anyhow::Error::from_boxed)?;
        let samples = batch.len();
        let features = batch.features.len() / samples;
        let mut targets = vec![0.0; samples * classes];
        for (row, label) in targets.chunks_exact_mut(classes).zip(&batch.labels) {
            row[usize::from(*label)] = 1.0;
        }
        let mut x: Traced = device.tensor_from_vec(batch.features, (samples, features)).leaky_traced();
        for (place, layer) in layers.iter().enumerate() {
            x = linear(layer, x);
            if place + 1 < layers.len() {
                x = x.relu();
            }
        }
        let targets = device.tensor_from_vec(targets, (samples, classes));
        let gradients = cross_entropy_with_logits_loss(x, targets).backward();
        for layer in &mut layers {
            layer.weight = layer.weight.clone() - gradients.get(&layer.weight) * learning_rate;
            layer.bias = layer.bias.clone() - gradients.get(&layer.bias) * learning_rate;
        }
    }
    let layers = layers.iter().map(|layer| LayerWeights { weight: layer.weight.as_vec(), bias: layer.bias.as_vec() });
    Ok(Weights::from_layers(start.architecture, layers.collect())?)
}

/// dfdx's `Linear`: `x · weightᵀ`, then the bias for each sample.
fn linear(layer: &Layer, x: Traced) -> Traced {
    let product = x.matmul(layer.weight.retaped::<NoneTape>().permute::<_, Axes2<1, 0>>());
    let shape = *product.shape();
    product + layer.bias.retaped::<OwnedTape<f32, Cpu>>().broadcast_like::<_, Axis<0>>(&shape)
}
