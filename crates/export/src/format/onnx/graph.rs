//! A graph under construction: nodes, constants, names.

use std::collections::HashMap;

use strata_model::{InputTransform, Usage};

use super::OnnxInput;
use super::messages::{AttributeProto, FLOAT, GraphProto, INT64, NodeProto, OF_FLOAT, OF_INT, OF_INTS, TensorProto};

/// An attribute's value.
pub(super) enum Attribute {
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
}

/// Nodes and constants so far. Values are known by their names.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// How many nodes of each operator there are, for names.
    counts: HashMap<String, usize>,
}

impl Graph {
    /// Adds an operation with one output; gives the output's name.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        let count = self.counts.entry(operator.to_owned()).or_default();
        *count += 1;
        let name = format!("{operator}_{count}");
        self.nodes.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.into(),
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        });
        name
    }

    /// Adds a tensor of known values; gives its name.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.constants.push(TensorProto {
            dims: shape.iter().map(|size| *size as i64).collect(),
            data_type: FLOAT,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.to_owned()
    }

    /// Adds whole numbers; gives their name.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.constants.push(TensorProto {
            dims: vec![values.len() as i64],
            data_type: INT64,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.to_owned()
    }

    /// The first and the second half of the rows of `x`, `[2 batch, features]`.
    pub(super) fn halves(&mut self, x: &str) -> [String; 2] {
        let first = self.node("Split", &[x], &[("axis", Attribute::Int(0))]);
        let second = format!("{first}_second");
        if let Some(split) = self.nodes.last_mut() {
            split.output.push(second.clone());
        }
        [first, second]
    }

    /// A number, as a constant of that name, made once.
    pub(super) fn number(&mut self, name: &str, value: f32) -> String {
        if self.constants.iter().any(|constant| constant.name == name) {
            return name.to_owned();
        }
        self.constant(name, &[], &[value])
    }

    /// The network's features `[N, inputs]` from the value `input`, with the arithmetic of the predictor: `(byte / 255 - mean) / deviation`, or
    /// `(coefficient - mean) · factor` of some frequencies of each channel, which are a product with a matrix.
    pub(super) fn preprocessing(&mut self, input: &str, kind: OnnxInput, usage: &Usage) -> Result<String, String> {
        let mut x = input.to_owned();
        if kind == OnnxInput::Bytes {
            x = self.node("Cast", &[&x], &[("to", Attribute::Int(FLOAT.into()))]);
            let most = self.number("byte_range", 255.0);
            x = self.node("Div", &[&x, &most], &[]);
        }
        match &usage.transform {
            InputTransform::None => {}
            InputTransform::Frequencies { frequencies, mean, factor } => {
                let &[channels, height, width] = usage.input.as_slice() else {
                    return Err(format!("frequencies of samples of the sizes {:?}", usage.input));
                };
                let pixels = height * width;
                let shape = self.integers("planes", &[0, channels as i64, pixels as i64]);
                x = self.node("Reshape", &[&x, &shape], &[]);
                let basis = basis(height, width, frequencies);
                let basis = self.constant("frequencies", &[pixels, frequencies.len()], &basis);
                x = self.node("MatMul", &[&x, &basis], &[]);
                x = self.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
                let mean = self.constant("coefficient_means", &[mean.len()], mean);
                x = self.node("Sub", &[&x, &mean], &[]);
                let factor = self.constant("coefficient_factors", &[factor.len()], factor);
                return Ok(self.node("Mul", &[&x, &factor], &[]));
            }
            InputTransform::Pixels { mean, deviation } | InputTransform::Values { mean, deviation } => {
                let shape = one_for_each(mean.len(), &usage.input);
                if mean.iter().any(|mean| *mean != 0.0) {
                    let mean = self.constant("channel_means", &shape, mean);
                    x = self.node("Sub", &[&x, &mean], &[]);
                }
                if deviation.iter().any(|deviation| *deviation != 1.0) {
                    let deviation = self.constant("channel_deviations", &shape, deviation);
                    x = self.node("Div", &[&x, &deviation], &[]);
                }
            }
        }
        let is_flat = usage.input.len() < 2;
        Ok(if is_flat { x } else { self.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]) })
    }

    /// Names the value `logits` so, and adds its softmax, `probabilities`.
    pub(super) fn finish(&mut self, logits: String) {
        for (operator, attributes, input, output) in [
            ("Identity", vec![], logits.as_str(), "logits"),
            ("Softmax", vec![("axis", Attribute::Int(1))], "logits", "probabilities"),
        ] {
            self.node(operator, &[input], &attributes);
            if let Some(node) = self.nodes.last_mut() {
                node.output = vec![output.into()];
            }
        }
    }

    pub(super) fn into_proto(self, name: &str) -> GraphProto {
        GraphProto {
            node: self.nodes,
            name: name.into(),
            initializer: self.constants,
            input: Vec::new(),
            output: Vec::new(),
        }
    }
}

/// The shape of one value for each channel, the same over whatever follows it, or of one for each value of a sample.
fn one_for_each(count: usize, sample: &[usize]) -> Vec<usize> {
    match sample {
        [channels, rest @ ..] if count == *channels => std::iter::once(count).chain(rest.iter().map(|_| 1)).collect(),
        _ => sample.to_vec(),
    }
}

/// The orthonormal DCT-II as a matrix `[height · width, frequencies]`: `a(u) a(v) cos(π(2y + 1)u / 2H) cos(π(2x + 1)v / 2W)` with `a(0) = √(1/N)`,
/// `a(n) = √(2/N)` for a side of N.
fn basis(height: usize, width: usize, frequencies: &[[u32; 2]]) -> Vec<f32> {
    let cosine = |place: usize, frequency: u32, side: usize| {
        let angle = std::f64::consts::PI * (2 * place + 1) as f64 * f64::from(frequency) / (2 * side) as f64;
        (if frequency == 0 { 1.0 } else { 2.0 } / side as f64).sqrt() * angle.cos()
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let row = |(y, x)| frequencies.iter().map(move |&[u, v]| (cosine(y, u, height) * cosine(x, v, width)) as f32);
    pixels.flat_map(row).collect()
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut attribute = AttributeProto { name: name.into(), ..AttributeProto::default() };
    match value {
        Attribute::Float(value) => (attribute.f, attribute.r#type) = (Some(*value), OF_FLOAT),
        Attribute::Int(value) => (attribute.i, attribute.r#type) = (Some(*value), OF_INT),
        Attribute::Ints(values) => (attribute.ints, attribute.r#type) = (values.clone(), OF_INTS),
    }
    attribute
}
