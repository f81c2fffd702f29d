//! Step, evaluation, save and load of the notebook's network: `cargo xtask bench`.
#![allow(clippy::expect_used, reason = "a bench that cannot start says so and ends")]

mod networks;

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use networks::{SGD, batch, classifier, rows};
use strata_model::Weights;
use strata_trainer::{Checkpoint, Classifier, Optimizer, Progress};

fn main() {
    divan::main();
}

fn notebook(optimizer: Optimizer) -> Box<dyn Classifier> {
    classifier(rows()[0].0, optimizer).expect("the notebook's network builds")
}

/// A whole training step: forward, loss, backward, update. Items are samples.
#[divan::bench(args = [128, 512], min_time = 2)]
fn step(bencher: Bencher<'_, '_>, samples: usize) {
    time_steps(bencher, SGD, samples);
}

/// The same with an optimizer that keeps two buffers a parameter.
#[divan::bench(args = [128], min_time = 2)]
fn step_adam(bencher: Bencher<'_, '_>, samples: usize) {
    let adam = Optimizer::Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
    time_steps(bencher, adam, samples);
}

fn time_steps(bencher: Bencher<'_, '_>, optimizer: Optimizer, samples: usize) {
    let mut classifier = notebook(optimizer);
    let batch = batch(samples);
    bencher.counter(ItemsCount::new(samples)).with_inputs(|| batch.clone()).bench_local_values(|batch| {
        classifier.training_step(batch, 1e-4).expect("the batch fits");
    });
}

/// A batch without training. Items are samples.
#[divan::bench(args = [256], min_time = 2)]
fn evaluation(bencher: Bencher<'_, '_>, samples: usize) {
    let mut classifier = notebook(SGD);
    let batch = batch(samples);
    bencher.counter(ItemsCount::new(samples)).with_inputs(|| batch.clone()).bench_local_values(|batch| {
        classifier.validation_step(batch).expect("the batch fits");
    });
}

/// Weights to a file, synced: 34 MB.
#[divan::bench(sample_count = 20)]
fn save_weights(bencher: Bencher<'_, '_>) {
    let (weights, _) = notebook(SGD).snapshot().expect("weights in memory");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    bencher.bench_local(|| weights.save(&path, &[]).expect("room on the disk"));
}

/// Weights from a file in the system's cache.
#[divan::bench(sample_count = 20)]
fn load_weights(bencher: Bencher<'_, '_>) {
    let (weights, _) = notebook(SGD).snapshot().expect("weights in memory");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    weights.save(&path, &[]).expect("room on the disk");
    bencher.bench_local(|| black_box(Weights::load(&path).expect("it was just written")));
}

/// A checkpoint of weights without optimizer state: a snapshot, its checksum, a synced file.
#[divan::bench(sample_count = 20)]
fn save_checkpoint(bencher: Bencher<'_, '_>) {
    let mut classifier = notebook(SGD);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("last.ckpt");
    let progress = Progress::new(&strata_rng::TorchRng::new(43));
    bencher.bench_local(|| {
        let (weights, optimizer) = classifier.snapshot().expect("weights in memory");
        let checkpoint = Checkpoint { run: "bench".into(), progress: progress.clone(), weights, optimizer };
        checkpoint.save(&path).expect("room on the disk");
    });
}
