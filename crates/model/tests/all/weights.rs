//! Weights files: what goes in comes out, and every damage is an error that says so.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;

use dfdx::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use strata_model::{
    Activation, InputTransform, Layers, ModelError, Precision, Predictor, TrainedModel, Usage, Weights, initialise,
    load_weights, mlp, net, weights_of,
};
use strata_rng::TorchRng;

fn weights() -> Weights {
    let mut network = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    initialise(&mut network, &mut TorchRng::new(1));
    weights_of(&network)
}

fn usage() -> Usage {
    Usage {
        activation: Activation::Gelu,
        dropout: 0.1,
        input: vec![5],
        classes: ["ant", "bee", "cat"].map(String::from).to_vec(),
        transform: InputTransform::Pixels { mean: vec![0.1; 5], deviation: vec![0.5; 5] },
        precision: Precision::F32,
    }
}

/// The program reads a file from before there was a choice as one of 32-bit floats, and writes such as it did.
#[test]
fn the_precision_is_kept_and_used() {
    let model = |precision| TrainedModel::new(weights(), Usage { precision, ..usage() }).unwrap();
    let (in_f32, in_bf16) = (model(Precision::F32), model(Precision::Bf16));
    let text = |model: &TrainedModel| String::from_utf8_lossy(&model.to_bytes().unwrap()).into_owned();
    assert!(!text(&in_f32).contains("precision"));
    assert!(text(&in_bf16).contains(r#"\"precision\":\"bf16\""#));
    let read = |model: &TrainedModel| TrainedModel::from_bytes(&model.to_bytes().unwrap()).unwrap().2.unwrap();
    assert_eq!([read(&in_f32), read(&in_bf16)].map(|usage| usage.precision), [Precision::F32, Precision::Bf16]);
    let features: Vec<f32> = (0..35).map(|at| (at as f32 * 0.7).sin()).collect();
    let mut network = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    in_bf16.load_into(&mut network).unwrap();
    let logits = Predictor::new(in_bf16).unwrap().logits(&features).unwrap();
    assert_eq!(network.forward(Cpu::default().tensor_from_vec(features.clone(), (7, Const::<5>))).as_vec(), logits);
    assert_ne!(Predictor::new(in_f32).unwrap().logits(&features).unwrap(), logits);
}

fn model() -> TrainedModel {
    TrainedModel::new(weights(), usage()).unwrap()
}

fn load(bytes: &[u8]) -> Result<TrainedModel, String> {
    let (weights, _, usage) = TrainedModel::from_bytes(bytes).map_err(|reason| reason.to_string())?;
    TrainedModel::new(weights, usage.ok_or("no usage")?).map_err(|error| error.to_string())
}

#[test]
fn saved_weights_load_under_pytorchs_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = model();
    model.save(&path).unwrap();
    let loaded = TrainedModel::load(&path).unwrap();
    assert_eq!(loaded, model);
    assert_eq!(loaded.usage(), &usage());
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["layer1.bias", "layer1.weight", "layer2.bias", "layer2.weight"]);
    assert_eq!(file.tensor("layer1.weight").unwrap().shape(), [4, 5]);
    assert_eq!(bytes, model.to_bytes().unwrap(), "equal models, equal bytes");
}

