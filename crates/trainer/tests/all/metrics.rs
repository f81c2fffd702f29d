//! Metrics by name: measured on either device, watched, and choosing the best epoch.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use dfdx::prelude::*;
use strata_model::{Activation, Layers, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Classifier, ClassifierOptions, Criterion, EarlyStopping, Outcome, Pass, Phase, Plan, Progress, ScheduleSpec, Sgd,
    TensorClassifier, TrainError, TrainingStep, build, evaluate, fit,
};

fn step(names: &[&str]) -> TrainingStep {
    let metrics = names.iter().map(|name| strata_metrics::find(name).unwrap()).collect();
    TrainingStep::new(Sgd { momentum: 0.9, ..Sgd::default() }).measuring(metrics)
}

fn kernels(names: &[&str]) -> Result<Box<dyn Classifier>, TrainError> {
    build::<mlp!(12, 8, 3), FEATURES, CLASSES>(ClassifierOptions { seed: 43, ..ClassifierOptions::new(step(names)) })
}

const VALIDATION: Memory = Memory { samples: 50, batch: 8, shuffle: false, indices_only: false };
const NAMES: &[&str] = &["top_2", "macro_f1", "calibration_error"];

fn run(plan: &Plan, names: &[&str]) -> Result<(Progress, Outcome, Keeper), TrainError> {
    let mut classifier = kernels(names)?;
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng)?;
    let train = Memory { samples: 50, batch: 8, shuffle: true, indices_only: false };
    let mut keeper = Keeper::default();
    let (progress, outcome) = fit(&mut *classifier, &train, &VALIDATION, plan, Progress::new(&rng), &mut keeper)?;
    Ok((progress, outcome, keeper))
}

fn plan(best: Criterion) -> Plan {
    Plan { phases: vec![Phase::constant(12, 0.4)], best, ..Plan::default() }
}

/// At so high a rate the metrics go up and down: the best epochs are not the same ones.
#[test]
fn the_best_epoch_is_the_first_of_the_best_values_of_the_plans_criterion() {
    let mut chosen = Vec::new();
    for criterion in [Criterion::val_acc(), Criterion::lower("val_calibration_error"), Criterion::lower("train_loss")] {
        let (progress, _, keeper) = run(&plan(criterion.clone()), NAMES).unwrap();
        let merits: Vec<f64> = keeper.history[1..].iter().map(|row| criterion.merit(row).unwrap()).collect();
        let best = merits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = merits.iter().position(|merit| *merit == best);
        assert_eq!(progress.best.unwrap().epoch, first, "{criterion:?}: {merits:?}");
        chosen.push(first);
    }
    chosen.dedup();
    assert!(chosen.len() > 1, "each criterion chose the same epoch: {chosen:?}");
}

#[test]
fn early_stopping_watches_any_metric_in_its_direction() {
    let metric = Criterion::lower("val_calibration_error");
    let stopping = EarlyStopping { metric: metric.clone(), patience: 2, min_delta: 0.0 };
    let plan = Plan { early_stopping: Some(stopping), ..plan(Criterion::val_acc()) };
    let (_, outcome, keeper) = run(&plan, NAMES).unwrap();
    assert_eq!(outcome, Outcome::StoppedEarly);
    let errors: Vec<f64> = keeper.history[1..].iter().map(|row| row.get(&metric.key).unwrap()).collect();
    // Two epochs in a row that are no better than the lowest before them, and none such before.
    let is_stale = |epoch: usize| errors[..epoch].iter().any(|before| *before <= errors[epoch]);
    let stale: Vec<bool> = (0..errors.len()).map(is_stale).collect();
    let first = stale.windows(2).position(|pair| pair == [true, true]);
    assert_eq!(first.map(|first| first + 2), Some(errors.len()), "{errors:?}");
}

#[test]
fn what_is_not_measured_is_refused_before_the_first_step() {
    let unmeasured = Criterion::higher("val_top_2");
    let stopping = EarlyStopping { metric: unmeasured.clone(), patience: 2, min_delta: 0.0 };
    let plateau = ScheduleSpec::Plateau { metric: unmeasured.clone(), factor: 0.1, patience: 1, min_delta: 0.0 };
    let waiting = Plan { phases: vec![Phase::new(1, 0.1, plateau)], ..plan(Criterion::val_acc()) };
    for plan in [waiting, plan(unmeasured), Plan { early_stopping: Some(stopping), ..plan(Criterion::val_acc()) }] {
        let error = run(&plan, &["macro_f1"]).map(|_| ()).unwrap_err();
        let expected =
            "`val_top_2` is not measured; an evaluation measures train_loss, val_loss, val_acc, val_macro_f1";
        assert_eq!(error.to_string(), expected);
    }
    let error = kernels(&["top_5"]).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "the metric \"top_5\": of 3 classes each is among the 5 most probable ones");
}

/// What trains on a card measures them too: nothing that was asked for is left out.
#[test]
fn dfdx_operations_measure_what_the_kernels_do() {
    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(12, 8, 3), f32>();
    network.configure(Activation::Relu, 0.0, 43).unwrap();
    let mut tensors: Box<dyn Classifier> =
        Box::new(TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, step(NAMES), None).unwrap());
    let mut kernels = kernels(NAMES).unwrap();
    let values = [&mut tensors, &mut kernels].map(|classifier| {
        classifier.initialise(&mut TorchRng::new(43)).unwrap();
        // Twice: nothing of the first evaluation is left in the second.
        let [first, second] = [(); 2].map(|()| {
            let score = evaluate(&mut **classifier, &VALIDATION, &mut TorchRng::new(1), Pass::Test, &mut ()).unwrap();
            score.unwrap().values("test_")
        });
        assert_eq!(first, second);
        first
    });
    assert_eq!(values[0].len(), 3);
    for ((name, ours), dfdx) in values[1].iter().zip(values[0].values()) {
        assert!((ours - dfdx).abs() < 1e-6, "{name}: {ours}, {dfdx}");
    }
}
