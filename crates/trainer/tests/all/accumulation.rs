//! Gradients added up over batches: the step of one large batch, counted and resumed as one step.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use strata_kernels::WeightedCrossEntropy;
use strata_model::{Activation, Architecture, Weights, mlp, net};
use strata_rng::TorchRng;
use strata_trainer::{
    Adam, Averaging, Batch, Checkpoint, Classifier, ClassifierOptions, Clipping, Outcome, Phase, Plan, Progress,
    ScheduleSpec, Score, Sgd, TrainingStep, build, fit,
};

fn options(step: TrainingStep, activation: Activation) -> ClassifierOptions<'static> {
    ClassifierOptions { activation, seed: 43, ..ClassifierOptions::new(step) }
}

/// Samples of forty features in three classes.
fn wide(samples: std::ops::Range<usize>) -> Batch {
    let value = |i: usize, j: usize| ((i * 37 + j * 11 + i * j) % 23) as f32 / 11.5 - 1.0;
    Batch {
        features: samples.clone().flat_map(|i| (0..40).map(move |j| value(i, j))).collect(),
        labels: samples.map(|i| (i * 5 % 3) as u8).collect(),
        ..Batch::default()
    }
}

fn largest_difference(a: &Weights, b: &Weights) -> f32 {
    let values = |weights: &Weights| -> Vec<f32> { weights.tensors.iter().flat_map(|t| t.values.clone()).collect() };
    values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Of the first layer, 40 × 30, the factors of a few batches are stacked, and those of many become a whole gradient; of the second, 30 × 3, always.
#[test]
fn a_step_of_several_batches_is_that_of_one_large_batch() {
    let clipped = |norm, value| {
        let momentum = Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-3 };
        TrainingStep::new(momentum).clipping(Clipping { norm, value })
    };
    // A large ε, or a gradient of nothing but rounding would make a step.
    let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-2, weight_decay: 0.0, decoupled: false };
    for step in [clipped(None, None), clipped(Some(0.2), None), clipped(Some(0.2), Some(0.01)), adam.into()] {
        for ends in [vec![5, 8, 15], vec![7, 30, 31, 60, 90]] {
            let new = || build::<mlp!(40, 30, 3), 40, 3>(options(step.clone(), Activation::Tanh)).unwrap();
            let (mut large, mut parts) = (new(), new());
            let mut rng = TorchRng::new(3);
            large.initialise(&mut rng).unwrap();
            let (weights, state) = large.snapshot().unwrap();
            parts.restore(&weights, &state).unwrap();
            for _ in 0..4 {
                let mut first = 0;
                for end in &ends[..ends.len() - 1] {
                    parts.accumulate(wide(first..*end)).unwrap();
                    first = *end;
                }
                let last = *ends.last().unwrap();
                parts.training_step(wide(first..last), 0.05).unwrap();
                large.training_step(wide(0..last), 0.05).unwrap();
            }
            let (ours, theirs) = (parts.snapshot().unwrap(), large.snapshot().unwrap());
            assert_eq!((ours.1.steps, theirs.1.steps), (4, 4), "a step is an update");
            let difference = largest_difference(&ours.0, &theirs.0);
            assert!(difference < 2e-6, "{step:?} {ends:?}: {difference}");
            assert!(largest_difference(&ours.0, &weights) > 1e-3, "something was learned");
            let losses = [parts.training_score().unwrap(), large.training_score().unwrap()];
            assert_eq!(losses[0].samples, losses[1].samples);
            assert!((losses[0].mean_loss() - losses[1].mean_loss()).abs() < 1e-5, "{losses:?}");
        }
    }
}

/// Batches of other classes weigh otherwise, in the step as in its loss, which a checkpoint in the middle of an epoch keeps.
#[test]
fn classes_with_weights_are_weighed_over_the_whole_step() {
    let weighted = WeightedCrossEntropy { label_smoothing: 0.1, weights: [0.2, 1.0, 7.0].into() };
    let step = TrainingStep::new(Sgd::default()).loss(weighted);
    let new = || {
        let mut new = build::<mlp!(40, 30, 3), 40, 3>(options(step.clone(), Activation::Tanh)).unwrap();
        new.initialise(&mut TorchRng::new(3)).unwrap();
        new
    };
    // One class more often in the first part, another in the second.
    let part = |classes: [u8; 4]| Batch { labels: classes.to_vec(), ..wide(0..4) };
    let whole = |parts: [Batch; 2]| {
        let [mut first, second] = parts;
        first.features.extend(second.features);
        first.labels.extend(second.labels);
        first
    };
    let classes = [[0, 0, 0, 1], [2, 2, 1, 2]];
    let (mut parts, mut large) = (new(), new());
    let start = parts.snapshot().unwrap().0;
    parts.accumulate(part(classes[0])).unwrap();
    parts.training_step(part(classes[1]), 0.5).unwrap();
    large.training_step(whole(classes.map(part)), 0.5).unwrap();
    let (ours, theirs) = (parts.snapshot().unwrap().0, large.snapshot().unwrap().0);
    assert!(largest_difference(&ours, &theirs) < 1e-6);
    assert!(largest_difference(&ours, &start) > 1e-2, "something was learned");
    let [ours, theirs] = [parts, large].map(|mut classifier| classifier.training_score().unwrap());
    assert!((ours.mean_loss() - theirs.mean_loss()).abs() < 1e-6, "{ours:?} {theirs:?}");
    let kept: Score = serde_json::from_str(&serde_json::to_string(&ours).unwrap()).unwrap();
    assert_eq!(kept.mean_loss(), ours.mean_loss());
}

