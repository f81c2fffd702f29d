//! The file is decoded again and worked out by the definitions of ONNX's operators, and must be the predictor.

use std::collections::HashMap;

use prost::Message;
use strata_model::{InputTransform, Predictor, TrainedModel};
use strata_spec::Activation;

use super::messages::{INT64, ModelProto, NodeProto};
use super::{OnnxInput, onnx_model};
use crate::testing::{model, numbers};

const PIXELS: fn() -> InputTransform =
    || InputTransform::Pixels { mean: vec![0.4, 0.5, 0.3], deviation: vec![0.25, 0.2, 0.3] };
const NETWORKS: [&str; 8] = [
    "12, 5",
    "12, 9, 7, 5",
    "12, 8 batch_norm relu dropout(0.5), 5",
    "12, 8 tanh, skip(8 silu, 8 stochastic_depth(0.25)), skip(8 stochastic_depth(0.5)), 5",
    "12, layer_norm, 8 rms_norm silu, 5",
    "12, 8 tanh, skip(layer_norm, 16 gelu dropout(0.2), 8), skip(skip(8 sigmoid), rms_norm), 5",
    "12, activation(leaky_relu), 8 gelu, 5",
    "12, mirrored(8 batch_norm relu, skip(layer_norm, 6 gelu, 8), 4 tanh), 5",
];

/// Values `[rows, columns]`.
#[derive(Clone, Debug)]
struct Matrix(usize, Vec<f32>);

/// Runs the graph on `samples`; the values are matrices, a row a sample, or constants.
fn run(file: &ModelProto, samples: &[f32], rows: usize) -> Vec<f32> {
    let graph = file.graph.as_ref().unwrap();
    let mut values: HashMap<&str, Matrix> = HashMap::new();
    for constant in &graph.initializer {
        if constant.data_type == INT64 {
            let whole = constant.raw_data.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f32);
            values.insert(&constant.name, Matrix(1, whole.collect()));
            continue;
        }
        let floats = constant.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let rows = if constant.dims.len() == 2 { constant.dims[0] as usize } else { 1 };
        values.insert(&constant.name, Matrix(rows, floats));
    }
    values.insert(&graph.input[0].name, Matrix(rows, samples.to_vec()));
    for node in &graph.node {
        let inputs: Vec<&Matrix> = node.input.iter().map(|name| &values[name.as_str()]).collect();
        if let [first, second] = node.output.as_slice() {
            let (rows, split) = (inputs[0].0 / 2, inputs[0].1.split_at(inputs[0].1.len() / 2));
            let (a, b) = (Matrix(rows, split.0.to_vec()), Matrix(rows, split.1.to_vec()));
            values.extend([(first.as_str(), a), (second.as_str(), b)]);
            continue;
        }
        let y = operator(node, &inputs);
        values.insert(&node.output[0], y);
    }
    values["logits"].1.clone()
}

