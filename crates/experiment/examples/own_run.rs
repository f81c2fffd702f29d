//! Data and a network of one's own, recorded; stopped and resumed, it ends in the bytes of a run that was never stopped.

use std::path::Path;

use strata_experiment::{ExperimentError, OwnRun};
use strata_model::{Activation, Usage, mlp};
use strata_trainer::{ClassifierOptions, Phase, Plan, Sgd, StopAfter, Table, build};

fn train(runs: &Path, name: &str, stop: usize) -> Result<(), ExperimentError> {
    let features: Vec<f32> = (0..600).map(|i| (i as f32 * 0.7).sin()).collect();
    let labels: Vec<u8> = features.chunks(2).map(|point| u8::from(point[0] * point[1] > 0.0)).collect();
    let data = Table::new(features, labels, 32)?.shuffled();
    let activation = Activation::Tanh;
    let options = ClassifierOptions { activation, seed: 43, ..ClassifierOptions::new(Sgd::with_momentum(0.9)) };
    let mut classifier = build::<mlp!(2, 16, 2), 2, 2>(options)?;
    let plan = Plan::new([Phase::constant(20, 0.1)]);
    let usage = Usage::of_features(activation, 2, ["differ", "agree"]);
    let run = OwnRun::new(runs, name, "points = 300\nseed = 43\n", usage).seed(43);
    let record = run.fit(&mut *classifier, &data, &data, &plan, &mut StopAfter::steps(stop))?;
    println!("{name}: accuracy {:?} after {} parts", record.metrics.val_acc, record.parts.len());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs = std::env::temp_dir().join(format!("strata-own-run-{}", std::process::id()));
    train(&runs, "whole", usize::MAX)?;
    let stopped = train(&runs, "stopped", 77);
    assert!(matches!(stopped, Err(ExperimentError::Interrupted { .. })));
    // The same call goes on with it.
    train(&runs, "stopped", usize::MAX)?;
    for file in ["model.safetensors", "history.jsonl"] {
        let read = |run: &str| std::fs::read(runs.join(run).join(file));
        assert_eq!(read("stopped")?, read("whole")?);
    }
    // A finished run is not trained again.
    assert!(matches!(train(&runs, "whole", usize::MAX), Err(ExperimentError::Resume { .. })));
    print!("{}", strata_report::runs_table(&strata_report::list_runs(&runs)?, None));
    Ok(std::fs::remove_dir_all(&runs)?)
}
