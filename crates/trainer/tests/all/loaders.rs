//! A loader that does not serve what it announces: an error, in every pass, before a number is made of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Amount, Batch, Batches, Classifier, ClassifierOptions, Criterion, EarlyStopping, HistoryRow, Loader, Pass, Phase,
    Plan, Progress, Sgd, TrainError, build, evaluate, fit,
};

fn classifier() -> Box<dyn Classifier> {
    let options =
        ClassifierOptions { activation: Activation::Tanh, seed: 43, ..ClassifierOptions::new(Sgd::default()) };
    let mut classifier = build::<mlp!(12, 8, 3), FEATURES, CLASSES>(options).unwrap();
    classifier.initialise(&mut TorchRng::new(43)).unwrap();
    classifier
}

/// Serves the batches of `served`, and announces what `announced` has.
struct Liar {
    served: Memory,
    announced: Memory,
    /// Batches that are emptied.
    empty: Option<usize>,
    /// Whether batches that are to be skipped are served.
    ignores_skip: bool,
}

fn memory(samples: usize, batch: usize) -> Memory {
    Memory { samples, batch, shuffle: false, indices_only: false }
}

fn liar(served: Memory, announced: Memory) -> Liar {
    Liar { served, announced, empty: None, ignores_skip: false }
}

impl Loader for Liar {
    fn samples(&self) -> usize {
        self.announced.samples()
    }

    fn batches(&self) -> usize {
        self.announced.batches()
    }

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        let skip = if self.ignores_skip { 0 } else { skip };
        let pass = self.served.pass(rng, skip).enumerate();
        Box::new(pass.map(|(number, batch)| if self.empty == Some(number) { Ok(Batch::default()) } else { batch }))
    }
}

fn plan() -> Plan {
    Plan { phases: vec![Phase::constant(2, 0.1)], checkpoint_every: Some(2), ..Plan::default() }
}

fn trained(train: &dyn Loader, validation: &dyn Loader, progress: Progress) -> TrainError {
    fit(&mut *classifier(), train, validation, &plan(), progress, &mut ()).unwrap_err()
}

fn evaluated(loader: &dyn Loader) -> TrainError {
    evaluate(&mut *classifier(), loader, &mut TorchRng::new(1), Pass::Test, &mut ()).unwrap_err()
}

fn amounts(error: &TrainError) -> (Pass, Amount, Amount) {
    match error {
        TrainError::Served { pass, announced, served } => (*pass, *announced, *served),
        other => panic!("{other}"),
    }
}

#[test]
fn fewer_and_more_batches_or_samples_than_announced_are_refused_in_every_pass() {
    // (served, announced, what was served when it was noticed, why)
    let cases = [
        (memory(16, 16), memory(30, 16), (1, 16), "one batch of two"),
        (memory(48, 16), memory(30, 16), (2, 32), "a full batch in place of the last"),
        (memory(40, 10), memory(30, 10), (4, 40), "four batches of three"),
        (memory(29, 16), memory(30, 16), (2, 29), "a sample too few in the last batch"),
        (memory(0, 16), memory(30, 16), (0, 0), "nothing at all"),
    ];
    let fresh = || Progress::new(&TorchRng::new(1));
    let good = memory(30, 16);
    for (served, announced, noticed, why) in cases {
        let bad = liar(served, announced);
        let training = Pass::Training { epoch: 0, learning_rate: 0.1 };
        for (error, expected) in [
            (trained(&bad, &good, fresh()), training),
            (trained(&good, &bad, fresh()), Pass::Initial),
            (evaluated(&bad), Pass::Test),
        ] {
            let (pass, announced, served) = amounts(&error);
            assert_eq!(pass, expected, "{why}");
            assert_eq!(announced, Amount { batches: bad.batches(), samples: 30 }, "{why}");
            assert_eq!((served.batches, served.samples), noticed, "{why}");
        }
    }
    let error = evaluated(&liar(memory(16, 16), memory(30, 16))).to_string();
    let expected = "in the test the loader announced 2 batches with 30 samples and served 1 batches with 16 samples";
    assert_eq!(error, expected);
}

#[test]
fn the_validation_after_an_epoch_is_counted_too() {
    let progress = Progress { last: Some(HistoryRow::initial(1.0, 0.5)), ..Progress::new(&TorchRng::new(1)) };
    let error = trained(&memory(30, 16), &liar(memory(16, 16), memory(30, 16)), progress);
    assert_eq!(amounts(&error).0, Pass::Validation { epoch: 0 });
}

#[test]
fn a_loader_without_samples_is_refused() {
    let error = evaluated(&memory(0, 16));
    assert!(matches!(error, TrainError::NoSamples { pass: Pass::Test, .. }), "{error}");
    assert_eq!(error.to_string(), "the test has no samples: the loader announced 0 batches with 0 samples");
}

