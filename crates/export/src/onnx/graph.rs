//! A graph under construction: nodes, constants, names.

use std::collections::HashMap;

use strata_model::{InputTransform, Usage};

use super::OnnxInput;
use super::messages::{AttributeProto, FLOAT, GraphProto, NodeProto, OF_FLOAT, OF_INT, OF_INTS, TensorProto};

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

    /// A number, as a constant of that name, made once.
    pub(super) fn number(&mut self, name: &str, value: f32) -> String {
        if self.constants.iter().any(|constant| constant.name == name) {
            return name.to_owned();
        }
        self.constant(name, &[], &[value])
    }

    /// The network's features `[N, inputs]` from the value `input`, with the arithmetic of the predictor: `(byte / 255 - mean) / deviation`.
    pub(super) fn preprocessing(&mut self, input: &str, kind: OnnxInput, usage: &Usage) -> String {
        let mut x = input.to_owned();
        if kind == OnnxInput::Bytes {
            x = self.node("Cast", &[&x], &[("to", Attribute::Int(FLOAT.into()))]);
            let most = self.number("byte_range", 255.0);
            x = self.node("Div", &[&x, &most], &[]);
        }
        match &usage.transform {
            InputTransform::None => {}
            InputTransform::Pixels { mean, deviation } => {
                // One value a channel, the same over whatever follows it.
                let mut shape = vec![1; usage.input.len()];
                shape[0] = mean.len();
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
        if usage.input.len() > 1 { self.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]) } else { x }
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

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut attribute = AttributeProto { name: name.into(), ..AttributeProto::default() };
    match value {
        Attribute::Float(value) => (attribute.f, attribute.r#type) = (Some(*value), OF_FLOAT),
        Attribute::Int(value) => (attribute.i, attribute.r#type) = (Some(*value), OF_INT),
        Attribute::Ints(values) => (attribute.ints, attribute.r#type) = (values.clone(), OF_INTS),
    }
    attribute
}
