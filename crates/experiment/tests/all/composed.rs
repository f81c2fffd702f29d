//! A run with everything on at once (low frequencies, mirroring, crops, MixUp, residual block, batch normalisation, dropout, stochastic depth, smoothing, clipping, decay of weights,
//! accumulation, an average, a plateau after a warm-up, early stopping), stopped in any of its passes and resumed: weights, averages and history to the byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::watched::{Use, Watch, Watched};
use strata_experiment::{CompiledNetwork, Config, Display, ExperimentError, Runner, Stop};
use strata_model::{TrainedModel, net};
use strata_report::read_record;
use strata_trainer::{Checkpoint, Classifier, ClassifierOptions, TrainError, build};

const CONFIG: &str = r#"
name = "composed"
seed = 43
device = "cpu"
[dataset]
kind = "synthetic"
train = 230
test = 50
validation = 50
batch = 20
input = "frequencies"
coefficients = 16
[[augment]]
kind = "mirror"
[[augment]]
kind = "crop"
area = [0.5, 1.0]
[[augment]]
kind = "mixup"
alpha = 0.4
probability = 0.7
[model]
network = "8 batch_norm relu dropout(0.1), skip(layer_norm, 12 gelu, 8 stochastic_depth(0.2))"
[loss]
label_smoothing = 0.1
[optimizer]
momentum = 0.9
nesterov = true
weight_decay = 5e-4
decay = "weights"
clip_norm = 0.5
accumulate = 2
[averaging]
kind = "ema"
decay = 0.8
[[phases]]
epochs = 4
lr = 0.05
schedule = "plateau"
patience = 0
min_delta = 10.0
factor = 0.5
warmup = 0.2
[[phases]]
epochs = 2
lr = 0.02
schedule = "cosine_restarts"
period = 1
[early_stopping]
patience = 10
[checkpoint]
every_steps = 2
"#;

/// What asks the run to stop, and in which batch of any pass.
static STOP: Mutex<Option<(Stop, usize)>> = Mutex::new(None);

/// Counts the batches of a network, and asks for the end of its run in a certain one.
#[derive(Default)]
struct Stopping {
    batches: usize,
}

impl Watch for Stopping {
    fn before(&mut self, _: Use) -> Result<(), TrainError> {
        self.batches += 1;
        if let Some((stop, batch)) = &*STOP.lock().unwrap()
            && self.batches == *batch
        {
            stop.request();
        }
        Ok(())
    }
}

fn stopping(options: ClassifierOptions<'_>) -> Result<Box<dyn Classifier>, TrainError> {
    type Network = net!(48, 8 batch_norm relu dropout(0.1), skip(layer_norm, 12 gelu, 8 stochastic_depth(0.2)), 10);
    Ok(Box::new(Watched { inner: build::<Network, 48, 10>(options)?, watch: Stopping::default() }))
}

const NETWORKS: [CompiledNetwork; 1] = [CompiledNetwork {
    network: "48, 8 batch_norm relu dropout(0.1), skip(layer_norm, 12 gelu, 8 stochastic_depth(0.2)), 10",
    build: stopping,
}];

fn runner() -> Runner<'static> {
    let command = vec!["a-test".to_owned()];
    let (stop, display) = (Stop::default(), Display::default());
    Runner { networks: &NETWORKS, data: None, command, commit: None, stop, display }
}

/// Runs the config, stopped in the batch `stop` of any pass and resumed where there is one.
fn run(runs: &Path, stop: Option<usize>) -> PathBuf {
    let config = Config::parse(CONFIG, Path::new("composed.toml"), &[]).unwrap();
    let mut runner = runner();
    *STOP.lock().unwrap() = stop.map(|batch| (runner.stop.clone(), batch));
    let started = runner.start(&config, runs, None);
    *STOP.lock().unwrap() = None;
    match (stop, started) {
        (None, Ok(folder)) => folder,
        (Some(_), Err(ExperimentError::Interrupted { run })) => {
            self::runner().resume(&run, |config| config).unwrap();
            run
        }
        (_, started) => panic!("{stop:?}: {started:?}"),
    }
}

fn checkpoint(folder: &Path, name: &str) -> Checkpoint {
    Checkpoint::from_bytes(&std::fs::read(folder.join("checkpoints").join(name)).unwrap()).unwrap()
}

#[test]
fn a_run_with_everything_on_is_resumed_to_the_byte() {
    let runs = tempfile::tempdir().unwrap();
    let whole = run(&runs.path().join("whole"), None);
    let read = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
    let last = checkpoint(&whole, "last.safetensors");
    assert_eq!(last.optimizer.steps, 6 * 5, "nine batches an epoch are five steps");
    // The plain weights stay in the last checkpoint, the averages beside them; the best and the result are averages.
    let best = checkpoint(&whole, "best.safetensors");
    let model = TrainedModel::load(&whole.join("model.safetensors")).unwrap();
    assert!(model.weights().tensors == best.weights.tensors && model.weights().tensors != last.weights.tensors);
    assert!(last.optimizer.parameters.iter().all(|parameter| parameter.buffers.len() == 2));
    let record = read_record(&whole).unwrap();
    let recorded = &record.hyperparameters;
    for (key, value) in [
        ("averaging", "ema".into()),
        ("accumulate", 2.into()),
        ("clip_norm", 0.5.into()),
        ("input", "frequencies".into()),
    ] {
        assert_eq!(recorded.get(key), Some::<&serde_json::Value>(&value), "{key}");
    }

    // Two evaluation batches, then 9 in training, 9 in the estimate of statistics and 2 in the evaluation of each epoch.
    for stop in [1, 3, 8, 12, 15, 21, 23, 47, 104, 121] {
        let resumed = run(&runs.path().join(stop.to_string()), Some(stop));
        for name in ["history.jsonl", "model.safetensors"] {
            assert!(read(&resumed, name) == read(&whole, name), "{name} of the run stopped in batch {stop}");
        }
        let again = checkpoint(&resumed, "last.safetensors");
        assert!(again.weights == last.weights && again.optimizer == last.optimizer, "stopped in batch {stop}");
        assert_eq!(again.progress, last.progress, "stopped in batch {stop}");
    }
}