#[test]
fn an_empty_batch_is_named_by_its_number() {
    let bad = Liar { empty: Some(1), ..liar(memory(30, 10), memory(30, 10)) };
    let error = evaluated(&bad);
    assert!(matches!(error, TrainError::InBatch { batch: 1, pass: Pass::Test, .. }), "{error}");
    assert_eq!(error.to_string(), "batch 1 of the test: a batch without a sample");
}

#[test]
fn a_batch_that_does_not_fit_is_named_by_its_number_and_pass() {
    struct Narrow(Memory);
    impl Loader for Narrow {
        fn samples(&self) -> usize {
            self.0.samples()
        }
        fn batches(&self) -> usize {
            self.0.batches()
        }
        fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
            Box::new(self.0.pass(rng, skip).enumerate().map(|(number, batch)| {
                batch.map(|mut batch| {
                    if number == 2 {
                        batch.features.truncate(batch.len() * 5);
                    }
                    batch
                })
            }))
        }
    }
    let narrow = Narrow(memory(30, 10));
    let fresh = || Progress::new(&TorchRng::new(1));
    let error = trained(&narrow, &memory(30, 16), fresh());
    assert_eq!(
        error.to_string(),
        "batch 2 of the training of epoch 0: 50 values for 10 samples; the network takes 12 features a sample"
    );
    let error = evaluated(&narrow);
    assert!(matches!(error, TrainError::InBatch { batch: 2, pass: Pass::Test, .. }), "{error}");
}

#[test]
fn a_batch_that_cannot_be_made_is_the_loaders_own_error_in_every_pass() {
    /// Whose second batch is lost.
    struct Lost(Memory);
    impl Loader for Lost {
        fn samples(&self) -> usize {
            self.0.samples()
        }
        fn batches(&self) -> usize {
            self.0.batches()
        }
        fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
            let lost = |number, batch| if number == 1 { Err("the disk is gone".into()) } else { batch };
            Box::new(self.0.pass(rng, skip).enumerate().map(move |(number, batch)| lost(number, batch)))
        }
    }
    let (lost, good) = (Lost(memory(30, 10)), memory(30, 16));
    let fresh = || Progress::new(&TorchRng::new(1));
    for (error, pass) in [
        (trained(&lost, &good, fresh()), "the training of epoch 0"),
        (trained(&good, &lost, fresh()), "the initial evaluation"),
        (evaluated(&lost), "the test"),
    ] {
        assert_eq!(error.to_string(), format!("batch 1 of {pass}: the disk is gone"));
        let TrainError::InBatch { source, .. } = error else { panic!("{error}") };
        assert!(matches!(*source, TrainError::Loader(_)), "{source:?}");
    }
}

/// Stopped after two batches of four; what is counted is the whole pass.
#[test]
fn a_resumed_pass_counts_the_batches_before_the_stop() {
    let train = memory(40, 10);
    let mut keeper = Keeper { interrupt_after: Some(2 + 2), ..Keeper::default() };
    let progress = Progress::new(&TorchRng::new(1));
    fit(&mut *classifier(), &train, &memory(30, 16), &plan(), progress, &mut keeper).unwrap();
    let progress = keeper.checkpoints.pop().unwrap().progress;
    assert_eq!((progress.epoch, progress.batches), (0, 2));

    fit(&mut *classifier(), &train, &memory(30, 16), &plan(), progress.clone(), &mut ()).unwrap();
    let again = Liar { ignores_skip: true, ..liar(memory(40, 10), memory(40, 10)) };
    let (_, announced, served) = amounts(&trained(&again, &memory(30, 16), progress.clone()));
    assert_eq!((announced.batches, served.batches, served.samples), (4, 5, 50));
    // A loader that is shorter than what was trained on already.
    let shorter = trained(&memory(10, 10), &memory(30, 16), progress).to_string();
    assert!(shorter.contains("it stands at batch 2 of epoch 0; there are 2 epochs of 1 batches"), "{shorter}");
}

/// A plan with early stopping, and progress that never watched a metric: the run would be longer than the rule says.
#[test]
fn progress_without_the_watched_metric_is_refused() {
    let mut keeper = Keeper::default();
    let (train, validation) = (memory(30, 10), memory(30, 16));
    let fresh = Progress::new(&TorchRng::new(1));
    fit(&mut *classifier(), &train, &validation, &plan(), fresh, &mut keeper).unwrap();
    let mut progress = keeper.checkpoints.pop().unwrap().progress;
    let stopping = EarlyStopping { metric: Criterion::val_loss(), patience: 1, min_delta: 1e9 };
    let plan = Plan { early_stopping: Some(stopping), phases: vec![Phase::constant(9, 0.1)], ..plan() };
    let run = |progress| fit(&mut *classifier(), &train, &validation, &plan, progress, &mut ());
    assert!(matches!(run(progress.clone()), Err(TrainError::Progress { .. })));
    progress.replay(&keeper.history, &plan);
    assert_eq!(run(progress).unwrap().0.epoch, 2, "the second epoch was no improvement");
}
