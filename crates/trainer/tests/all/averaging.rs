//! Averaged weights in a run: training does not see them, an evaluation sees nothing else, and a resume is exact.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::common::{CLASSES, FEATURES, Keeper, Memory, formula};
use strata_model::{Activation, Weights, net};
use strata_rng::TorchRng;
use strata_trainer::{
    Averaging, Checkpoint, Classifier, ClassifierOptions, Device, Outcome, Phase, Plan, Progress, ScheduleSpec, Sgd,
    TrainError, TrainingStep, build, fit,
};

const EMA: Averaging = Averaging::Exponential { decay: 0.8 };
/// 7 steps an epoch: from the third epoch's second step on.
const SWA: Averaging = Averaging::Equal { after: 15 };

fn classifier(averaging: Option<Averaging>) -> Box<dyn Classifier> {
    let step = TrainingStep::new(Sgd { momentum: 0.9, ..Sgd::default() });
    let step = averaging.map_or(step.clone(), |averaging| step.averaging(averaging));
    let (device, activation) = (Device::Cpu, Activation::Identity);
    let options = ClassifierOptions { device, activation, seed: 43, ..ClassifierOptions::new(step) };
    build::<net!(12, 9 batch_norm relu dropout(0.1), 3), FEATURES, CLASSES>(options).unwrap()
}

fn plan() -> Plan {
    let phase = Phase::new(4, 0.1, ScheduleSpec::Cosine);
    Plan { phases: vec![phase], ..Plan::default() }
}

fn go_on(classifier: &mut dyn Classifier, progress: Progress, stop: Option<usize>) -> (Progress, Outcome, Keeper) {
    let loader = |shuffle| Memory { samples: 50, batch: 8, shuffle, indices_only: false };
    let mut keeper = Keeper { interrupt_after: stop, ..Keeper::default() };
    let (progress, outcome) = fit(classifier, &loader(true), &loader(false), &plan(), progress, &mut keeper).unwrap();
    (progress, outcome, keeper)
}

fn run(averaging: Option<Averaging>, stop: Option<usize>) -> (Box<dyn Classifier>, Outcome, Keeper) {
    let mut classifier = classifier(averaging);
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng).unwrap();
    let (_, outcome, keeper) = go_on(&mut *classifier, Progress::new(&rng), stop);
    (classifier, outcome, keeper)
}

fn evaluated(classifier: &mut dyn Classifier) -> Weights {
    classifier.averaged_weights().unwrap().unwrap()
}

#[test]
fn training_is_that_of_a_run_without_averaging() {
    let (mut plain, _, without) = run(None, None);
    for averaging in [EMA, SWA] {
        let (mut averaged, _, with) = run(Some(averaging), None);
        let (of_plain, of_averaged) = (plain.snapshot().unwrap().0, averaged.snapshot().unwrap().0);
        assert!(of_plain == of_averaged, "{averaging:?}: the trained weights");
        let lines = with.history.iter().zip(&without.history);
        assert!(lines.clone().all(|(with, without)| with.train_loss == without.train_loss), "{averaging:?}");
        // The first line is of before the first step; the mean begins in the third epoch.
        let same: Vec<_> = lines.map(|(with, without)| with.val_loss == without.val_loss).collect();
        let expected =
            if averaging == EMA { [true, false, false, false, false] } else { [true, true, true, false, false] };
        assert_eq!(same, expected, "{averaging:?}: whether the plain weights are evaluated");
        let last = (with.checkpoints.last().unwrap(), without.checkpoints.last().unwrap());
        assert_eq!(last.0.progress.rng, last.1.progress.rng, "{averaging:?}: the run's draws");
        let rolling = evaluated(&mut *averaged);
        assert_ne!(rolling.tensors[0], of_averaged.tensors[0], "{averaging:?}: the average is another");
        let running_mean = |weights: &Weights| weights.tensors.iter().find(|t| t.name == "norm1.running_mean").cloned();
        assert_ne!(
            running_mean(&rolling),
            running_mean(&of_averaged),
            "{averaging:?}: the statistics are the average's own"
        );
    }
    assert!(plain.averaged_weights().unwrap().is_none());
}

