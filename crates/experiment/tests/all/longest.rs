//! The longest run that a config may ask for: all that it writes can be read back, to resume it at its last epoch.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use strata_experiment::Config;
use strata_model::{Architecture, LayerWeights, Weights};
use strata_report::{
    HistoryEntry, MAX_HISTORY, PhaseRecord, Record, RunFolder, TimingLine, read_history, read_record, read_timing,
};
use strata_rng::TorchRng;
use strata_trainer::{Checkpoint, CheckpointHistory, Elapsed, HistoryMark, HistoryRow, OptimizerState, Progress};

/// As many digits as a number of 64 bits can have, its sign and exponent too.
const LONG: f64 = -1.234_567_890_123_456_7e-300;

fn config(phases: &[PhaseRecord]) -> String {
    let phases: Vec<_> = phases.iter().map(|phase| format!("{{epochs={},lr={:?}}}", phase.epochs, phase.lr)).collect();
    format!("phases=[{}]\n[dataset]\nkind=\"synthetic\"\n[model]\nhidden=[]\n", phases.join(","))
}

fn parse(config: &str) -> Result<Config, String> {
    Config::parse(config, Path::new("longest.toml"), &[]).map_err(|error| error.to_string())
}

/// The most phases there may be, of rates as long as they can be, with the most epochs.
fn longest() -> (Config, Vec<PhaseRecord>) {
    let mut phases = vec![PhaseRecord { epochs: 100, lr: 1.234_567_890_123_456_7e-30 }; 1000];
    let experiment = parse(&config(&phases)).unwrap();
    phases[0].epochs += 1;
    let refused = parse(&config(&phases)).unwrap_err();
    assert!(refused.contains("100001 epochs in all; at most 100000 are taken"), "{refused}");
    phases[0].epochs -= 1;
    (experiment, phases)
}

fn lines(epochs: usize) -> Vec<HistoryRow> {
    let line = |number: usize| {
        let epoch = number.checked_sub(1);
        HistoryRow {
            phase: epoch.map(|_| 999),
            epoch,
            learning_rate: epoch.map(|_| LONG),
            train_loss: epoch.map(|_| LONG),
            val_loss: LONG,
            val_acc: LONG,
            values: [("lr_last".to_owned(), LONG)].into(),
        }
    };
    (0..=epochs).map(line).collect()
}

#[test]
fn the_longest_runs_record_and_history_can_be_read_back() {
    let (experiment, phases) = longest();
    let runs = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(runs.path(), "longest").unwrap();
    folder.write_config(&experiment.to_toml()).unwrap();
    let again = Config::read(&folder.path().join("config.toml"), &[]).unwrap();
    assert_eq!(again.epochs(), experiment.epochs());

    let mut record = Record::new("longest", vec!["--set".into(); 1000]);
    let rates: Vec<_> = phases.iter().map(|phase| phase.lr).collect();
    record.hyperparameters.insert("lrs".into(), rates.into());
    record.hyperparameters.insert("epochs".into(), phases.iter().map(|phase| phase.epochs).collect());
    record.phases = phases;
    let history = lines(experiment.epochs());
    record.history = history.iter().map(|line| HistoryEntry::new(line.clone(), LONG)).collect();
    folder.write_record(&record).unwrap();
    assert_eq!(read_record(folder.path()).unwrap(), record);
    let size = std::fs::metadata(folder.path().join("record.json")).unwrap().len();
    assert!(size < 32 << 20, "no more than half of what is read: {size} bytes");

    assert!(history.len() <= MAX_HISTORY);
    folder.rewrite_history(&history).unwrap();
    assert_eq!(read_history(folder.path()).unwrap().entries, history);
    let time = |epoch| TimingLine {
        epoch,
        seconds: LONG,
        training_seconds: Some(LONG),
        samples_per_second: LONG,
        finished: strata_report::now(),
    };
    let times: String = history.iter().map(|line| serde_json::to_string(&time(line.epoch)).unwrap() + "\n").collect();
    std::fs::write(folder.path().join("timing.jsonl"), times).unwrap();
    assert_eq!(read_timing(folder.path()).unwrap().entries.len(), history.len());
}

#[test]
fn the_longest_runs_checkpoint_can_be_read_back() {
    let (experiment, _) = longest();
    let lines = lines(experiment.epochs());
    let mut progress = Progress { epoch: experiment.epochs(), ..Progress::new(&TorchRng::new(0)) };
    (progress.last, progress.best) = (lines.last().cloned(), lines.get(1).cloned());
    // The format before this one held them all.
    let history = CheckpointHistory::Lines(lines);
    let architecture = Architecture::new(1, &[], 1);
    let layer = LayerWeights { weight: vec![0.5], bias: vec![0.5] };
    let weights = Weights::from_layers(architecture.clone(), vec![layer]).unwrap();
    let optimizer = OptimizerState::new(0, &architecture.tensors());
    let checkpoint =
        Checkpoint { run: "a-run".into(), progress, history, elapsed: Elapsed::default(), weights, optimizer };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    checkpoint.save(&path).unwrap();
    assert!(Checkpoint::load(&path, "a-run", &architecture).unwrap() == checkpoint);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 50_000_000, "no more than half of what a header may have: {size} bytes");

    let mark = HistoryMark { bytes: u64::MAX, sha256: "0f".repeat(32) };
    Checkpoint { history: CheckpointHistory::File(mark), ..checkpoint }.save(&path).unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 10_000, "it does not grow with the epochs: {size} bytes");
}
