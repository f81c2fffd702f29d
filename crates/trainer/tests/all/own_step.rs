//! An optimizer and a loss of a user's own: they train, and a stopped run is resumed to the bit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use crate::common::{CLASSES, FEATURES, Keeper, Memory};
use dfdx::prelude::*;
use strata_kernels::{CrossEntropy, ElementwiseRule, LossSum, Targets, UpdateRule, WeightedCrossEntropy};
use strata_model::{Activation, Layers, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Classifier, ClassifierOptions, Device as DeviceKind, Loss, Optimizer, Phase, Plan, Progress, Step,
    TensorClassifier, TrainError, TrainingStep, build, fit,
};

/// An optimizer of a user's own: SignSGD with momentum (Bernstein et al. 2018).
#[derive(Debug)]
struct SignSgd;

struct SignRule {
    learning_rate: f32,
}

impl ElementwiseRule for SignRule {
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [velocity]: [f32; 1]) -> (f32, [f32; 1]) {
        let velocity = 0.9f32.mul_add(velocity, g);
        (p - self.learning_rate * velocity.signum(), [velocity])
    }
}

impl Optimizer for SignSgd {
    fn states(&self) -> &'static [&'static str] {
        &["momentum_buffer"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        Ok(Box::new(SignRule { learning_rate: step.single("learning rate", step.learning_rate)? }))
    }
}

/// A loss of a user's own: the squared distance of the label's logit from 1 and of the others from -1.
#[derive(Debug)]
struct Distance;

impl Distance {
    fn differences<'a>(row: &'a [f32], label: &u8) -> impl Iterator<Item = f32> + 'a {
        let label = usize::from(*label);
        row.iter().enumerate().map(move |(class, logit)| logit - if class == label { 1.0 } else { -1.0 })
    }
}

impl Loss for Distance {
    fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum {
        let mut total = LossSum::default();
        for (row, label) in logits.chunks_exact(classes).zip(targets.labels) {
            total.loss += Self::differences(row, label).map(|d| f64::from(d * d)).sum::<f64>();
            total.correct += usize::from(strata_kernels::largest(row).0 == usize::from(*label));
        }
        total
    }

    fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]) {
        let scale = 2.0 / targets.labels.len() as f32;
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((row, gradient), label) in rows.zip(targets.labels) {
            gradient.iter_mut().zip(Self::differences(row, label)).for_each(|(gradient, d)| *gradient = scale * d);
        }
    }
}

fn own() -> Box<dyn Classifier> {
    let step = TrainingStep::new(SignSgd).loss(Distance);
    let device = DeviceKind::Cpu;
    let options = ClassifierOptions { device, dropout: 0.1, seed: 43, ..ClassifierOptions::new(step) };
    build::<mlp!(12, 16, 3), FEATURES, CLASSES>(options).unwrap()
}

/// They learn, and a run that was stopped goes on to the same bits.
#[test]
fn an_own_optimizer_and_loss_train_and_resume() {
    let train = Memory { samples: 60, batch: 16, shuffle: true, indices_only: false };
    let validation = Memory { samples: 20, batch: 16, shuffle: false, indices_only: false };
    let phases = vec![Phase::constant(6, 0.005)];
    let plan = Plan { phases, ..Plan::default() };
    let mut rng = TorchRng::new(7);
    let mut whole = own();
    whole.initialise(&mut rng).unwrap();
    let (weights, state) = whole.snapshot().unwrap();
    let mut keeper = Keeper::default();
    fit(&mut *whole, &train, &validation, &plan, Progress::new(&rng), &mut keeper).unwrap();
    let accuracy = keeper.history.last().unwrap().val_acc;
    assert!(accuracy > 0.9, "{accuracy}");

    let mut stopped = own();
    stopped.restore(&weights, &state).unwrap();
    let mut keeper = Keeper { interrupt_after: Some(9), ..Keeper::default() };
    fit(&mut *stopped, &train, &validation, &plan, Progress::new(&rng), &mut keeper).unwrap();
    let checkpoint = keeper.checkpoints.pop().unwrap();
    let mut resumed = own();
    resumed.restore(&checkpoint.weights, &checkpoint.optimizer).unwrap();
    fit(&mut *resumed, &train, &validation, &plan, checkpoint.progress, &mut Keeper::default()).unwrap();
    assert!(resumed.snapshot().unwrap() == whole.snapshot().unwrap());
}

/// Which would panic in the first step.
#[test]
fn a_loss_whose_numbers_are_wrong_is_no_part_of_a_classifier() {
    let weighted = |weights: &[f32]| WeightedCrossEntropy { label_smoothing: 0.0, weights: weights.into() };
    let losses: [(Arc<dyn Loss>, &str); 4] = [
        (
            Arc::new(CrossEntropy { label_smoothing: 2.0 }),
            "the loss has a label smoothing of 2, which is not from 0 to 1",
        ),
        (Arc::new(weighted(&[1.0, 2.0])), "2 weights for 3 classes"),
        (Arc::new(weighted(&[1.0, 0.0, 1.0])), "a class's weight of 0, which is no number above 0"),
        (Arc::new(weighted(&[1.0, f32::NAN, 1.0])), "a class's weight of NaN"),
    ];
    for (loss, expected) in losses {
        let step = TrainingStep { loss, ..TrainingStep::new(SignSgd) };
        let Err(error) = build::<mlp!(12, 16, 3), FEATURES, CLASSES>(ClassifierOptions::new(step)) else {
            panic!("{expected}")
        };
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// What dfdx has no kernel for is refused on tensors, where a card trains, by the optimizer's name.
#[test]
fn an_own_optimizer_is_refused_on_tensors() {
    let device = Cpu::default();
    let mut network = device.build_module::<mlp!(12, 16, 3), f32>();
    network.configure(Activation::Relu, 0.0, 43).unwrap();
    let classifier = TensorClassifier::<_, _, FEATURES, CLASSES>::new(device, network, SignSgd, None);
    assert_eq!(classifier.err().unwrap().to_string(), "SignSgd is computed on the CPU only");
}