/// A batch that waits is forgotten with what it was for, and is in no step twice.
#[test]
fn what_waits_is_in_the_next_step_and_in_no_other() {
    let new = || {
        let mut new = build::<mlp!(40, 30, 3), 40, 3>(options(Sgd::default().into(), Activation::Tanh)).unwrap();
        new.initialise(&mut TorchRng::new(3)).unwrap();
        new
    };
    let (mut ours, mut theirs) = (new(), new());
    let (weights, state) = ours.snapshot().unwrap();
    ours.accumulate(wide(0..9)).unwrap();
    ours.restore(&weights, &state).unwrap();
    for classifier in [&mut ours, &mut theirs] {
        classifier.accumulate(wide(3..7)).unwrap();
        assert!(classifier.training_step(wide(7..9), f64::NAN).is_err());
        classifier.training_step(wide(7..9), 0.1).unwrap();
        classifier.training_step(wide(9..12), 0.1).unwrap();
    }
    assert!(ours.snapshot().unwrap() == theirs.snapshot().unwrap());
    let mut one = new();
    one.training_step(wide(3..9), 0.1).unwrap();
    one.training_step(wide(9..12), 0.1).unwrap();
    assert!(largest_difference(&ours.snapshot().unwrap().0, &one.snapshot().unwrap().0) < 1e-6);
}

type Everything = net!(12, 9 batch_norm relu dropout(0.2), 3);

fn everything() -> Box<dyn Classifier> {
    let step = TrainingStep::new(Sgd { momentum: 0.9, ..Sgd::default() })
        .clipping(Clipping { norm: Some(1.0), value: None })
        .averaging(Averaging::Exponential { decay: 0.7 });
    build::<Everything, FEATURES, CLASSES>(options(step, Activation::Identity)).unwrap()
}

/// Seven batches an epoch, three a step: steps of 3, 3 and 1 batches.
fn plan() -> Plan {
    let phases = vec![Phase { warmup: 0.2, ..Phase::new(3, 0.1, ScheduleSpec::Cosine) }];
    Plan { phases, checkpoint_every: Some(2), accumulate: NonZeroUsize::new(3), ..Plan::default() }
}

fn run(classifier: &mut dyn Classifier, progress: Progress, stop: Option<usize>) -> (Outcome, Keeper) {
    let loader = |shuffle| Memory { samples: 50, batch: 8, shuffle, indices_only: false };
    let mut keeper = Keeper { interrupt_after: stop, ..Keeper::default() };
    let (_, outcome) = fit(classifier, &loader(true), &loader(false), &plan(), progress, &mut keeper).unwrap();
    (outcome, keeper)
}

fn begun() -> (Box<dyn Classifier>, Progress) {
    let mut classifier = everything();
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng).unwrap();
    (classifier, Progress::new(&rng))
}

#[test]
fn steps_rates_and_checkpoints_are_counted_in_updates() {
    let (mut classifier, progress) = begun();
    let (_, keeper) = run(&mut *classifier, progress, None);
    assert_eq!(classifier.snapshot().unwrap().1.steps, 9, "three steps in each of three epochs");
    // Before the first step; in each epoch after the second step, which ends with batch 6, and at its end.
    let places: Vec<_> =
        keeper.checkpoints.iter().map(|c| (c.progress.epoch, c.progress.batches, c.optimizer.steps)).collect();
    assert_eq!(places, [(0, 0, 0), (0, 6, 2), (1, 0, 3), (1, 6, 5), (2, 0, 6), (2, 6, 8), (3, 0, 9)]);
    // Two of nine steps rise; seven fall from the peak.
    let cosine = |step: f64| 0.05 * (1.0 + (std::f64::consts::PI * step / 7.0).cos());
    for (line, expected) in keeper.history[1..].iter().zip([
        (0.1 / 3.0, cosine(0.0)),
        (cosine(1.0), cosine(3.0)),
        (cosine(4.0), cosine(6.0)),
    ]) {
        assert!((line.learning_rate.unwrap() - expected.0).abs() < 1e-12, "{line:?}");
        let last = line.values.get("lr_last").copied().unwrap_or(line.learning_rate.unwrap());
        assert!((last - expected.1).abs() < 1e-12, "{line:?}");
    }
}

#[test]
fn a_run_stopped_anywhere_goes_on_between_two_steps_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let (mut whole, progress) = begun();
    let architecture: Architecture = whole.architecture().clone();
    let (_, expected) = run(&mut *whole, progress, None);
    for stop in 8..expected.batches {
        let (mut first, progress) = begun();
        let (outcome, mut keeper) = run(&mut *first, progress, Some(stop));
        assert_eq!(outcome, Outcome::Interrupted);
        keeper.checkpoints.pop().unwrap().save(&path).unwrap();
        let checkpoint = Checkpoint::load(&path, "a-run", &architecture).unwrap();
        checkpoint.check(&plan(), 7, 43).unwrap();
        assert!([0, 3, 6, 7].contains(&checkpoint.progress.batches), "{}", checkpoint.progress.batches);
        let mut second = everything();
        second.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
        let (_, rest) = run(&mut *second, checkpoint.progress, None);
        assert!(second.snapshot().unwrap() == whole.snapshot().unwrap(), "stopped after {stop} batches");
        let lines: Vec<_> = keeper.history.into_iter().chain(rest.history).collect();
        assert_eq!(lines, expected.history, "stopped after {stop} batches");
    }
    let mut foreign = expected.checkpoints[1].clone();
    foreign.progress.batches = 5;
    assert!(foreign.check(&plan(), 7, 43).unwrap_err().contains("in the middle of a step of 3 batches"));
}
