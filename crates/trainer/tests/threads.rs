//! The bits do not depend on the number of threads: every activation and optimizer, with dropout, batches of any size.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{Batch, ClassifierOptions, Device, Optimizer, OptimizerState, Score, build};

const FEATURES: usize = 200;
const CLASSES: usize = 10;
/// The largest is more than one piece of work for each kernel, the others are no multiple of anything.
const BATCHES: [usize; 5] = [130, 7, 33, 1, 65];

fn optimizers() -> Vec<Optimizer> {
    let sgd = |momentum, nesterov, weight_decay| Optimizer::Sgd { momentum, nesterov, weight_decay };
    let adam = |decoupled| Optimizer::Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.01, decoupled };
    vec![sgd(0.0, false, 1e-4), sgd(0.9, false, 0.0), sgd(0.9, true, 1e-4), adam(false), adam(true)]
}

fn batch(samples: usize) -> Batch {
    let value = |i: usize| ((i * 7919 + i * i % 1013) % 257) as f32 / 256.0;
    Batch {
        indices: (0..samples as u32).collect(),
        features: (0..samples * FEATURES).map(value).collect(),
        labels: (0..samples).map(|i| (i * 7 % CLASSES) as u8).collect(),
    }
}

/// Everything that a few steps and an evaluation leave, every number as its bits.
fn outcome(threads: usize, activation: Activation, optimizer: Optimizer) -> (Vec<u32>, OptimizerState, [u64; 2]) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let options =
            ClassifierOptions { device: Device::Cpu, optimizer, activation, dropout: 0.3, seed: 43, resident: None };
        let mut classifier = build::<mlp!(200, 300, 70, 10), FEATURES, CLASSES>(options).unwrap();
        classifier.initialise(&mut TorchRng::new(43)).unwrap();
        for samples in BATCHES {
            classifier.training_step(batch(samples), 0.01).unwrap();
        }
        BATCHES.into_iter().for_each(|samples| classifier.validation_step(batch(samples)).unwrap());
        let scores: [Score; 2] = [classifier.training_score().unwrap(), classifier.validation_score().unwrap()];
        let (weights, state) = classifier.snapshot().unwrap();
        let values = weights.layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias));
        let bits: Vec<u32> = values.inspect(|value| assert!(value.is_finite())).map(|value| value.to_bits()).collect();
        (bits, state, scores.map(|score| score.loss.to_bits()))
    })
}

#[test]
fn one_two_three_and_seven_threads_give_the_same_bits() {
    let mut seen = Vec::new();
    for activation in Activation::ALL {
        for optimizer in optimizers() {
            let one = outcome(1, activation, optimizer);
            for threads in [2, 3, 7] {
                assert!(
                    outcome(threads, activation, optimizer) == one,
                    "{activation:?}, {optimizer:?}, {threads} threads"
                );
            }
            assert!(!seen.contains(&one.0), "{activation:?}, {optimizer:?} is another's");
            seen.push(one.0);
        }
    }
}
