//! The same seed gives PyTorch's run: split, initial parameters, batch order and losses against golden values.
//!
//! The files in `golden/` were made by `crates/bench/pytorch/golden.py`; each holds its arguments. More of them are checked by hand:
//!
//! ```text
//! python crates/bench/pytorch/golden.py --seed 5 --hidden 512 --data DATA > FOLDER/any.json
//! STRATA_GOLDEN=FOLDER STRATA_DATA=DATA cargo test --release -p strata-experiment --test all pytorch -- --ignored --nocapture
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what tests share fails as tests do")]

#[path = "../common/formula_images.rs"]
mod formula_images;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use crate::watched::{Watch, Watched};
use formula_images::formula_images;
use serde_json::Value;
use sha2::{Digest, Sha256};
use strata_dataset as dataset;
use strata_dataset::{BatchContent, DataFolder, Images, Order, PixelScale, Split, load};
use strata_experiment::LoaderAdapter;
use strata_model::{Weights, mlp};
use strata_rng::TorchRng;
use strata_spec::{DatasetKind, DatasetSpec};
use strata_trainer::{
    Batches, BuildClassifier, Classifier, ClassifierOptions, Event, HistoryRow, Loader, Observer, Outcome, Phase, Plan,
    Progress, Score, Sgd, TrainError, build, fit,
};

/// Networks whose golden files can be checked.
fn network(widths: &[usize]) -> Option<BuildClassifier> {
    macro_rules! rows {
        ($(($inputs:literal, $($rest:literal),+))+) => {
            [$((&[$inputs, $($rest),+][..], build::<mlp!($inputs, $($rest),+), $inputs, 10> as BuildClassifier)),+]
        };
    }
    let rows = rows! {
        (3072, 64, 32, 10)
        (3072, 96, 48, 24, 10)
        (3072, 10)
        (3072, 512, 10)
        (3072, 17, 3, 10)
        (3072, 128, 128, 128, 128, 10)
        (3072, 2048, 1024, 64, 10)
    };
    rows.into_iter().find(|row| row.0 == widths).map(|row| row.1)
}

/// Serves images to the trainer and notes the indices of every batch.
struct Noting {
    loader: LoaderAdapter,
    served: RefCell<Vec<Vec<u32>>>,
}

impl Loader for Noting {
    fn samples(&self) -> usize {
        self.loader.samples()
    }

    fn batches(&self) -> usize {
        self.loader.batches()
    }

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        Box::new(self.loader.pass(rng, skip).inspect(|batch| {
            if let Ok(batch) = batch {
                self.served.borrow_mut().push(batch.indices.clone());
            }
        }))
    }
}

/// Notes the loss of every training step.
#[derive(Default)]
struct Losses {
    noted: Vec<f64>,
}

impl Watch for Losses {
    fn scored(&mut self, score: &Score) {
        self.noted.push(score.mean_loss());
    }
}

/// Keeps the lines of the history.
#[derive(Default)]
struct Lines(Vec<HistoryRow>);

impl Observer for Lines {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        if let Event::Evaluated { line, .. } = event {
            self.0.push(line.clone());
        }
        Ok(())
    }
    fn checkpoint(&mut self, _: &Progress, _: &mut dyn Classifier, _: bool) -> Result<(), TrainError> {
        Ok(())
    }
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// What Strata does with a golden file's arguments.
struct Ours {
    split: Split,
    parameters: String,
    /// The indices of every training batch, epoch after epoch.
    batches: Vec<Vec<u32>>,
    losses: Vec<f64>,
    history: Vec<HistoryRow>,
}

/// The notebook's order of draws: the split, the layers, then the passes.
fn train(golden: &Value, images: Arc<Images>) -> Ours {
    let build = network(&numbers(&golden["widths"])).expect("add the widths to `network`");
    let batch = integer(&golden["batch"]);
    let mut rng = TorchRng::new(integer(&golden["seed"]) as u64);
    let held_out = golden["validation"].as_array().unwrap().len();
    let split = Split::random(images.len(), held_out, &mut rng).unwrap();
    let options = ClassifierOptions { ..ClassifierOptions::new(Sgd::default()) };
    let mut classifier = Watched { inner: build(options).unwrap(), watch: Losses::default() };
    classifier.initialise(&mut rng).unwrap();
    let parameters = sha256_of_parameters(&classifier.snapshot().unwrap().0);
    let loader = |indices: &[u32], batch, order| {
        let scale = PixelScale::Unit.transform(images.shape()).unwrap();
        let images = Arc::clone(&images);
        let loader =
            dataset::ImageLoader::new(images, indices.to_vec(), batch, order, scale, BatchContent::Pixels).unwrap();
        Noting { loader: LoaderAdapter(loader), served: RefCell::default() }
    };
    let train = loader(&split.train, batch, Order::Shuffled);
    let validation = loader(&split.validation, 2 * batch, Order::InOrder);
    let epochs = golden["epochs"].as_array().unwrap().len();
    let phase = Phase::constant(epochs, golden["lr"].as_f64().unwrap());
    let plan = Plan { phases: vec![phase], ..Plan::default() };
    let start = Progress::new(&rng);
    let mut history = Lines::default();
    let (_, outcome) = fit(&mut classifier, &train, &validation, &plan, start, &mut history).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    let batches = train.served.into_inner();
    Ours { split, parameters, batches, losses: classifier.watch.noted, history: history.0 }
}

/// Allowed relative differences; the draws may not differ at all.
struct Tolerance {
    /// Of the losses of the first 36 steps, and of the later ones: rounding grows with the steps.
    first_losses: f64,
    later_losses: f64,
    /// Of the validation losses.
    validation: f64,
    /// How many validation samples may be classified otherwise.
    samples: f64,
}

