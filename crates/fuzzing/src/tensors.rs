//! Weights files and checkpoints, both safetensors files.

use safetensors::SafeTensors;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use strata_model::Weights;
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
    let Ok((weights, classes)) = Weights::from_bytes(&file(data)) else { return false };
    let layers: Vec<_> = weights.architecture.layers().collect();
    assert_eq!(layers.len(), weights.layers.len());
    for ((inputs, outputs), layer) in layers.into_iter().zip(&weights.layers) {
        assert!(inputs > 0 && outputs > 0);
        assert_eq!((layer.weight.len(), layer.bias.len()), (inputs * outputs, outputs));
    }
    assert!(weights.architecture.parameters() > 0);
    let bytes = weights.to_bytes(&classes).expect("weights that were read can be written");
    let (again, same_classes) = Weights::from_bytes(&bytes).expect("weights that were written can be read");
    // By their bytes: NaN is not equal to itself.
    assert!(again.to_bytes(&same_classes).expect("the same weights") == bytes && same_classes == classes);
    true
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
    let layers: Vec<_> = checkpoint.weights.architecture.layers().collect();
    assert!(layers.len() == checkpoint.weights.layers.len() && layers.len() == checkpoint.optimizer.layers.len());
    for ((inputs, outputs), state) in layers.into_iter().zip(&checkpoint.optimizer.layers) {
        assert!(inputs > 0 && outputs > 0);
        assert!(state.weight.iter().all(|buffer| buffer.len() == inputs * outputs));
        assert!(state.bias.iter().all(|buffer| buffer.len() == outputs));
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
