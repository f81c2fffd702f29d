//! Classes from a weights file, without the network's type.

use std::path::Path;

use dfdx::prelude::*;
use strata_model::{Activation, Layers, ModelError, Predictor, TrainedModel, Usage, initialise, mlp, weights_of};

fn predict(path: &Path, sample: &[f32]) -> Result<String, ModelError> {
    let model = Predictor::load(path)?;
    let class = model.classify(sample)?[0];
    println!("{}: {:?}", model.usage().classes[class], model.probabilities(sample)?);
    Ok(model.usage().classes[class].clone())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Some network, as training leaves it.
    let mut network = Cpu::default().build_module::<mlp!(4, 8, 3), f32>();
    initialise(&mut network, &mut strata_rng::TorchRng::new(43));
    network.configure(Activation::Gelu, 0.0, 43)?;
    let usage = Usage::of_features(Activation::Gelu, 4, ["ant", "bee", "cat"]);
    let path = std::env::temp_dir().join(format!("strata-predict-{}.safetensors", std::process::id()));
    TrainedModel::new(weights_of(&network), usage)?.save(&path)?;

    let class = predict(&path, &[0.1, 0.9, -0.4, 0.2])?;
    assert!(["ant", "bee", "cat"].contains(&&*class));
    Ok(std::fs::remove_file(path)?)
}
