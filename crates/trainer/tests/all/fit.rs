//! The loop: what it reports, when it ends, what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::cell::Cell;

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_spec::OptimizerSpec;
use strata_trainer::{
    Batch, Batches, Classifier, ClassifierOptions, Criterion, Device, DeviceChoice, EarlyStopping, Loader, Outcome,
    Pass, Phase, Plan, Progress, ScheduleSpec, TrainError, build, evaluate, fit,
};

fn classifier() -> Box<dyn Classifier> {
    let options = ClassifierOptions {
        activation: Activation::Tanh,
        seed: 43,
        ..ClassifierOptions::new(OptimizerSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 })
    };
    let mut classifier = build::<mlp!(12, 8, 3), FEATURES, CLASSES>(options).unwrap();
    classifier.initialise(&mut TorchRng::new(43)).unwrap();
    classifier
}

fn loader(samples: usize, batch: usize) -> Memory {
    Memory { samples, batch, shuffle: false, indices_only: false }
}

fn plan(phases: &[(usize, f64)]) -> Plan {
    let phases = phases.iter().map(|(epochs, learning_rate)| Phase::constant(*epochs, *learning_rate));
    Plan { phases: phases.collect(), ..Plan::default() }
}

#[test]
fn the_history_carries_on_over_phases_and_the_classes_are_learned() {
    let mut keeper = Keeper::default();
    let progress = Progress::new(&TorchRng::new(1));
    let plan = plan(&[(10, 0.5), (2, 0.1)]);
    let (progress, outcome) =
        fit(&mut *classifier(), &loader(90, 16), &loader(30, 16), &plan, progress, &mut keeper).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    assert_eq!(progress.last.as_ref(), keeper.history.last());
    let highest = keeper.history[1..].iter().map(|line| line.val_acc).fold(0.0, f64::max);
    let first = keeper.history[1..].iter().find(|line| line.val_acc == highest);
    assert_eq!(progress.best.as_ref(), first, "the first of the highest accuracy");
    let places: Vec<_> = keeper.history.iter().map(|line| (line.phase, line.epoch, line.learning_rate)).collect();
    assert_eq!(places[0], (None, None, None));
    assert_eq!(places[10], (Some(0), Some(9), Some(0.5)));
    assert_eq!(places[12], (Some(1), Some(11), Some(0.1)));
    assert!(keeper.history[0].train_loss.is_none() && keeper.history[12].train_loss.unwrap() < 0.5);
    assert!(highest > 0.95, "{:?}", keeper.history);
}

/// 30 samples in batches of 7 end in one of 2: a mean of batch means would count those two three and a half times.
#[test]
fn evaluation_is_exact_over_samples_whatever_the_batches() {
    let score = |batch| {
        let mut rng = TorchRng::new(1);
        evaluate(&mut *classifier(), &loader(30, batch), &mut rng, Pass::Test, &mut Keeper::default()).unwrap().unwrap()
    };
    let (one, sevens) = (score(1), score(7));
    assert_eq!((one.samples, one.correct), (30, sevens.correct));
    assert!((one.mean_loss() - sevens.mean_loss()).abs() < 1e-6, "{one:?} {sevens:?}");
}

#[test]
fn a_nan_training_loss_stops_the_run() {
    let progress = Progress::new(&TorchRng::new(1));
    let plan = plan(&[(50, 1e38)]);
    let result = fit(&mut *classifier(), &loader(90, 16), &loader(30, 16), &plan, progress, &mut Keeper::default());
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::NotFinite { epoch: 0, .. }), "{error}");
    assert!(error.to_string().contains("smaller learning rate"), "{error}");
}

/// A loader whose samples are no numbers from pass `from` on.
struct Broken {
    loader: Memory,
    from: usize,
    passes: Cell<usize>,
}

impl Loader for Broken {
    fn samples(&self) -> usize {
        self.loader.samples()
    }

    fn batches(&self) -> usize {
        self.loader.batches()
    }

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        let broken = self.passes.replace(self.passes.get() + 1) >= self.from;
        Box::new(self.loader.pass(rng, skip).map(move |batch| {
            batch.map(|mut batch| {
                if broken {
                    batch.features.fill(f32::NAN);
                }
                batch
            })
        }))
    }
}