/// Normalisation lies between dense layers, and so do the halves of a mirrored layer's weight.
#[test]
fn layers_are_those_with_one_weight() {
    let sizes = |weights: Weights| {
        weights.layers().iter().map(|layer| (layer.weight.len(), layer.bias.len())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(weights()), [(20, 4), (12, 3)]);
    let normed = Cpu::default().build_module::<net!(5, 4 batch_norm relu, skip(4 layer_norm), 3), f32>();
    assert_eq!(sizes(weights_of(&normed)), [(20, 4), (16, 4), (12, 3)]);
    let mirrored = Cpu::default().build_module::<net!(4, mirrored(3 relu, 2), 2), f32>();
    assert_eq!(sizes(weights_of(&mirrored)), [(12, 3), (4, 2)]);
}

/// A network that nobody told its activation would be linear with these weights.
#[test]
fn a_network_gets_the_activation_of_its_weights_or_an_error() {
    let mut plain = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    let before = weights_of(&plain);
    assert!(matches!(load_weights(&mut plain, &weights()), Err(ModelError::NotConfigured)));
    assert_eq!(weights_of(&plain), before);
    model().load_into(&mut plain).unwrap();
    assert_eq!((plain.0.activation, plain.1.activation), (Activation::Gelu, Activation::Identity));
    assert_eq!(weights_of(&plain), weights());
    // Told another one.
    let mut other = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    other.configure(Activation::Relu, 0.0, 1).unwrap();
    let error = model().load_into(&mut other).unwrap_err().to_string();
    assert!(error.contains("activation gelu, but with the activation relu"), "{error}");
    // Told that it is linear, which is an answer too.
    let mut linear = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    linear.configure(Activation::Identity, 0.0, 1).unwrap();
    load_weights(&mut linear, &weights()).unwrap();
    assert!(model().load_into(&mut linear).is_err());
}

#[test]
fn metadata_that_does_not_fit_the_weights_is_refused() {
    let one = |change: &dyn Fn(&mut Usage)| {
        let mut usage = usage();
        change(&mut usage);
        TrainedModel::new(weights(), usage).unwrap_err().to_string()
    };
    let pixels = |mean: Vec<f32>, deviation: Vec<f32>| InputTransform::Pixels { mean, deviation };
    assert!(one(&|usage| usage.input = vec![3, 2]).contains("samples of [3, 2] for a network of 5 features"));
    assert!(one(&|usage| usage.classes.truncate(2)).contains("2 class names for a network of 3 outputs"));
    assert!(one(&|usage| usage.dropout = 1.0).contains("a dropout of 1"));
    assert!(one(&|usage| usage.transform = pixels(vec![0.5], vec![0.5])).contains("for 5 channels"));
    assert!(one(&|usage| usage.transform = pixels(vec![0.5; 5], vec![0.0; 5])).contains("cannot normalise"));
    assert!(one(&|usage| usage.transform = pixels(vec![f32::NAN; 5], vec![0.5; 5])).contains("cannot normalise"));
}

/// Written before files said how to use themselves: widths and classes, and nothing else.
#[test]
fn a_file_without_usage_metadata_loads_with_the_callers_usage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let classes = r#"{"widths":[2,3],"classes":["a","b","c"]}"#;
    std::fs::write(&path, file(Some(classes), &[("layer1.weight", vec![3, 2]), ("layer1.bias", vec![3])])).unwrap();
    let error = TrainedModel::load(&path).unwrap_err();
    assert!(matches!(error, ModelError::NoUsage { .. }) && error.to_string().contains("load_as"), "{error}");
    let usage = Usage { input: vec![2], transform: InputTransform::None, ..usage() };
    let model = TrainedModel::load_as(&path, usage.clone()).unwrap();
    assert_eq!(model.usage().classes, ["a", "b", "c"], "the file's own");
    model.save(&path).unwrap();
    assert_eq!(TrainedModel::load(&path).unwrap(), model);
    let error = TrainedModel::load_as(&path, usage).unwrap_err().to_string();
    assert!(error.contains("says itself"), "{error}");
}

#[test]
fn a_network_of_any_layers_is_saved_with_its_description() {
    let network = Cpu::default().build_module::<net!(5, 4 batch_norm gelu, skip(rms_norm, 4), 3), f32>();
    let usage = Usage { activation: Activation::Identity, dropout: 0.0, ..usage() };
    let model = TrainedModel::new(weights_of(&network), usage).unwrap();
    let again = load(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(again, model);
    assert_eq!(again.weights().architecture.to_string(), "5, 4 batch_norm gelu, skip(rms_norm, 4), 3");
    let relu = Usage { activation: Activation::Relu, ..model.usage().clone() };
    let error = TrainedModel::new(model.weights().clone(), relu).unwrap_err();
    assert!(matches!(error, ModelError::ActivationIsFixed { .. }), "{error}");
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one_and_no_temporary() {
    let folder = tempfile::tempdir().unwrap();
    // A folder stands where the file should go, so that the rename fails after the temporary is written.
    let path = folder.path().join("model.safetensors");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("kept"), "kept").unwrap();
    assert!(matches!(model().save(&path), Err(ModelError::Io { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(path.join("kept")).unwrap(), "kept");
}

#[test]
fn weights_of_another_network_are_refused_and_the_networks_own_kept() {
    let mut other = Cpu::default().build_module::<mlp!(5, 6, 3), f32>();
    let before = weights_of(&other);
    let error = load_weights(&mut other, &weights()).unwrap_err().to_string();
    assert!(error.contains("[5, 4, 3]") && error.contains("[5, 6, 3]"), "{error}");
    assert_eq!(weights_of(&other), before);
}

/// A file cut at any length, down to nothing.
#[test]
fn a_truncated_file_is_damaged() {
    let bytes = model().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(load(&bytes[..length]).is_err(), "cut to {length}");
    }
}

/// A bit flipped anywhere: an error or another model, never a panic.
#[test]
fn a_flipped_bit_never_panics() {
    let bytes = model().to_bytes().unwrap();
    for at in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok(model) = load(&bytes) {
            assert_eq!(model.weights().tensors.len(), model.weights().architecture.tensors().len());
        }
    }
}

fn file(metadata: Option<&str>, tensors: &[(&str, Vec<usize>)]) -> Vec<u8> {
    let bytes = vec![0; 4 * 64];
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, shape)| {
            let length = 4 * shape.iter().product::<usize>();
            (*name, TensorView::new(Dtype::F32, shape.clone(), &bytes[..length]).unwrap())
        })
        .collect();
    let metadata = metadata.map(|text| HashMap::from([("strata".to_owned(), text.to_owned())]));
    safetensors::serialize(views, metadata).unwrap()
}