/// Each stop: in training, in the estimate of statistics, in an evaluation, and after the last epoch.
#[test]
fn a_run_stopped_anywhere_goes_on_to_the_same_averages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    for averaging in [EMA, SWA] {
        let (mut whole, _, expected) = run(Some(averaging), None);
        let architecture = whole.architecture().clone();
        let stops = (8..expected.batches).step_by(3).chain([expected.batches - 1, expected.batches]);
        for stop in stops {
            let (_, outcome, mut first) = run(Some(averaging), Some(stop));
            assert_eq!(outcome == Outcome::Finished, stop == expected.batches, "{stop}");
            first.checkpoints.pop().unwrap().save(&path).unwrap();
            let checkpoint = Checkpoint::load(&path, "a-run", &architecture).unwrap();
            checkpoint.check(&plan(), 7, 43).unwrap();
            let mut second = classifier(Some(averaging));
            second.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
            let (_, outcome, rest) = go_on(&mut *second, checkpoint.progress, None);
            assert_eq!(outcome, Outcome::Finished);
            let lines: Vec<_> = first.history.into_iter().chain(rest.history).collect();
            assert_eq!(lines, expected.history, "{averaging:?} stopped after {stop} batches");
            assert!(
                second.snapshot().unwrap() == whole.snapshot().unwrap(),
                "{averaging:?} {stop}: weights and averages"
            );
            assert!(evaluated(&mut *second) == evaluated(&mut *whole), "{averaging:?} {stop}: what is saved");
        }
    }
}

/// What batch normalisation knows is of the trained weights: an evaluation of the average must not use it.
#[test]
fn an_evaluation_without_statistics_of_its_own_is_refused() {
    let mut classifier = classifier(Some(EMA));
    let batch = || {
        let features = (0..4).flat_map(crate::common::features).collect();
        strata_trainer::Batch { features, labels: vec![0, 1, 2, 0], ..Default::default() }
    };
    classifier.initialise(&mut TorchRng::new(3)).unwrap();
    classifier.validation_step(batch()).unwrap();
    classifier.training_step(batch(), 0.1).unwrap();
    assert!(matches!(classifier.validation_step(batch()), Err(TrainError::Statistics)));
    assert!(matches!(classifier.averaged_weights(), Err(TrainError::Statistics)));
    assert!(classifier.begin_statistics());
    classifier.statistics_step(batch()).unwrap();
    assert!(matches!(classifier.validation_step(batch()), Err(TrainError::Statistics)), "half an estimate");
    classifier.finish_statistics();
    classifier.validation_step(batch()).unwrap();
    assert!(!classifier.begin_statistics(), "it is there");

    // Chosen weights are evaluated as they are, until the next step.
    let (weights, _) = classifier.snapshot().unwrap();
    classifier.evaluate_with(&weights).unwrap();
    assert!(evaluated(&mut *classifier) == weights);
    classifier.training_step(batch(), 0.1).unwrap();
    assert!(matches!(classifier.averaged_weights(), Err(TrainError::Statistics)));
}

#[test]
fn the_mean_is_that_of_the_weights_after_each_step() {
    let step = TrainingStep::new(Sgd::default()).averaging(Averaging::Equal { after: 2 });
    let (device, activation) = (Device::Cpu, Activation::Tanh);
    let options = ClassifierOptions { device, activation, ..ClassifierOptions::new(step) };
    let mut classifier = build::<strata_model::mlp!(7, 5, 3), 7, 3>(options).unwrap();
    classifier.initialise(&mut TorchRng::new(3)).unwrap();
    let mut sums: Vec<Vec<f64>> = Vec::new();
    for step in 0..6 {
        assert_eq!(classifier.averaged_weights().unwrap().is_some(), step > 2);
        classifier.training_step(formula::batch(step * 9, 9), 0.5).unwrap();
        if step >= 2 {
            let (weights, _) = classifier.snapshot().unwrap();
            sums.resize(weights.tensors.len(), Vec::new());
            for (sum, tensor) in sums.iter_mut().zip(weights.tensors) {
                sum.resize(tensor.values.len(), 0.0);
                sum.iter_mut().zip(tensor.values).for_each(|(sum, value)| *sum += f64::from(value));
            }
        }
    }
    let mean = evaluated(&mut *classifier);
    for (tensor, sums) in mean.tensors.iter().zip(sums) {
        let close = tensor.values.iter().zip(sums).all(|(mean, sum)| (f64::from(*mean) - sum / 4.0).abs() < 1e-6);
        assert!(close, "{}", tensor.name);
    }
}
