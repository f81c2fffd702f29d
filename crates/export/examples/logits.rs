//! The predictor's logits of images as bytes, to hold another program's against: `logits MODEL.safetensors IMAGES OUT`. IMAGES has the bytes of each image
//! one after the other, OUT gets little-endian floats `[images, classes]`. Without arguments: those of a network made up here.

use std::path::PathBuf;

use strata_model::{
    Activation, Architecture, InputTransform, LayerWeights, ModelError, Predictor, TrainedModel, Usage, Weights,
};

/// Two classes of images of one byte: dark ones and bright ones.
fn dark_or_bright() -> Result<TrainedModel, ModelError> {
    let layer = LayerWeights { weight: vec![-1.0, 1.0], bias: vec![0.5, -0.5] };
    let weights = Weights::from_layers(Architecture::new(1, &[], 2), vec![layer])?;
    let transform = InputTransform::Pixels { mean: vec![0.0], deviation: vec![1.0] };
    let features = Usage::of_features(Activation::Relu, 1, ["dark", "bright"]);
    let usage = Usage { input: vec![1, 1, 1], transform, ..features };
    TrainedModel::new(weights, usage)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [model, images, out] = arguments.as_slice() else {
        let predictor = Predictor::new(dark_or_bright()?)?;
        let logits = predictor.logits(&predictor.features(&[0, 255])?)?;
        assert_eq!(logits, [0.5, -0.5, -0.5, 0.5]);
        println!("{logits:?}");
        return Ok(());
    };
    let predictor = Predictor::load(model)?;
    let logits = predictor.logits(&predictor.features(&std::fs::read(images)?)?)?;
    let bytes: Vec<u8> = logits.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(out, bytes)?;
    println!("{} logits", logits.len());
    Ok(())
}