fn operator(node: &NodeProto, inputs: &[&Matrix]) -> Matrix {
    let x = inputs[0];
    let columns = x.1.len() / x.0;
    let float = |name: &str| node.attribute.iter().find(|a| a.name == name).and_then(|a| a.f).unwrap();
    let int = |name: &str| node.attribute.iter().find(|a| a.name == name).and_then(|a| a.i).unwrap();
    let map = |f: &dyn Fn(f32) -> f32| Matrix(x.0, x.1.iter().map(|x| f(*x)).collect());
    // A constant of a few values is the same for each part of a row, one of a whole row for each row.
    let with = |f: &dyn Fn(f32, f32) -> f32| {
        let (y, same) = (&inputs[1].1, columns * x.0 == inputs[1].1.len());
        let at = |at: usize| match y.len() {
            _ if same => y[at],
            rows if rows == x.0 && inputs[1].0 == x.0 => y[at / columns],
            count => y[at % columns / (columns / count)],
        };
        Matrix(x.0, x.1.iter().enumerate().map(|(i, x)| f(*x, at(i))).collect())
    };
    match node.op_type.as_str() {
        "Cast" | "Flatten" | "Identity" | "Reshape" => x.clone(),
        "Add" => with(&|x, y| x + y),
        "Sub" => with(&|x, y| x - y),
        "Mul" => with(&|x, y| x * y),
        "Div" => with(&|x, y| x / y),
        "Relu" => map(&|x| x.max(0.0)),
        "LeakyRelu" => map(&|x| if x < 0.0 { float("alpha") * x } else { x }),
        "Tanh" => map(&f32::tanh),
        "Sigmoid" => map(&|x| 1.0 / (1.0 + (-x).exp())),
        "Sqrt" => map(&f32::sqrt),
        "Erf" => map(&libm::erff),
        "Gemm" => {
            assert_eq!(int("transB"), 1);
            let weight = &inputs[1].1;
            let bias = |at| inputs.get(2).map_or(0.0, |bias| bias.1[at]);
            let row = |row: &[f32]| {
                let outputs = weight.chunks(columns).enumerate();
                let sum = |(at, w): (usize, &[f32])| row.iter().zip(w).map(|(x, w)| x * w).sum::<f32>() + bias(at);
                outputs.map(sum).collect::<Vec<_>>()
            };
            Matrix(x.0, x.1.chunks(columns).flat_map(row).collect())
        }
        "Gather" => {
            let row = |row: &[f32]| inputs[1].1.iter().map(|at| row[*at as usize]).collect::<Vec<_>>();
            Matrix(x.0, x.1.chunks(columns).flat_map(row).collect())
        }
        "Concat" => Matrix(x.0 + inputs[1].0, [x.1.clone(), inputs[1].1.clone()].concat()),
        // Of each plane of a sample.
        "MatMul" => {
            let Matrix(pixels, basis) = inputs[1];
            let count = basis.len() / pixels;
            let plane = |plane: &[f32]| {
                let sum = |k| plane.iter().enumerate().map(|(at, x)| x * basis[at * count + k]).sum::<f32>();
                (0..count).map(sum).collect::<Vec<_>>()
            };
            Matrix(x.0, x.1.chunks(*pixels).flat_map(plane).collect())
        }
        "ReduceMean" => Matrix(x.0, x.1.chunks(columns).map(|row| row.iter().sum::<f32>() / columns as f32).collect()),
        "LayerNormalization" => {
            let row = |row: &[f32]| {
                let mean = row.iter().sum::<f32>() / columns as f32;
                let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / columns as f32;
                let normal = row.iter().map(|x| (x - mean) / (variance + float("epsilon")).sqrt());
                let scaled = normal.zip(&inputs[1].1).zip(&inputs[2].1).map(|((x, gain), bias)| x * gain + bias);
                scaled.collect::<Vec<_>>()
            };
            Matrix(x.0, x.1.chunks(columns).flat_map(row).collect())
        }
        "BatchNormalization" => {
            let [gain, bias, mean, variance] = [1, 2, 3, 4].map(|input| &inputs[input].1);
            let value = |(i, x): (usize, &f32)| {
                let i = i % columns;
                (x - mean[i]) / (variance[i] + float("epsilon")).sqrt() * gain[i] + bias[i]
            };
            Matrix(x.0, x.1.iter().enumerate().map(value).collect())
        }
        "Softmax" => map(&f32::exp),
        other => panic!("no operator {other}"),
    }
}

fn decoded(model: &TrainedModel, input: OnnxInput) -> ModelProto {
    ModelProto::decode(onnx_model(model, input, &[("run", "a")]).unwrap().as_slice()).unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{what}: {found} for {expected}");
    }
}

#[test]
fn the_graph_gives_the_predictors_logits_for_every_layer_and_activation() {
    let bytes: Vec<u8> = numbers(4 * 12, 99).iter().map(|x| ((x + 1.0) * 127.0) as u8).collect();
    let samples: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
    let pixels: Vec<f32> = samples.iter().map(|byte| byte / 255.0).collect();
    for text in NETWORKS {
        let is_chain = text.chars().all(|c| !c.is_alphabetic());
        for activation in Activation::ALL.into_iter().filter(|a| is_chain || *a == Activation::Identity) {
            let model = model(text, activation, &[3, 2, 2], PIXELS());
            let predictor = Predictor::new(model.clone()).unwrap();
            let expected = predictor.logits(&predictor.features(&bytes).unwrap()).unwrap();
            let what = format!("{text} {activation}");
            assert_close(&run(&decoded(&model, OnnxInput::Bytes), &samples, 4), &expected, &what);
            assert_close(&run(&decoded(&model, OnnxInput::Floats), &pixels, 4), &expected, &what);
        }
    }
}