/// Checks a golden file; the worst relative error of a training loss (first 36 steps, later) and of a validation loss.
fn check(golden: &Value, ours: &Ours, allowed: &Tolerance) -> [f64; 3] {
    assert_eq!(ours.split.validation, indices(&golden["validation"]), "the validation images");
    assert_eq!(ours.split.sha256(), text(&golden["split_sha256"]), "the training images");
    assert_eq!(ours.parameters, text(&golden["parameters_sha256"]), "the initial parameters");
    let batches = ours.split.train.len().div_ceil(integer(&golden["batch"]));
    let epochs = golden["epochs"].as_array().unwrap();
    assert_eq!(ours.batches.len(), epochs.len() * batches, "steps");
    assert_eq!(ours.losses.len(), ours.batches.len(), "a loss a step");
    let mut worst = [0.0_f64; 3];
    for (number, epoch) in epochs.iter().enumerate() {
        let served = &ours.batches[number * batches..(number + 1) * batches];
        assert_eq!(served[0], indices(&epoch["first_batch"]), "the first batch of epoch {number}");
        assert_eq!(sha256_of_indices(&served.concat()), text(&epoch["order_sha256"]), "the order of epoch {number}");
        let theirs = epoch["train_losses"].as_array().unwrap();
        assert_eq!(theirs.len(), batches);
        for (i, theirs) in theirs.iter().enumerate() {
            let step = number * batches + i;
            let error = relative(ours.losses[step], theirs);
            let later = usize::from(step >= 36);
            let allowed = [allowed.first_losses, allowed.later_losses][later];
            worst[later] = worst[later].max(error);
            assert!(error <= allowed, "step {step}: loss {}, PyTorch has {theirs}", ours.losses[step]);
        }
    }
    let evaluations = std::iter::once(&golden["initial"]).chain(epochs.iter().map(|epoch| &epoch["val"]));
    assert_eq!(ours.history.len(), epochs.len() + 1);
    for (line, theirs) in ours.history.iter().zip(evaluations) {
        let error = relative(line.val_loss, &theirs["loss"]);
        worst[2] = worst[2].max(error);
        assert!(error <= allowed.validation, "{line:?}, PyTorch has {theirs}");
        let samples = (line.val_acc - theirs["acc"].as_f64().unwrap()).abs() * ours.split.validation.len() as f64;
        assert!(samples <= allowed.samples + 1e-6, "{line:?}, PyTorch has {theirs}");
    }
    worst
}

#[test]
fn a_run_of_seed_43_equals_pytorchs() {
    small_run(include_str!("../golden/seed43.json"));
}

/// Another seed, another depth, and a last batch that is smaller: 1,800 images in batches of 64.
#[test]
fn a_run_of_seed_7_equals_pytorchs() {
    small_run(include_str!("../golden/seed7.json"));
}

fn small_run(golden: &str) {
    let golden: Value = serde_json::from_str(golden).unwrap();
    let ours = train(&golden, Arc::new(formula_images(integer(&golden["images"])).unwrap()));
    let allowed = Tolerance { first_losses: 1e-5, later_losses: 1e-5, validation: 1e-5, samples: 0.0 };
    check(&golden, &ours, &allowed);
}

/// See the head of this file.
#[test]
#[ignore = "checks golden files that a person made: STRATA_GOLDEN names their folder"]
fn golden_histories_of_pytorch_are_matched() {
    let folder = std::env::var_os("STRATA_GOLDEN").expect("STRATA_GOLDEN names a folder of golden files");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no golden file there");
    for file in files {
        let golden: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let images = if text(&golden["data"]) == "CIFAR-10" {
            let folder = std::env::var_os("STRATA_DATA").expect("STRATA_DATA names the folder of CIFAR-10's files");
            real_images(Path::new(&folder))
        } else {
            Arc::new(formula_images(integer(&golden["images"])).unwrap())
        };
        let ours = train(&golden, images);
        let allowed = Tolerance { first_losses: 1e-5, later_losses: 1e-2, validation: 1e-3, samples: 10.0 };
        let [first, later, validation] = check(&golden, &ours, &allowed);
        println!(
            "{}: widths {}, seed {}, {} steps, relative errors of losses: first 36 {first:.1e}, later {later:.1e}, \
             validation {validation:.1e}",
            file.display(),
            golden["widths"],
            golden["seed"],
            ours.losses.len()
        );
    }
}

fn real_images(folder: &Path) -> Arc<Images> {
    let spec = DatasetSpec::published(DatasetKind::Cifar10).unwrap();
    load(&spec, &DataFolder::Existing(folder.to_owned()), &|| false, &mut |_| {}).unwrap().train
}

fn sha256_of_parameters(weights: &Weights) -> String {
    let values = weights.tensors.iter().flat_map(|tensor| &tensor.values);
    sha256(values.flat_map(|value| value.to_le_bytes()))
}

fn sha256_of_indices(indices: &[u32]) -> String {
    sha256(indices.iter().flat_map(|index| index.to_le_bytes()))
}

fn sha256(bytes: impl Iterator<Item = u8>) -> String {
    let bytes: Vec<u8> = bytes.collect();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn relative(ours: f64, theirs: &Value) -> f64 {
    let theirs = theirs.as_f64().unwrap();
    (ours - theirs).abs() / theirs.abs()
}

fn integer(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn numbers(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(integer).collect()
}

fn indices(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|index| index as u32).collect()
}
