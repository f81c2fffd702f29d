//! An observer of one's own: it prints each epoch, and stops the run at a loss that is small enough.

#[path = "shared/table.rs"]
mod table;

use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    Adam, Classifier, ClassifierOptions, Device, Event, Observer, Outcome, Phase, Plan, Progress, TrainError,
    TrainingStep, build, fit,
};
use table::Table;

#[derive(Default)]
struct Watch {
    samples: usize,
    good_enough: bool,
}

impl Observer for Watch {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        match event {
            Event::BatchFinished { samples, .. } => self.samples += samples,
            Event::Evaluated { line, .. } => {
                println!("epoch {:?}: {} samples seen, validation loss {:.4}", line.epoch, self.samples, line.val_loss);
                self.good_enough = line.val_loss < 0.1;
            }
            _ => {}
        }
        Ok(())
    }

    // `classifier.snapshot()` and the progress are all that a resumed run needs.
    fn checkpoint(&mut self, _: &Progress, _: &mut dyn Classifier, _: bool) -> Result<(), TrainError> {
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.good_enough
    }
}

fn main() -> Result<(), TrainError> {
    let step = TrainingStep::new(Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0, decoupled: false });
    let (device, activation) = (Device::Cpu, Activation::Relu);
    let options = ClassifierOptions { device, activation, seed: 43, ..ClassifierOptions::new(step) };
    let mut classifier = build::<mlp!(4, 16, 3), 4, 3>(options)?;
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng)?;
    let phases = vec![Phase::constant(100, 0.01)];
    let plan = Plan { phases, ..Plan::default() };
    let (train, validation) = (Table(300), Table(60));
    let (_, outcome) = fit(&mut *classifier, &train, &validation, &plan, Progress::new(&rng), &mut Watch::default())?;
    assert_eq!(outcome, Outcome::Interrupted);
    Ok(())
}
