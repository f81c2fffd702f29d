//! Weights files and checkpoints, both safetensors files.

use safetensors::SafeTensors;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use strata_model::{Predictor, TrainedModel, Weights};
use strata_trainer::Checkpoint;

use crate::scratch;

/// A safetensors file: `data` itself, or, where it starts with a brace, the header up to the first newline (its length is put before it)
/// and the tensors' bytes after it. So the fuzzer need not keep a binary length in step with a text.
fn file(data: &[u8]) -> Vec<u8> {
    let end = data.iter().position(|&byte| byte == b'\n');
    match end {
        Some(end) if data.starts_with(b"{") => {
            let (header, tensors) = (&data[..end], &data[end + 1..]);
            [&(header.len() as u64).to_le_bytes(), header, tensors].concat()
        }
        _ => data.to_vec(),
    }
}

/// A weights file.
pub fn weights(data: &[u8]) -> bool {
    let Ok((weights, _, usage)) = TrainedModel::from_bytes(&file(data)) else { return false };
    check(&weights);
    let Some(Ok(model)) = usage.map(|usage| TrainedModel::new(weights, usage)) else { return true };
    let bytes = model.to_bytes().expect("a model that was read can be written");
    let (weights, _, usage) = TrainedModel::from_bytes(&bytes).expect("a model that was written can be read");
    let again = TrainedModel::new(weights, usage.expect("its use")).expect("a use that fits");
    // By their bytes: NaN is not equal to itself.
    assert!(again.to_bytes().expect("the same model") == bytes);
    if let Ok(predictor) = Predictor::new(again) {
        let inputs = predictor.usage().input.iter().product::<usize>();
        if inputs < 1_000 {
            predictor.classify(&vec![0.5; 2 * inputs]).expect("two samples");
        }
    }
    true
}

/// As many values as shapes say, in each tensor of ours.
fn check(weights: &Weights) {
    assert!(weights.architecture.network().inputs() > 0 && weights.architecture.network().outputs() > 0);
    assert!(weights.tensors.len() >= weights.architecture.tensors().len());
    for tensor in &weights.tensors {
        assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
    }
}

/// A checkpoint, as it is and with its seal mended.
pub fn checkpoint(data: &[u8]) -> bool {
    let bytes = file(data);
    let is_read = read_checkpoint(&bytes);
    if let Some(sealed) = resealed(&bytes) {
        read_checkpoint(&sealed);
    }
    is_read
}

fn read_checkpoint(bytes: &[u8]) -> bool {
    let Ok(checkpoint) = Checkpoint::from_bytes(bytes) else { return false };
    check(&checkpoint.weights);
    for state in &checkpoint.optimizer.parameters {
        let tensor = checkpoint.weights.tensors.iter().find(|tensor| tensor.name == state.name).expect("its tensor");
        assert!(state.buffers.iter().all(|buffer| buffer.len() == tensor.values.len()));
    }
    checkpoint.progress.is_best();
    checkpoint.progress.score.mean_loss();
    let folder = scratch();
    let path = folder.path().join("a.safetensors");
    checkpoint.save(&path).expect("a checkpoint that was read can be written");
    let again = Checkpoint::load(&path, &checkpoint.run, &checkpoint.weights.architecture)
        .expect("a checkpoint that was written can be read");
    assert_eq!(again.progress, checkpoint.progress);
    let saved = std::fs::read(&path).expect("the saved checkpoint");
    again.save(&path).expect("a second time");
    // By their bytes: NaN is not equal to itself.
    assert!(std::fs::read(&path).expect("the checkpoint saved again") == saved);
    true
}

/// The file with the SHA-256 that belongs to its contents; none where it is too damaged to have one.
fn resealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header_length, rest) = bytes.split_first_chunk::<8>()?;
    let header_length = usize::try_from(u64::from_le_bytes(*header_length)).ok()?;
    let (header, data) = rest.split_at_checked(header_length)?;
    let file = SafeTensors::deserialize(bytes).ok()?;
    let mut header: Map<String, Value> = serde_json::from_slice(header).ok()?;
    let place = header.get_mut("__metadata__")?.get_mut("checkpoint")?;
    let (_, text): (Value, String) = serde_json::from_str(place.as_str()?).ok()?;
    let contents: Value = serde_json::from_str(&text).ok()?;
    let layers = contents["widths"].as_array()?.len().checked_sub(1)?.min(64);
    let states = contents["states"].as_u64()?.min(2);

    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(text.as_bytes());
    let kinds = (0..=states).map(|n| if n == 0 { String::new() } else { format!(".state{n}") });
    let kinds: Vec<_> = kinds.flat_map(|kind| [format!("weight{kind}"), format!("bias{kind}")]).collect();
    for name in (1..=layers).flat_map(|layer| kinds.iter().map(move |kind| format!("layer{layer}.{kind}"))) {
        part(name.as_bytes());
        part(file.tensor(&name).ok()?.data());
    }
    let seal: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    *place = Value::String(serde_json::to_string(&(seal, text)).ok()?);
    let header = serde_json::to_vec(&header).ok()?;
    Some([&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat())
}
