//! An optimizer of one's own: it makes each step's rule, which runs inside the product that makes a weight's gradient.

#[path = "shared/table.rs"]
mod table;

use strata_kernels::{ElementwiseRule, UpdateRule};
use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    ClassifierOptions, Clipping, Device, Optimizer, Phase, Plan, Progress, Step, TrainError, TrainingStep, build, fit,
};
use table::Table;

/// SignSGD with momentum (Bernstein et al. 2018).
#[derive(Debug)]
struct SignSgd {
    momentum: f64,
}

struct SignRule {
    learning_rate: f32,
    momentum: f32,
}

impl ElementwiseRule for SignRule {
    type State = [f32; 1];

    #[inline(always)]
    fn step(&self, p: f32, g: f32, [velocity]: [f32; 1]) -> (f32, [f32; 1]) {
        let velocity = self.momentum * velocity + g;
        (p - self.learning_rate * velocity.signum(), [velocity])
    }
}

impl Optimizer for SignSgd {
    fn states(&self) -> &'static [&'static str] {
        &["momentum_buffer"]
    }

    fn rule(&self, step: Step) -> Result<Box<dyn UpdateRule>, TrainError> {
        let learning_rate = step.single("learning rate", step.learning_rate)?;
        Ok(Box::new(SignRule { learning_rate, momentum: self.momentum as f32 }))
    }
}

fn main() -> Result<(), TrainError> {
    let step = TrainingStep::new(SignSgd { momentum: 0.9 }).clipping(Clipping { norm: Some(1.0), value: None });
    let (device, activation) = (Device::Cpu, Activation::Relu);
    let options = ClassifierOptions { device, activation, seed: 43, ..ClassifierOptions::new(step) };
    let mut classifier = build::<mlp!(4, 16, 3), 4, 3>(options)?;
    let mut rng = TorchRng::new(43);
    classifier.initialise(&mut rng)?;
    let plan = Plan { phases: vec![Phase::constant(10, 0.01)], ..Plan::default() };
    let (progress, _) = fit(&mut *classifier, &Table(300), &Table(60), &plan, Progress::new(&rng), &mut ())?;
    let accuracy = progress.last.as_ref().map_or(0.0, |line| line.val_acc);
    println!("validation accuracy {accuracy:.4}");
    assert!(accuracy > 0.9);
    Ok(())
}
