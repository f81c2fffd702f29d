//! A network's layers as ONNX's operators.

use std::slice::Iter;

use strata_model::{EPSILON, NamedTensor};
use strata_spec::{Activation, LayerKind, LayerSpec, NetworkSpec};

use super::graph::{Attribute, Graph};

/// Adds the layers of `network`, which take `tensors` in order, behind the value `features`; gives the name of the last one's output.
///
/// # Errors
/// In words, where a layer cannot be written in ONNX's operators.
pub(super) fn network(
    graph: &mut Graph,
    network: &NetworkSpec,
    activation: Activation,
    tensors: &[NamedTensor],
    features: String,
) -> Result<String, String> {
    let mut writer = Writer { graph, tensors: tensors.iter() };
    if !network.is_chain() {
        return writer.layers(network.layers(), features);
    }
    let (mut x, last) = (features, network.layers().len() - 1);
    for (place, layer) in network.layers().iter().enumerate() {
        x = writer.layer(layer, x)?;
        if place < last {
            x = writer.activation(activation, x);
        }
    }
    Ok(x)
}

struct Writer<'a> {
    graph: &'a mut Graph,
    tensors: Iter<'a, NamedTensor>,
}

impl<'a> Writer<'a> {
    fn layers(&mut self, layers: &[LayerSpec], x: String) -> Result<String, String> {
        layers.iter().try_fold(x, |x, layer| self.layer(layer, x))
    }

    fn layer(&mut self, layer: &LayerSpec, x: String) -> Result<String, String> {
        Ok(match layer {
            LayerSpec::Dense { .. } => {
                let (weight, bias) = (self.tensor()?, self.tensor()?);
                // The weight is [outputs, inputs].
                self.graph.node("Gemm", &[&x, &weight, &bias], &[("transB", Attribute::Int(1))])
            }
            LayerSpec::Mirrored(layers) => {
                let views = self.layers(layers, x)?;
                let [a, b] = self.graph.halves(&views);
                let sum = self.graph.node("Add", &[&a, &b], &[]);
                let half = self.graph.number("half", 0.5);
                self.graph.node("Mul", &[&sum, &half], &[])
            }
            LayerSpec::MirroredInput { .. } => {
                let (weight, bias, views) = (self.tensor()?, self.tensor()?, self.views(&x)?);
                self.graph.node("Gemm", &[&views, &weight, &bias], &[("transB", Attribute::Int(1))])
            }
            LayerSpec::MirroredDense { .. } => {
                let (even, odd, bias) = (self.tensor()?, self.tensor()?, self.tensor()?);
                let [a, b] = self.graph.halves(&x);
                let half = self.graph.number("half", 0.5);
                let product = |graph: &mut Graph, operator: &str, weight: &str| {
                    let operand = graph.node(operator, &[&a, &b], &[]);
                    let product = graph.node("Gemm", &[&operand, weight], &[("transB", Attribute::Int(1))]);
                    graph.node("Mul", &[&product, &half], &[])
                };
                let graph = &mut *self.graph;
                let (even, odd) = (product(graph, "Add", &even), product(graph, "Sub", &odd));
                let views = ["Add", "Sub"].map(|operator| graph.node(operator, &[&even, &odd], &[]));
                let views = graph.node("Concat", &[&views[0], &views[1]], &[("axis", Attribute::Int(0))]);
                graph.node("Add", &[&views, &bias], &[])
            }
            LayerSpec::Activation(activation) => self.activation(*activation, x),
            LayerSpec::SameWidth { kind, argument } => self.same_width(*kind, *argument, x)?,
            LayerSpec::Skip(layers) => {
                let y = self.layers(layers, x.clone())?;
                self.graph.node("Add", &[&y, &x], &[])
            }
            LayerSpec::Module { name, .. } => return Err(format!("the module {name} is none of Strata's layers")),
        })
    }