#[test]
fn files_that_are_no_network_say_why() {
    let layer = |shape: &[usize]| [("layer1.weight", shape.to_vec()), ("layer1.bias", vec![3])];
    let good = r#"{"widths":[2,3],"classes":[]}"#;
    assert!(TrainedModel::from_bytes(&file(Some(good), &layer(&[3, 2]))).is_ok());
    let reason = |bytes: Vec<u8>| TrainedModel::from_bytes(&bytes).unwrap_err().to_string();
    // Another program's file.
    assert!(reason(file(None, &layer(&[3, 2]))).contains("not written by Strata"));
    // A later version's, with a key that this one does not know.
    let later = r#"{"format":3,"colour":"red"}"#;
    assert!(reason(file(Some(later), &layer(&[3, 2]))).contains("format 3, which a later version wrote"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later.safetensors");
    std::fs::write(&path, file(Some(later), &layer(&[3, 2]))).unwrap();
    let error = TrainedModel::load(&path).unwrap_err().to_string();
    assert!(error.ends_with("update strata") && !error.contains("damaged"), "{error}");
    // Metadata that is no JSON of ours.
    assert!(reason(file(Some("{"), &layer(&[3, 2]))).contains("metadata"));
    // No width, or one of zero.
    assert!(reason(file(Some(r#"{"widths":[],"classes":[]}"#), &layer(&[3, 2]))).contains("metadata"));
    assert!(reason(file(Some(r#"{"widths":[0,3],"classes":[]}"#), &layer(&[3, 2]))).contains("metadata"));
    // A weight the other way round.
    assert!(reason(file(Some(good), &layer(&[2, 3]))).contains("layer1.weight"));
    // A tensor too many.
    let more = [layer(&[3, 2]).to_vec(), vec![("layer9.bias", vec![1])]].concat();
    assert!(reason(file(Some(good), &more)).contains("3 tensors"));
    // Widths whose product overflows.
    let huge = format!(r#"{{"widths":[{0},{0}],"classes":[]}}"#, usize::MAX);
    assert!(reason(file(Some(&huge), &layer(&[3, 2]))).contains("more parameters than"));
}

/// A file whose network sees low frequencies says which, and its predictor makes them of images, to the bit what the table makes.
#[test]
fn a_file_of_low_frequencies_takes_images() {
    use strata_kernels::{FrequencyTable, LowFrequencies};

    let images: Vec<u8> = (0..3 * 40u32).map(|i| (i * 97 % 251) as u8).collect();
    let transform = LowFrequencies::lowest(2, 4, 5, 3).unwrap();
    let mut coefficients = vec![0.0; 3 * 6];
    transform.forward(&images, &mut coefficients);
    let table = FrequencyTable::fit(transform, &coefficients, &[0, 1, 2], 0.5);
    let network = Cpu::default().build_module::<mlp!(6, 4, 2), f32>();
    let usage = Usage {
        activation: Activation::Relu,
        dropout: 0.0,
        input: vec![2, 4, 5],
        classes: vec!["a".into(), "b".into()],
        transform: InputTransform::of_table(&table),
        precision: Precision::F32,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    TrainedModel::new(weights_of(&network), usage.clone()).unwrap().save(&path).unwrap();
    let predictor = Predictor::load(&path).unwrap();
    assert_eq!(predictor.usage(), &usage);
    table.scale(&mut coefficients);
    assert_eq!(predictor.features(&images).unwrap(), coefficients);
    assert_eq!(predictor.classify_bytes(&images).unwrap().len(), 3);
    assert!(matches!(predictor.features(&images[1..]), Err(ModelError::Samples { values: 119, inputs: 40 })));

    let refused = |change: &dyn Fn(&mut Usage)| {
        let mut usage = usage.clone();
        change(&mut usage);
        TrainedModel::new(weights_of(&network), usage).unwrap_err().to_string()
    };
    assert!(refused(&|usage| usage.input = vec![40]).contains("not of images"));
    assert!(refused(&|usage| usage.input = vec![2, 1, 20]).contains("do not have"));
    assert!(refused(&|usage| usage.input = vec![1, 4, 5]).contains("6 means and 6 factors for 3 coefficients"));
}
