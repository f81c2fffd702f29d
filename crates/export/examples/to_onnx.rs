//! A trained network as an ONNX file, with its preprocessing: `to_onnx [MODEL.safetensors OUT.onnx]`, or a network made up here.

use std::path::{Path, PathBuf};

use strata_export::{OnnxInput, onnx_model};
use strata_model::{Activation, Architecture, InputTransform, LayerWeights, TrainedModel, Usage, Weights};

/// Two classes of images of 2 × 2 bytes: dark ones and bright ones.
fn dark_or_bright() -> Result<TrainedModel, Box<dyn std::error::Error>> {
    let layer = LayerWeights { weight: [vec![-1.0; 4], vec![1.0; 4]].concat(), bias: vec![2.0, -2.0] };
    let weights = Weights::from_layers(Architecture::new(4, &[], 2), vec![layer])?;
    let transform = InputTransform::Pixels { mean: vec![0.0], deviation: vec![1.0] };
    let features = Usage::of_features(Activation::Relu, 4, ["dark", "bright"]);
    let usage = Usage { input: vec![1, 2, 2], transform, ..features };
    Ok(TrainedModel::new(weights, usage)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    let (model, out) = match arguments.as_slice() {
        [model, out] => (TrainedModel::load(model)?, out.clone()),
        _ => (dark_or_bright()?, folder.path().join("model.onnx")),
    };
    let file = onnx_model(&model, OnnxInput::Bytes, &[("author", "me")])?;
    std::fs::write(&out, &file)?;
    println!("{}: {} bytes, {}", out.display(), file.len(), model.weights().architecture);
    assert!(Path::new(&out).exists());
    Ok(())
}