    fn next(&mut self) -> Result<&'a NamedTensor, String> {
        Ok(self.tensors.next().ok_or("the network asks for more tensors than there are")?)
    }

    /// The next tensor, as a constant under its own name.
    fn tensor(&mut self) -> Result<String, String> {
        let tensor = self.next()?;
        Ok(self.graph.constant(&tensor.name, &tensor.shape, &tensor.values))
    }

    /// Both views of the features `x`, the images' below each other and their mirror images' behind them.
    fn views(&mut self, x: &str) -> Result<String, String> {
        let mirror = self.next()?;
        let places: Vec<i64> = mirror.values.iter().map(|place| place.abs() as i64 - 1).collect();
        let signs: Vec<f32> = mirror.values.iter().map(|place| place.signum()).collect();
        let places = self.graph.integers(&mirror.name, &places);
        let signs = self.graph.constant(&format!("{}_signs", mirror.name), &mirror.shape, &signs);
        let mirrored = self.graph.node("Gather", &[x, &places], &[("axis", Attribute::Int(1))]);
        let mirrored = self.graph.node("Mul", &[&mirrored, &signs], &[]);
        Ok(self.graph.node("Concat", &[x, &mirrored], &[("axis", Attribute::Int(0))]))
    }

    fn same_width(&mut self, kind: LayerKind, argument: f64, x: String) -> Result<String, String> {
        let epsilon = ("epsilon", Attribute::Float(EPSILON));
        let tensors = kind.tensors().iter().map(|_| self.tensor()).collect::<Result<Vec<_>, _>>()?;
        let taken: Vec<&str> = std::iter::once(&x).chain(&tensors).map(String::as_str).collect();
        let graph = &mut *self.graph;
        Ok(match kind {
            // Using a network drops nothing.
            LayerKind::Dropout => x,
            LayerKind::StochasticDepth => {
                // As many samples have the branch in training.
                let present = graph.number(&format!("present_{argument}"), 1.0 - argument as f32);
                graph.node("Mul", &[&x, &present], &[])
            }
            LayerKind::LayerNorm => graph.node("LayerNormalization", &taken, &[("axis", Attribute::Int(-1)), epsilon]),
            LayerKind::BatchNorm => graph.node("BatchNormalization", &taken, &[epsilon]),
            LayerKind::RmsNorm => {
                let squares = graph.node("Mul", &[&x, &x], &[]);
                let axes = ("axes", Attribute::Ints(vec![-1]));
                let mean = graph.node("ReduceMean", &[&squares], &[axes, ("keepdims", Attribute::Int(1))]);
                let epsilon = graph.number("rms_epsilon", f32::EPSILON);
                let sum = graph.node("Add", &[&mean, &epsilon], &[]);
                let rms = graph.node("Sqrt", &[&sum], &[]);
                let y = graph.node("Div", &[&x, &rms], &[]);
                graph.node("Mul", &[&y, &tensors[0]], &[])
            }
        })
    }

    fn activation(&mut self, activation: Activation, x: String) -> String {
        let graph = &mut *self.graph;
        match activation {
            Activation::Identity => x,
            Activation::Relu => graph.node("Relu", &[&x], &[]),
            Activation::LeakyRelu => graph.node("LeakyRelu", &[&x], &[("alpha", Attribute::Float(0.01))]),
            Activation::Tanh => graph.node("Tanh", &[&x], &[]),
            Activation::Sigmoid => graph.node("Sigmoid", &[&x], &[]),
            Activation::Silu => {
                let gate = graph.node("Sigmoid", &[&x], &[]);
                graph.node("Mul", &[&x, &gate], &[])
            }
            // x Φ(x) = x (1 + erf(x / √2)) / 2; an operator of its own came with version 20 only.
            Activation::Gelu => {
                let [root, one, half] = [("root_of_2", std::f32::consts::SQRT_2), ("one", 1.0), ("half", 0.5)]
                    .map(|(name, value)| graph.number(name, value));
                let scaled = graph.node("Div", &[&x, &root], &[]);
                let erf = graph.node("Erf", &[&scaled], &[]);
                let sum = graph.node("Add", &[&erf, &one], &[]);
                let halved = graph.node("Mul", &[&x, &half], &[]);
                graph.node("Mul", &[&halved, &sum], &[])
            }
        }
    }
}
