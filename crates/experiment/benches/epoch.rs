//! Whole passes over 45,000 images: what the loader alone takes, and an epoch with data and validation. `cargo xtask bench`.
#![allow(clippy::expect_used, reason = "a bench that cannot start says so and ends")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use strata_dataset as dataset;
use strata_dataset::{BatchContent, Images, Order, PixelScale, Split, Synthetic};
use strata_experiment::Served;
use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{ClassifierOptions, Device, Loader, Optimizer, Phase, Plan, Progress, build, fit};

fn main() {
    divan::main();
}

/// The notebook's numbers of images: 45,000 to train on, 5,000 to validate on.
fn images() -> (Arc<Images>, Split, TorchRng) {
    let data = Synthetic { seed: 1, train: 50_000, test: 10 }.generate().expect("50,000 images are not too many");
    let mut rng = TorchRng::new(43);
    let split = Split::random(50_000, 5_000, &mut rng).expect("5,000 of 50,000");
    (data.train, split, rng)
}

fn served(images: &Arc<Images>, indices: &[u32], batch: usize, order: Order) -> Served {
    let (images, indices) = (Arc::clone(images), indices.to_vec());
    let loader = dataset::Loader::new(images, indices, batch, order, PixelScale::Unit, BatchContent::Pixels);
    Served(loader.expect("the split's indices are images"))
}

/// A shuffled pass whose batches are only dropped. Items are samples.
#[divan::bench(args = [128, 512], sample_count = 5)]
fn loader(bencher: Bencher<'_, '_>, samples: usize) {
    let (images, split, mut rng) = images();
    let served = served(&images, &split.train, samples, Order::Shuffled);
    bencher.counter(ItemsCount::new(split.train.len())).bench_local(|| served.pass(&mut rng, 0).count());
}

/// An epoch of the notebook's network with its data, the evaluation before it and the one after. Items are samples trained on.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn epoch(bencher: Bencher<'_, '_>) {
    let (images, split, mut rng) = images();
    let options = ClassifierOptions {
        device: Device::Cpu,
        optimizer: Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
        activation: Activation::Relu,
        dropout: 0.0,
        seed: 43,
        resident: None,
    };
    let mut classifier = build::<mlp!(3072, 2048, 1024, 64, 10), 3072, 10>(options).expect("a CPU is there");
    classifier.initialise(&mut rng).expect("a CPU does not fail");
    let train = served(&images, &split.train, 128, Order::Shuffled);
    let validation = served(&images, &split.validation, 256, Order::InOrder);
    let phases = vec![Phase { epochs: 1, learning_rate: 0.1 }];
    let plan = Plan { phases, early_stopping: None, checkpoint_every: None };
    bencher.counter(ItemsCount::new(split.train.len())).bench_local(|| {
        fit(&mut *classifier, &train, &validation, &plan, Progress::new(&rng), &mut ()).expect("a finite loss")
    });
}
