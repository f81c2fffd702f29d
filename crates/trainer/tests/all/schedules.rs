//! A rate for each step, and metrics by name: what the history says of them, and that a resume changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use strata_model::{Activation, Architecture, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Checkpoint, Classifier, ClassifierOptions, Criterion, Device, Direction, Metric, Outcome, Outputs, Phase, Plan,
    Progress, ReduceOnPlateau, Schedule, ScheduleSpec, ScheduledStep, Sgd, TrainError, TrainingStep, build, fit,
};

/// The sum of the logits' squares: of no use, but a number that no other key has.
#[derive(Debug)]
struct Squares;

impl Metric for Squares {
    fn name(&self) -> &'static str {
        "squares"
    }
    fn unit(&self) -> &'static str {
        "squared logits"
    }
    fn direction(&self) -> Direction {
        Direction::Lower
    }
    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]) {
        sums[0] += outputs.logits.iter().map(|logit| f64::from(*logit).powi(2)).sum::<f64>();
    }
}

fn classifier(metrics: bool) -> Box<dyn Classifier> {
    let step = TrainingStep::new(Sgd { momentum: 0.9, ..Sgd::default() });
    let step = if metrics { step.metric(Squares) } else { step };
    let (device, activation) = (Device::Cpu, Activation::Relu);
    let options = ClassifierOptions { device, activation, dropout: 0.1, seed: 43, ..ClassifierOptions::new(step) };
    build::<mlp!(12, 8, 3), FEATURES, CLASSES>(options).unwrap()
}

fn loaders() -> (Memory, Memory) {
    let loader = |shuffle| Memory { samples: 50, batch: 8, shuffle, indices_only: false };
    (loader(true), loader(false))
}

fn run(plan: &Plan, metrics: bool, stop: Option<usize>) -> (Outcome, Keeper) {
    let mut classifier = classifier(metrics);
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng).unwrap();
    let (train, validation) = loaders();
    let mut keeper = Keeper { interrupt_after: stop, ..Keeper::default() };
    let (_, outcome) = fit(&mut *classifier, &train, &validation, plan, Progress::new(&rng), &mut keeper).unwrap();
    (outcome, keeper)
}

fn phases() -> Vec<Phase> {
    let phase = |epochs, learning_rate, schedule| Phase::new(epochs, learning_rate, schedule);
    vec![phase(3, 0.1, ScheduleSpec::OneCycle { warmup: 0.3 }), phase(2, 0.05, ScheduleSpec::Cosine)]
}

/// 50 samples in batches of 8: 7 steps an epoch, 21 and 14 in the phases.
#[test]
fn the_history_says_the_rates_of_an_epochs_first_and_last_step() {
    let plan = Plan { phases: phases(), ..Plan::default() };
    let (_, keeper) = run(&plan, false, None);
    let rate = |phase: usize, steps, step| {
        let Phase { learning_rate: peak, schedule, .. } = phases().swap_remove(phase);
        schedule.rate(&ScheduledStep { peak, step, steps, steps_per_epoch: 7, state: &[] })
    };
    for (line, (phase, steps, first)) in
        keeper.history[1..].iter().zip([(0, 21, 0), (0, 21, 7), (0, 21, 14), (1, 14, 0), (1, 14, 7)])
    {
        assert_eq!(line.learning_rate, Some(rate(phase, steps, first)), "{line:?}");
        assert_eq!(line.values["lr_last"], rate(phase, steps, first + 6), "{line:?}");
    }
    let (_, constant) = run(&Plan { phases: vec![Phase::constant(1, 0.1)], ..Plan::default() }, false, None);
    assert!(constant.history[1].values.is_empty() && constant.history[1].learning_rate == Some(0.1));
}

#[test]
fn a_run_stopped_in_any_step_has_the_rates_and_the_metrics_of_the_whole_one() {
    let plateau = ReduceOnPlateau { metric: Criterion::val_acc(), factor: 0.5, patience: 0, min_delta: 0.5 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    for schedule in [None, Some(Arc::new(plateau) as Arc<dyn Schedule>)] {
        let plan = Plan { phases: phases(), schedule, checkpoint_every: Some(3), ..Plan::default() };
        let (outcome, whole) = run(&plan, true, None);
        assert_eq!(outcome, Outcome::Finished);
        let expected = whole.checkpoints.last().unwrap();
        for stop in (8..whole.batches).step_by(3) {
            let (outcome, mut keeper) = run(&plan, true, Some(stop));
            assert_eq!(outcome, Outcome::Interrupted);
            keeper.checkpoints.pop().unwrap().save(&path).unwrap();
            let checkpoint = Checkpoint::load(&path, "a-run", &Architecture::new(FEATURES, &[8], CLASSES)).unwrap();
            let mut resumed = classifier(true);
            resumed.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
            let ((train, validation), mut rest) = (loaders(), Keeper::default());
            fit(&mut *resumed, &train, &validation, &plan, checkpoint.progress, &mut rest).unwrap();
            assert!(rest.checkpoints.last().unwrap() == expected, "stopped after {stop} batches");
            let lines: Vec<_> = keeper.history.into_iter().chain(rest.history).collect();
            assert_eq!(lines, whole.history, "stopped after {stop} batches");
        }
        assert!(whole.history.iter().all(|line| line.values["val_squares"] > 0.0));
    }
}

/// An epoch without an improvement of more than half halves the rate of the next.
#[test]
fn a_schedule_that_watches_a_metric_changes_the_rates_that_are_used() {
    let plateau = ReduceOnPlateau { metric: Criterion::val_acc(), factor: 0.5, patience: 0, min_delta: 0.5 };
    let plan = Plan { phases: vec![Phase::constant(4, 0.08)], schedule: Some(Arc::new(plateau)), ..Plan::default() };
    let (_, keeper) = run(&plan, false, None);
    let rates: Vec<_> = keeper.history[1..].iter().map(|line| line.learning_rate.unwrap()).collect();
    assert_eq!(rates, [0.08, 0.08, 0.04, 0.02]);
    // A checkpoint of format 1 holds no state: it comes out of the history.
    let mut progress = keeper.checkpoints.last().unwrap().progress.clone();
    let state = std::mem::take(&mut progress.schedule);
    progress.replay(&keeper.history, &plan);
    assert_eq!(progress.schedule, state);
}

#[test]
fn an_invalid_learning_rate_stops_the_run_before_its_step() {
    #[derive(Debug)]
    struct Wrong(f64);
    impl Schedule for Wrong {
        fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
            if at.step < 9 { at.peak } else { self.0 }
        }
    }
    for value in [f64::NAN, f64::INFINITY, -0.1] {
        let (phases, schedule) = (vec![Phase::constant(2, 0.1)], Some(Arc::new(Wrong(value)) as Arc<dyn Schedule>));
        let plan = Plan { phases, schedule, ..Plan::default() };
        let (mut classifier, (train, validation)) = (classifier(false), loaders());
        let progress = Progress::new(&TorchRng::new(1));
        let error = fit(&mut *classifier, &train, &validation, &plan, progress, &mut ()).unwrap_err();
        assert!(matches!(error, TrainError::Rate { epoch: 1, .. }), "{error}");
    }
}
