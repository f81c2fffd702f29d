//! A metric and a schedule of one's own: keys and rates of the history.

use strata_model::{Activation, mlp};
use strata_rng::TorchRng;
use strata_trainer::{
    ClassifierOptions, Device, Direction, Metric, Outputs, Phase, Plan, Progress, Schedule, ScheduledStep, Sgd, Table,
    TrainError, TrainingStep, build, fit,
};

/// Whether the label is among the two most probable classes.
#[derive(Debug)]
struct Top2;

impl Metric for Top2 {
    fn name(&self) -> &'static str {
        "top2_acc"
    }
    fn unit(&self) -> &'static str {
        "share of samples"
    }
    fn direction(&self) -> Direction {
        Direction::Higher
    }
    fn add(&self, outputs: &Outputs<'_>, sums: &mut [f64]) {
        sums[0] += outputs.samples().filter(|sample| sample.rank() < 2).count() as f64;
    }
}

/// Half of the rate in the second half of a phase.
#[derive(Debug)]
struct Halved;

impl Schedule for Halved {
    fn rate(&self, at: &ScheduledStep<'_>) -> f64 {
        if at.step < at.steps / 2 { at.peak } else { at.peak / 2.0 }
    }
}

fn main() -> Result<(), TrainError> {
    let features: Vec<f32> = (0..1200).map(|i| (i as f32 * 0.7).sin()).collect();
    let labels: Vec<u8> = features.chunks(4).map(|x| if x[0] > 0.3 { 0 } else { 1 + u8::from(x[1] > 0.0) }).collect();
    let data = Table::new(features, labels, 32)?.shuffled();
    let step = TrainingStep::new(Sgd { momentum: 0.9, ..Sgd::default() }).metric(Top2);
    let (device, activation) = (Device::Cpu, Activation::Relu);
    let options = ClassifierOptions { device, activation, seed: 43, ..ClassifierOptions::new(step) };
    let (mut classifier, mut rng) = (build::<mlp!(4, 16, 3), 4, 3>(options)?, TorchRng::new(43));
    classifier.initialise(&mut rng)?;
    let schedule = std::sync::Arc::new(Halved);
    let plan = Plan { phases: vec![Phase::constant(10, 0.05)], schedule: Some(schedule), ..Plan::default() };
    let (progress, _) = fit(&mut *classifier, &data, &data, &plan, Progress::new(&rng), &mut ())?;
    let last = progress.last.unwrap_or_else(|| unreachable!("ten epochs were trained"));
    println!("{last:?}");
    assert_eq!(last.learning_rate, Some(0.025));
    assert!(last.values["val_top2_acc"] >= last.val_acc);
    Ok(())
}
