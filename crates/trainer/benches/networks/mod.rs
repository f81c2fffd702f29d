//! Networks and batches for the benches.
#![allow(dead_code, unreachable_pub, reason = "each bench uses its part")]

use std::error::Error;

use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{Batch, BuildClassifier, Classifier, ClassifierOptions, Device, Optimizer, build};

/// Pixels of an image.
pub const INPUTS: usize = 3072;

/// The widths that a program of these benches knows, the notebook's first.
pub fn rows() -> Vec<(&'static [usize], BuildClassifier)> {
    macro_rules! rows {
        ($(($inputs:literal, $($rest:literal),+))+) => {
            vec![$((&[$inputs, $($rest),+][..], build::<mlp!($inputs, $($rest),+), $inputs, 10> as BuildClassifier)),+]
        };
    }
    rows! {
        (3072, 2048, 1024, 64, 10)
        (3072, 10)
        (3072, 64, 10)
        (3072, 512, 10)
        (3072, 1000, 10)
        (3072, 4096, 10)
        (3072, 8192, 10)
        (3072, 1024, 10)
        (3072, 1024, 1024, 10)
        (3072, 1024, 1024, 1024, 10)
        (3072, 1024, 1024, 1024, 1024, 10)
        (3072, 1024, 1024, 1024, 1024, 1024, 10)
        (3072, 1024, 1024, 1024, 1024, 1024, 1024, 10)
        (3072, 256, 256, 256, 10)
        (3072, 777, 333, 10)
        (3072, 4096, 4096, 10)
        (3072, 4000, 1000, 4000, 10)
    }
}

/// The notebook's network, or another of [`rows`], initialised at seed 43.
pub fn classifier(widths: &[usize], optimizer: Optimizer) -> Result<Box<dyn Classifier>, Box<dyn Error>> {
    let Some((_, build)) = rows().into_iter().find(|row| row.0 == widths) else {
        let known: Vec<String> = rows().iter().map(|row| name(row.0)).collect();
        return Err(format!("no network {}; this program has {}", name(widths), known.join(" ")).into());
    };
    let mut classifier = build(ClassifierOptions {
        device: Device::Cpu,
        optimizer,
        activation: Activation::Relu,
        dropout: 0.0,
        seed: 43,
        resident: None,
    })?;
    classifier.initialise(&mut TorchRng::new(43))?;
    Ok(classifier)
}

/// Gradient descent as the notebook has it.
pub const SGD: Optimizer = Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };

/// Uniform pixels in `0..1` and labels.
pub fn batch(samples: usize) -> Batch {
    let mut rng = TorchRng::new(1);
    let mut features = vec![0.0; samples * INPUTS];
    rng.fill_uniform(&mut features, 0.0, 1.0);
    let labels = (0..samples).map(|_| (rng.next_u32() % 10) as u8).collect();
    Batch { indices: (0..samples as u32).collect(), features, labels }
}

/// `3072-2048-1024-64-10`.
pub fn name(widths: &[usize]) -> String {
    widths.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

/// Multiplications and additions of a training step: two products of each layer, and the input's gradient of each but the
/// first; `2 · batch · inputs · outputs` each.
pub fn step_operations(widths: &[usize], batch: usize) -> f64 {
    let products = |place| if place == 0 { 2.0 } else { 3.0 };
    let layers = widths.windows(2).enumerate();
    layers.map(|(place, pair)| products(place) * 2.0 * (batch * pair[0] * pair[1]) as f64).sum()
}