#[test]
fn frequencies_of_the_image_are_worked_out_in_the_graph() {
    // Images of 5 by 4, of which each channel gives three frequencies.
    let transform = InputTransform::Frequencies {
        frequencies: vec![[0, 0], [2, 1], [0, 2]],
        mean: vec![0.3, 0.0, 0.1, 0.2, 0.0, -0.1, 0.4, 0.0, 0.0],
        factor: (1..10).map(|n| n as f32 / 4.0).collect(),
    };
    let model = model("9, 7 gelu, 5", Activation::Identity, &[3, 5, 4], transform);
    let bytes: Vec<u8> = numbers(2 * 60, 5).iter().map(|x| ((x + 1.0) * 127.0) as u8).collect();
    let samples: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
    let predictor = Predictor::new(model.clone()).unwrap();
    let expected = predictor.logits(&predictor.features(&bytes).unwrap()).unwrap();
    assert_close(&run(&decoded(&model, OnnxInput::Bytes), &samples, 2), &expected, "frequencies");
}

#[test]
fn features_are_taken_as_they_are_and_no_bytes() {
    let model = model("12, 9, 5", Activation::Tanh, &[12], InputTransform::None);
    let features = numbers(24, 7);
    let expected = Predictor::new(model.clone()).unwrap().logits(&features).unwrap();
    let file = decoded(&model, OnnxInput::Floats);
    assert_close(&run(&file, &features, 2), &expected, "features");
    assert_eq!(file.graph.unwrap().input[0].name, "features");
    assert!(onnx_model(&model, OnnxInput::Bytes, &[]).unwrap_err().contains("no bytes"));
}

#[test]
fn scaled_floats_are_scaled_in_the_file() {
    for (input, parts) in [(&[1, 1, 12][..], 12), (&[3, 2, 2], 3), (&[12], 12)] {
        let mean = numbers(parts, 11);
        let deviation = mean.iter().map(|mean| mean.abs() + 0.5).collect();
        let model = model("12, 9, 5", Activation::Tanh, input, InputTransform::Values { mean, deviation });
        let (values, predictor) = (numbers(24, 7), Predictor::new(model.clone()).unwrap());
        let expected = predictor.logits(&predictor.features_of_values(&values).unwrap()).unwrap();
        assert_ne!(expected, predictor.logits(&values).unwrap());
        let file = decoded(&model, OnnxInput::Floats);
        assert_close(&run(&file, &values, 2), &expected, &format!("{input:?}"));
        assert!(onnx_model(&model, OnnxInput::Bytes, &[]).unwrap_err().contains("no bytes"));
    }
}

#[test]
fn the_batch_is_any_and_the_classes_are_in_the_metadata() {
    let file = decoded(&model("12, 5", Activation::Relu, &[3, 2, 2], PIXELS()), OnnxInput::Bytes);
    let metadata: HashMap<_, _> = file.metadata_props.iter().map(|e| (e.key.as_str(), e.value.as_str())).collect();
    let classes: Vec<String> = serde_json::from_str(metadata["classes"]).unwrap();
    assert_eq!(classes[4], "class 4");
    assert_eq!(metadata["run"], "a");
    let graph = file.graph.unwrap();
    let shape = graph.input[0].r#type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
    let sizes: Vec<_> = shape.dim.iter().map(|dim| (dim.name.as_deref(), dim.size)).collect();
    assert_eq!(sizes, [(Some("N"), None), (None, Some(3)), (None, Some(2)), (None, Some(2))]);
    assert_eq!(graph.output[0].name, "logits");
    assert_eq!(graph.output[1].name, "probabilities");
}

#[test]
fn a_module_of_ones_own_cannot_be_written() {
    let model = model("12, module(own::Layer to 6), 5", Activation::Identity, &[3, 2, 2], PIXELS());
    assert!(onnx_model(&model, OnnxInput::Bytes, &[]).unwrap_err().contains("own::Layer"));
}
