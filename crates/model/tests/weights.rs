//! Weights files: what goes in comes out, and every damage is an error that says so.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;

use dfdx::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use strata_model::{ModelError, Weights, initialise, load_weights, mlp, weights_of};
use strata_rng::TorchRng;

fn network() -> Weights {
    let mut network = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    initialise(&mut network, &mut TorchRng::new(1));
    weights_of(&mut network)
}

fn classes() -> Vec<String> {
    ["ant", "bee", "cat"].map(String::from).to_vec()
}

#[test]
fn what_is_saved_is_loaded_under_pytorchs_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let weights = network();
    weights.save(&path, &classes()).unwrap();
    assert_eq!(Weights::load(&path).unwrap(), (weights.clone(), classes()));
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["layer1.bias", "layer1.weight", "layer2.bias", "layer2.weight"]);
    assert_eq!(file.tensor("layer1.weight").unwrap().shape(), [4, 5]);
    assert_eq!(bytes, weights.to_bytes(&classes()).unwrap(), "equal weights, equal bytes");
    let mut other = Cpu::default().build_module::<mlp!(5, 4, 3), f32>();
    load_weights(&mut other, &weights).unwrap();
    assert_eq!(weights_of(&mut other), weights);
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one_and_no_temporary() {
    let folder = tempfile::tempdir().unwrap();
    // A folder stands where the file should go, so that the rename fails after the temporary is written.
    let path = folder.path().join("model.safetensors");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("kept"), "kept").unwrap();
    assert!(matches!(network().save(&path, &classes()), Err(ModelError::Io { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(path.join("kept")).unwrap(), "kept");
}

#[test]
fn weights_of_another_network_are_refused_and_the_networks_own_kept() {
    let mut other = Cpu::default().build_module::<mlp!(5, 6, 3), f32>();
    let before = weights_of(&mut other);
    let error = load_weights(&mut other, &network()).unwrap_err().to_string();
    assert!(error.contains("[5, 4, 3]") && error.contains("[5, 6, 3]"), "{error}");
    assert_eq!(weights_of(&mut other), before);
}

/// A file cut at any length, down to nothing.
#[test]
fn a_truncated_file_is_damaged() {
    let bytes = network().to_bytes(&classes()).unwrap();
    for length in 0..bytes.len() {
        assert!(Weights::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
    }
}

/// A bit flipped anywhere: an error or other weights, never a panic; in the header's length, names and shapes always an error
/// or the same architecture.
#[test]
fn a_flipped_bit_is_no_panic() {
    let bytes = network().to_bytes(&classes()).unwrap();
    for at in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok((weights, _)) = Weights::from_bytes(&bytes) {
            assert_eq!(weights.layers.len(), weights.architecture.widths().len() - 1);
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
    assert!(Weights::from_bytes(&file(Some(good), &layer(&[3, 2]))).is_ok());
    let reason = |bytes: Vec<u8>| Weights::from_bytes(&bytes).unwrap_err();
    // Another program's file.
    assert!(reason(file(None, &layer(&[3, 2]))).contains("not written by Strata"));
    // Metadata that is no JSON of ours.
    assert!(reason(file(Some("{"), &layer(&[3, 2]))).contains("metadata"));
    // No width, or one of zero.
    assert!(reason(file(Some(r#"{"widths":[],"classes":[]}"#), &layer(&[3, 2]))).contains("no network"));
    assert!(reason(file(Some(r#"{"widths":[0,3],"classes":[]}"#), &layer(&[3, 2]))).contains("no network"));
    // A weight the other way round.
    assert!(reason(file(Some(good), &layer(&[2, 3]))).contains("layer1.weight"));
    // A tensor too many.
    let more = [layer(&[3, 2]).to_vec(), vec![("layer9.bias", vec![1])]].concat();
    assert!(reason(file(Some(good), &more)).contains("3 tensors"));
    // Widths whose product overflows.
    let huge = format!(r#"{{"widths":[{0},{0}],"classes":[]}}"#, usize::MAX);
    assert!(reason(file(Some(&huge), &layer(&[3, 2]))).contains("layer1.weight"));
}
