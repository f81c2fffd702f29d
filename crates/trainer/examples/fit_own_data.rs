//! A network fitted to a table of one's own: a `Loader` gives batches, `fit` trains over phases, `evaluate` scores.

#[path = "shared/table.rs"]
mod table;

use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    ClassifierOptions, Pass, Phase, Plan, Progress, Sgd, TrainError, TrainingStep, build, evaluate, fit,
};
use table::Table;

fn main() -> Result<(), TrainError> {
    let options = ClassifierOptions {
        activation: Activation::Gelu,
        seed: 43,
        ..ClassifierOptions::new(TrainingStep::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 }))
    };
    // Four inputs, sixteen hidden units, three classes.
    let mut classifier = build::<mlp!(4, 16, 3), 4, 3>(options)?;
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng)?;

    let phases = vec![Phase::constant(8, 0.1), Phase::constant(2, 0.01)];
    let plan = Plan { phases, ..Plan::default() };
    let (train, validation, test) = (Table(300), Table(60), Table(60));
    let (progress, _) = fit(&mut *classifier, &train, &validation, &plan, Progress::new(&rng), &mut ())?;
    if let Some(line) = &progress.last {
        println!("after {} epochs: loss {:.4}, accuracy {:.4}", progress.epoch, line.val_loss, line.val_acc);
    }
    if let Some(score) = evaluate(&mut *classifier, &test, &mut rng, Pass::Test, &mut ())? {
        println!("test: {} of {} right, loss {:.4}", score.correct, score.samples, score.mean_loss());
        assert!(score.correct > 55, "{score:?}");
    }
    Ok(())
}
