//! Data and a network of one's own, recorded; stopped and resumed, it ends in the bytes of a run that was never stopped.

use std::cell::Cell;
use strata_experiment::{ExperimentError, Recorder, Resumption, environment};
use strata_model::{Activation, Usage, mlp};
use strata_report::{Record, RunFolder};
use strata_rng::TorchRng;
use strata_trainer::{ClassifierOptions, Device, Observer, Outcome, Phase, Plan, Progress, Sgd, Table, build, fit};

/// Asks to stop after so many batches.
struct StopAfter(Cell<usize>);

impl Observer for StopAfter {
    fn is_interrupted(&self) -> bool {
        self.0.replace(self.0.get().saturating_sub(1)) == 0
    }
}

fn train(folder: RunFolder, is_new: bool, mut stop: StopAfter) -> Result<(), ExperimentError> {
    const CONFIG: &str = "points = 300\nseed = 43\n";
    let features: Vec<f32> = (0..600).map(|i| (i as f32 * 0.7).sin()).collect();
    let labels: Vec<u8> = features.chunks(2).map(|point| u8::from(point[0] * point[1] > 0.0)).collect();
    let data = Table::new(features, labels, 32)?.shuffled();
    let step = Sgd { momentum: 0.9, ..Sgd::default() }.into();
    let (device, activation) = (Device::Cpu, Activation::Tanh);
    let options = ClassifierOptions { device, step, activation, dropout: 0.0, seed: 43, resident: None };
    let (mut classifier, mut rng) = (build::<mlp!(2, 16, 2), 2, 2>(options)?, TorchRng::new(43));
    classifier.initialise(&mut rng)?;
    let phases = vec![Phase::constant(20, 0.1)];
    let plan = Plan { phases, ..Plan::default() };
    let record = Record { environment: environment(device, None), ..Record::new("", std::env::args().collect()) };
    let (mut recorder, progress) = match is_new {
        true => (Recorder::start(folder, CONFIG, record)?, None),
        false => Resumption::open(folder, CONFIG)?.restore(record, &mut *classifier, &plan, 10, 43)?,
    };
    let usage = Usage::of_features(activation, 2, ["differ", "agree"]);
    recorder.run(|recorder| {
        let progress = progress.unwrap_or_else(|| Progress::new(&rng));
        let mut observers: [&mut dyn Observer; 2] = [recorder, &mut stop];
        match fit(&mut *classifier, &data, &data, &plan, progress, &mut observers)? {
            (_, Outcome::Interrupted) => Err(recorder.interrupted()),
            (end, _) => Ok(recorder.keep_weights(&mut *classifier, &end, false, usage)?),
        }
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs = std::env::temp_dir().join(format!("strata-own-run-{}", std::process::id()));
    train(RunFolder::create(&runs, "whole")?, true, StopAfter(usize::MAX.into()))?;
    let stopped = train(RunFolder::create(&runs, "stopped")?, true, StopAfter(77.into()));
    assert!(matches!(stopped, Err(ExperimentError::Interrupted { .. })));
    train(RunFolder::open(&runs.join("stopped"))?, false, StopAfter(usize::MAX.into()))?;
    for file in ["model.safetensors", "history.jsonl"] {
        let read = |run: &str| std::fs::read(runs.join(run).join(file));
        assert_eq!(read("stopped")?, read("whole")?);
    }
    print!("{}", strata_report::runs_table(&strata_report::list_runs(&runs)?, None));
    Ok(std::fs::remove_dir_all(&runs)?)
}
