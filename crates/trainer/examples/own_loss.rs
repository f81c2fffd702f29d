//! A loss of one's own, from its values to a trained network.

#[path = "shared/table.rs"]
mod table;

use strata_kernels::{Loss, LossSum, Targets, largest};
use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{ClassifierOptions, Device, Phase, Plan, Progress, Sgd, TrainError, TrainingStep, build, fit};
use table::Table;

/// `Σ max(0, 1 + logit - logit of the label)` over the other classes (Weston and Watkins 1999).
#[derive(Debug)]
struct Hinge;

impl Loss for Hinge {
    fn loss(&self, logits: &[f32], targets: Targets<'_>, classes: usize) -> LossSum {
        let mut total = LossSum::default();
        for (row, label) in logits.chunks_exact(classes).zip(targets.labels) {
            let label = usize::from(*label);
            let margins = row.iter().map(|logit| f64::from((1.0 + logit - row[label]).max(0.0)));
            // The label's own margin is 1.
            total.loss += margins.sum::<f64>() - 1.0;
            total.correct += usize::from(largest(row).0 == label);
        }
        total
    }

    /// Of the mean over the batch.
    fn gradient(&self, logits: &[f32], targets: Targets<'_>, classes: usize, gradient: &mut [f32]) {
        let share = 1.0 / targets.labels.len() as f32;
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((row, gradient), label) in rows.zip(targets.labels) {
            let label = usize::from(*label);
            let violated = |logit: &f32| if 1.0 + logit > row[label] { share } else { 0.0 };
            gradient.iter_mut().zip(row).for_each(|(gradient, logit)| *gradient = violated(logit));
            gradient[label] -= gradient.iter().sum::<f32>();
        }
    }
}

fn main() -> Result<(), TrainError> {
    let step = TrainingStep::new(Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 }).loss(Hinge);
    let (device, activation) = (Device::Cpu, Activation::Relu);
    let options = ClassifierOptions { device, activation, seed: 43, ..ClassifierOptions::new(step) };
    let mut classifier = build::<mlp!(4, 16, 3), 4, 3>(options)?;
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng)?;
    let plan = Plan { phases: vec![Phase::constant(10, 0.05)], ..Plan::default() };
    let (progress, _) = fit(&mut *classifier, &Table(300), &Table(60), &plan, Progress::new(&rng), &mut ())?;
    let accuracy = progress.last.as_ref().map_or(0.0, |line| line.val_acc);
    println!("validation accuracy {accuracy:.4}");
    assert!(accuracy > 0.9);
    Ok(())
}