#[test]
fn a_nan_validation_loss_stops_the_run_and_is_named_as_such() {
    for (from, told, lines) in [(0, "is NaN before the first step: ", 1), (2, "is NaN after epoch 1; a smaller", 3)] {
        let validation = Broken { loader: loader(30, 16), from, passes: Cell::default() };
        let progress = Progress::new(&TorchRng::new(1));
        let mut keeper = Keeper::default();
        let result = fit(&mut *classifier(), &loader(90, 16), &validation, &plan(&[(5, 0.1)]), progress, &mut keeper);
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(&format!("the validation loss {told}")), "{error}");
        assert_eq!(keeper.history.len(), lines, "its line is told");
    }
}

#[test]
fn early_stopping_ends_the_run() {
    let stopping = EarlyStopping { metric: Criterion::val_acc(), patience: 2, min_delta: 1.0 };
    let plan = Plan { early_stopping: Some(stopping), ..plan(&[(10, 0.1)]) };
    let progress = Progress::new(&TorchRng::new(1));
    let (progress, outcome) =
        fit(&mut *classifier(), &loader(30, 16), &loader(30, 16), &plan, progress, &mut Keeper::default()).unwrap();
    // No epoch can be better than the first by more than 1: two more are waited for.
    assert_eq!((outcome, progress.epoch), (Outcome::StoppedEarly, 3));
    // Of three epochs none is left out.
    let whole = Plan { phases: vec![Phase::constant(3, 0.1)], ..plan };
    let progress = Progress::new(&TorchRng::new(1));
    let (_, outcome) =
        fit(&mut *classifier(), &loader(30, 16), &loader(30, 16), &whole, progress, &mut Keeper::default()).unwrap();
    assert_eq!(outcome, Outcome::Finished);
}

/// A rate that halves a hundred times is no number of 32 bits any more, and the run ends all the same.
#[test]
fn a_rate_that_decays_to_nothing_is_zero() {
    let schedule = ScheduleSpec::Step { every: 1, factor: 1e-20 };
    let plan = Plan { phases: vec![Phase::new(4, 0.1, schedule)], ..plan(&[]) };
    let (progress, mut keeper) = (Progress::new(&TorchRng::new(1)), Keeper::default());
    fit(&mut *classifier(), &loader(30, 16), &loader(30, 16), &plan, progress, &mut keeper).unwrap();
    let rates: Vec<_> = keeper.history.iter().filter_map(|row| row.learning_rate).collect();
    assert_eq!((rates[0], &rates[2..]), (0.1, &[0.0, 0.0][..]), "{rates:?}");
}

#[test]
fn progress_where_no_run_of_the_plan_can_stand_is_refused() {
    let plan = Plan { accumulate: std::num::NonZeroUsize::new(2), ..plan(&[(2, 0.1)]) };
    // Six batches of 16 an epoch.
    for (epoch, batches, expected) in [
        (3, 0, "there are 2 epochs of 6"),
        (0, 7, "batch 7 of epoch 0"),
        (1, 3, "in the middle of a step of 2 batches"),
    ] {
        let progress = Progress { epoch, batches, ..Progress::new(&TorchRng::new(1)) };
        let result = fit(&mut *classifier(), &loader(90, 16), &loader(30, 16), &plan, progress, &mut Keeper::default());
        let Err(TrainError::Progress { reason }) = result else { panic!("{epoch} {batches}") };
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_batch_of_another_size_is_refused() {
    let batch = Batch { indices: vec![0], features: vec![0.0; 5], labels: vec![0], mix: None };
    let error = classifier().training_step(batch, 0.1).unwrap_err().to_string();
    assert_eq!(error, "5 values for 1 samples; the network takes 12 features a sample");
}

#[test]
fn a_card_is_refused_by_a_build_without_cuda_and_auto_takes_the_cpu_there() {
    assert_eq!(Device::choose(DeviceChoice::Cpu).unwrap(), Device::Cpu);
    if cfg!(not(feature = "cuda")) {
        assert_eq!(Device::choose(DeviceChoice::Auto).unwrap(), Device::Cpu);
        let error = Device::choose(DeviceChoice::Cuda(1)).unwrap_err().to_string();
        assert!(error.contains("cuda:1") && error.contains("built without CUDA"), "{error}");
    }
}
