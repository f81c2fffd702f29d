//! ONNX: the network with its preprocessing, for onnxruntime and whatever else runs such files.

mod graph;
mod layers;
mod messages;
#[cfg(test)]
mod tests;

use std::path::Path;

use prost::Message;
use strata_model::TrainedModel;

use self::graph::Graph;
use self::messages::{
    Dimension, FLOAT, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorShapeProto, TensorType, TypeProto,
    UINT8, ValueInfoProto,
};
use crate::exporter::only;
use crate::{Destination, ExportError, ExportOption, Exporter, Options, RecordedRun};

/// The operators' version: the oldest with layer normalisation, so that old runtimes take the file.
const OPSET: i64 = 17;
/// The version of the file's format that belongs to it.
const IR_VERSION: i64 = 8;
/// The most bytes that a protocol buffer may have.
const MOST_BYTES: usize = i32::MAX as usize;

/// What the exported network takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnnxInput {
    /// Bytes in 0..=255 (`uint8`), as image files hold them.
    #[default]
    Bytes,
    /// Pixels in 0..1 (`float`), as torchvision's `ToTensor` makes them; of a network that was trained on features, these.
    Floats,
}

/// Writes the network of one run as an ONNX file.
#[derive(Clone, Copy, Debug)]
pub struct Onnx;

pub(super) const EXPORTER: &dyn Exporter = &Onnx;

impl Exporter for Onnx {
    fn name(&self) -> &'static str {
        "onnx"
    }

    fn about(&self) -> &'static str {
        "The trained network as an ONNX file: images [N, C, H, W] in, logits and probabilities out, preprocessing inside"
    }

    fn destination(&self) -> Destination {
        let about = "The ONNX file to write";
        Destination { option: "out", value: "FILE", about, is_of_one_run: true }
    }

    fn options(&self) -> &'static [ExportOption] {
        &[ExportOption {
            name: "input",
            value: "KIND",
            choices: &["bytes", "floats"],
            about: "What it takes: bytes of 0 to 255, or pixels as floats of 0 to 1",
        }]
    }

    fn export(&self, runs: &[RecordedRun], to: &Path, options: &Options) -> Result<Vec<String>, ExportError> {
        options.check(self)?;
        let run = only("onnx", runs)?;
        let model = run.model()?;
        let input = match (options.get("input"), &model.usage().transform) {
            (Some("floats"), _) => OnnxInput::Floats,
            (None, transform) if !transform.is_of_bytes() => OnnxInput::Floats,
            _ => OnnxInput::Bytes,
        };
        let unsupported =
            |reason: String| ExportError::Unsupported { run: run.folder().to_owned(), format: "ONNX", reason };
        let about = [("run", run.record().name.as_str()), ("run_id", &run.record().id)];
        let bytes = onnx_model(&model, input, &about).map_err(unsupported)?;
        strata_files::write_atomically(to, |out| out.write_all(&bytes)).map_err(ExportError::io("writing", to))?;
        Ok(vec![format!("{}: {}, {} bytes", to.display(), model.weights().architecture, bytes.len())])
    }
}

/// The network as an ONNX file: the input `images` (`features` of a network that was trained on those), `[N, sizes of a sample]`, the outputs `logits` and
/// `probabilities`, both `[N, classes]`, and in the metadata `classes` (a JSON list), `network`, `input` and what `about` has. To logits within rounding it is
/// the [`Predictor`](strata_model::Predictor).
///
/// # Errors
/// In words: a module of a user's own, which is known by its name only; bytes asked for where the network was trained on features; more than 2 GiB, which no
/// such file can have.
pub fn onnx_model(model: &TrainedModel, input: OnnxInput, about: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let (usage, weights) = (model.usage(), model.weights());
    let network = weights.architecture.network();
    if let Some(module) = weights.architecture.own_module() {
        return Err(format!("its module {module} is known to the program that it was trained with, and to no other"));
    }
    let mut graph = Graph::default();
    let is_of_images = usage.transform.is_of_bytes();
    let (name, element, taken) = match (is_of_images, input) {
        (true, OnnxInput::Bytes) => ("images", UINT8, "bytes in 0..=255"),
        (true, OnnxInput::Floats) => ("images", FLOAT, "pixels in 0..1"),
        (false, OnnxInput::Floats) => ("features", FLOAT, "features as they were trained on"),
        (false, OnnxInput::Bytes) => return Err("it was trained on floats, no bytes".into()),
    };
    let features = graph.preprocessing(name, input, usage)?;
    let logits = layers::network(&mut graph, network, usage.activation, &weights.tensors, features)?;
    graph.finish(logits);

    let sizes = usage.input.iter().map(|size| *size as i64);
    let own = [
        ("classes", serde_json::Value::from(usage.classes.clone()).to_string()),
        ("network", weights.architecture.to_string()),
        ("input", taken.to_owned()),
    ];
    let further = about.iter().map(|(key, value)| (*key, (*value).to_owned()));
    let entries = own.into_iter().chain(further);
    let entries = entries.map(|(key, value)| StringStringEntryProto { key: key.into(), value });
    let value = |name: &str, element, sizes: Vec<i64>, about: &str| ValueInfoProto {
        name: name.into(),
        r#type: Some(tensor_type(element, sizes)),
        doc_string: about.into(),
    };
    let classes = usage.classes.len() as i64;
    let mut graph = graph.into_proto("strata");
    graph.input = vec![value(name, element, sizes.collect(), taken)];
    graph.output = vec![
        value("logits", FLOAT, vec![classes], "the network's outputs"),
        value("probabilities", FLOAT, vec![classes], "their softmax"),
    ];
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "strata".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!("{}; input: {taken}", weights.architecture),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: entries.collect(),
    };
    match file.encoded_len() {
        bytes if bytes > MOST_BYTES => Err(format!("it would have {bytes} bytes, of which {MOST_BYTES} are the most")),
        _ => Ok(file.encode_to_vec()),
    }
}

/// A tensor `[N, sizes…]`, for any N.
fn tensor_type(element: i32, sizes: Vec<i64>) -> TypeProto {
    let batch = Dimension { name: Some("N".into()), size: None };
    let sizes = sizes.into_iter().map(|size| Dimension { size: Some(size), name: None });
    let dim = std::iter::once(batch).chain(sizes).collect();
    TypeProto { tensor_type: Some(TensorType { elem_type: element, shape: Some(TensorShapeProto { dim }) }) }
}
