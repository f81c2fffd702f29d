//! The bits do not depend on the number of threads: every activation and optimizer, with dropout, batches of any size.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_spec::{OptimizerSpec, Precision};
use strata_trainer::{
    Averaging, Batch, ClassifierOptions, Clipping, Device, OptimizerState, Score, TrainingStep, build,
};

const FEATURES: usize = 200;
const CLASSES: usize = 10;
/// The largest is more than one piece of work for each kernel, the others are no multiple of anything.
const BATCHES: [usize; 5] = [130, 7, 33, 1, 65];

fn optimizers() -> Vec<OptimizerSpec> {
    let sgd = |momentum, nesterov, weight_decay| OptimizerSpec::Sgd { momentum, nesterov, weight_decay };
    let (betas, eps, weight_decay) = ([0.9, 0.999], 1e-8, 0.01);
    let adam = OptimizerSpec::Adam { betas, eps, weight_decay };
    let adam_w = OptimizerSpec::AdamW { betas, eps, weight_decay };
    let n_adam = OptimizerSpec::NAdam { betas, eps, weight_decay };
    let lion = OptimizerSpec::Lion { betas, weight_decay };
    vec![sgd(0.0, false, 1e-4), sgd(0.9, false, 0.0), sgd(0.9, true, 1e-4), adam, adam_w, n_adam, lion]
}

fn batch(samples: usize) -> Batch {
    let value = |i: usize| ((i * 7919 + i * i % 1013) % 257) as f32 / 256.0;
    Batch {
        indices: (0..samples as u32).collect(),
        features: (0..samples * FEATURES).map(value).collect(),
        labels: (0..samples).map(|i| (i * 7 % CLASSES) as u8).collect(),
        mix: None,
    }
}

/// Everything that a few steps and an evaluation leave, every number as its bits.
fn outcome(
    threads: usize,
    precision: Precision,
    activation: Activation,
    optimizer: OptimizerSpec,
) -> (Vec<u32>, OptimizerState, [u64; 2]) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let options =
            ClassifierOptions { activation, dropout: 0.3, seed: 43, precision, ..ClassifierOptions::new(optimizer) };
        let mut classifier = build::<mlp!(200, 300, 70, 10), FEATURES, CLASSES>(options).unwrap();
        classifier.initialise(&mut TorchRng::new(43)).unwrap();
        for samples in BATCHES {
            classifier.training_step(batch(samples), 0.01).unwrap();
        }
        BATCHES.into_iter().for_each(|samples| classifier.validation_step(batch(samples)).unwrap());
        let scores: [Score; 2] = [classifier.training_score().unwrap(), classifier.validation_score().unwrap()];
        let (weights, state) = classifier.snapshot().unwrap();
        let values = weights.tensors.iter().flat_map(|tensor| &tensor.values);
        let bits: Vec<u32> = values.inspect(|value| assert!(value.is_finite())).map(|value| value.to_bits()).collect();
        (bits, state, scores.map(|score| score.loss.to_bits()))
    })
}

#[test]
fn one_two_three_and_seven_threads_give_the_same_bits() {
    let mut seen = Vec::new();
    for activation in Activation::ALL {
        let in_f32 = optimizers().into_iter().map(|optimizer| (Precision::F32, optimizer));
        for (precision, optimizer) in in_f32.chain([(Precision::Bf16, optimizers()[1])]) {
            let one = outcome(1, precision, activation, optimizer);
            for threads in [2, 3, 7] {
                assert!(
                    outcome(threads, precision, activation, optimizer) == one,
                    "{activation:?}, {optimizer:?}, {precision}, {threads} threads"
                );
            }
            assert!(!seen.contains(&one.0), "{activation:?}, {optimizer:?}, {precision} is another's");
            seen.push(one.0);
        }
    }
}

/// The bits of weights, state and averages after steps of two batches each, clipped by norm.
fn composed(threads: usize, optimizer: OptimizerSpec) -> (Vec<u32>, OptimizerState) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let step = TrainingStep::from(optimizer)
            .clipping(Clipping { norm: Some(0.5), value: None })
            .averaging(Averaging::Exponential { decay: 0.9 });
        let (device, activation) = (Device::Cpu, Activation::Gelu);
        let options = ClassifierOptions { device, activation, dropout: 0.3, seed: 43, ..ClassifierOptions::new(step) };
        let mut classifier = build::<mlp!(200, 300, 70, 10), FEATURES, CLASSES>(options).unwrap();
        classifier.initialise(&mut TorchRng::new(43)).unwrap();
        for samples in BATCHES {
            classifier.accumulate(batch(samples)).unwrap();
            classifier.training_step(batch(samples / 2 + 1), 0.01).unwrap();
        }
        let (weights, state) = classifier.snapshot().unwrap();
        let average = classifier.averaged_weights().unwrap().unwrap();
        let values = weights.tensors.iter().chain(&average.tensors).flat_map(|tensor| &tensor.values);
        (values.inspect(|value| assert!(value.is_finite())).map(|value| value.to_bits()).collect(), state)
    })
}

#[test]
fn clipped_accumulated_and_averaged_steps_do_not_depend_on_threads() {
    let (alpha, eps, momentum, betas, weight_decay) = (0.9, 1e-8, 0.9, [0.9, 0.999], 0.01);
    for optimizer in [
        OptimizerSpec::RmsProp { alpha, eps, momentum, weight_decay },
        OptimizerSpec::Adagrad { lr_decay: 0.1, eps, weight_decay },
        OptimizerSpec::Muon { momentum, nesterov: true, iterations: 5, betas, eps, weight_decay },
        OptimizerSpec::BetaLasso { lambda: 1e-4, beta: 50.0 },
    ] {
        let one = composed(1, optimizer);
        for threads in [2, 3, 7] {
            assert!(composed(threads, optimizer) == one, "{optimizer:?}, {threads} threads");
        }
    }
}
