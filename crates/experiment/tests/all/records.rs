//! What a run's record tells, whatever became of the run: driven through the library, with networks that fail, panic or are slow on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::watched::{Use, Watch, Watched};
use strata_experiment::{Commit, CompiledNetwork, Config, Display, ExperimentError, OwnRun, Runner, Stop, find_run};
use strata_export::TensorBoardLog;
use strata_model::{Activation, Usage, mlp};
use strata_report::{Record, Status, compare_table, read_history, read_record, read_timing};
use strata_trainer::{
    BuildClassifier, Classifier, ClassifierOptions, Device, Observer, Phase, Plan, Sgd, Table, TrainError, build,
};

const CONFIG: &str = "
name = \"small\"
phases = [{ epochs = 3, lr = 0.001 }]
[dataset]
kind = \"synthetic\"
train = 300
test = 50
validation = 50
batch = 50
[model]
hidden = []
";
const NETWORK: &str = "3072, 10";
/// A training step of the slow network.
const STEP: Duration = Duration::from_millis(20);

fn linear(options: ClassifierOptions<'_>) -> Result<Box<dyn Classifier>, TrainError> {
    build::<mlp!(3072, 10), 3072, 10>(options)
}

/// Behaves as `how` says where a network is initialised or trained.
struct Odd {
    how: How,
    steps: usize,
    /// What asks the run to stop, and after how many steps.
    stop: Option<(Stop, usize)>,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    FailsToEvaluate,
    PanicsInEvaluation,
    PanicsInTraining,
    Slow,
}

thread_local! {
    /// What asks the run that this thread begins to stop, and after how many steps of the slow network.
    static STOP: RefCell<Option<(Stop, usize)>> = const { RefCell::new(None) };
}

impl Watch for Odd {
    fn before(&mut self, used: Use) -> Result<(), TrainError> {
        match (used, self.how) {
            (Use::Training, how) => {
                self.steps += 1;
                assert!(how != How::PanicsInTraining || self.steps < 8, "in step 8, on purpose");
                std::thread::sleep(STEP);
                if let Some((stop, after)) = &self.stop
                    && self.steps == *after
                {
                    stop.request();
                }
            }
            (Use::Validation, How::FailsToEvaluate) => {
                return Err(TrainError::Device("out of memory on purpose".into()));
            }
            (Use::Validation, How::PanicsInEvaluation) => panic!("in an evaluation, on purpose"),
            _ => {}
        }
        Ok(())
    }
}

fn odd(options: ClassifierOptions<'_>, how: How) -> Result<Box<dyn Classifier>, TrainError> {
    let watch = Odd { how, steps: 0, stop: STOP.with_borrow(Clone::clone) };
    Ok(Box::new(Watched { inner: linear(options)?, watch }))
}

fn rows(build: BuildClassifier) -> [CompiledNetwork; 1] {
    [CompiledNetwork { network: NETWORK, build }]
}

fn runner(rows: &[CompiledNetwork]) -> Runner<'_> {
    let commit = Some(Commit { id: "my own commit".into(), dirty: Some(true), change: Some("+one line\n".into()) });
    let command = vec!["a-test".to_owned()];
    Runner { networks: rows, data: None, command, commit, stop: Stop::default(), display: Display::default() }
}

fn config() -> Config {
    Config::parse(CONFIG, Path::new("small.toml"), &[]).unwrap()
}

fn failed(runs: &Path, build: BuildClassifier) -> Record {
    let result = catch_unwind(AssertUnwindSafe(|| runner(&rows(build)).start(&config(), runs, None)));
    assert!(!matches!(result, Ok(Ok(_))));
    let record = read_record(&runs.join("small")).unwrap();
    assert_eq!(record.status, Status::Failed);
    assert!(record.ended.is_some() && record.parts[0].ended == record.ended);
    record
}

#[test]
fn an_error_or_a_panic_after_the_first_record_leaves_the_status_failed_and_its_reason() {
    let cases: [(BuildClassifier, &str, usize); 3] = [
        (|options| odd(options, How::FailsToEvaluate), "out of memory on purpose", 0),
        (|options| odd(options, How::PanicsInEvaluation), "it panicked: in an evaluation, on purpose", 0),
        (|options| odd(options, How::PanicsInTraining), "it panicked: in step 8, on purpose", 2),
    ];
    for (build, reason, lines) in cases {
        let runs = tempfile::tempdir().unwrap();
        let record = failed(runs.path(), build);
        assert!(record.reason.as_ref().is_some_and(|found| found.contains(reason)), "{:?}", record.reason);
        assert_eq!(record.history.len(), lines, "{reason}: what was reached is recorded");
        // What failed can be resumed by a program that does not fail.
        runner(&rows(linear)).resume(&runs.path().join("small"), |config| config).unwrap();
        assert_eq!(read_record(&runs.path().join("small")).unwrap().status, Status::Finished);
    }
}

/// Starts a run of the slow network, stopped after `steps` of its steps.
fn stopped(runs: &Path, steps: usize) -> PathBuf {
    let rows = rows(|options| odd(options, How::Slow));
    let mut runner = runner(&rows);
    STOP.set(Some((runner.stop.clone(), steps)));
    let error = runner.start(&config(), runs, None).unwrap_err();
    assert!(matches!(error, ExperimentError::Interrupted { .. }), "{error}");
    STOP.set(None);
    runs.join("small")
}

#[test]
fn a_resumed_runs_record_lists_each_part_and_counts_whole_epochs() {
    let runs = tempfile::tempdir().unwrap();
    let run = stopped(runs.path(), 7);
    let path = run.join("record.json");
    let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let before = text.clone();
    // Seven steps of fifteen: two of the second epoch's five.
    assert_eq!(before["parts"].as_array().unwrap().len(), 1);
    for place in ["", "/environment", "/parts/0", "/hyperparameters", "/history/0", "/dataset/split"] {
        let object = text.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("remark".into(), "mine".into());
    }
    std::fs::write(&path, serde_json::to_vec(&text).unwrap()).unwrap();

    let rows = rows(|options| odd(options, How::Slow));
    let mut again = Runner { command: vec!["again".into()], commit: None, ..runner(&rows) };
    again.resume(&run, |config| config.with_threads(None)).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for place in ["", "/environment", "/parts/0", "/hyperparameters", "/history/0", "/dataset/split"] {
        assert_eq!(after.pointer(place).unwrap()["remark"], "mine", "{place}");
    }

    let record = read_record(&run).unwrap();
    let [first, second] = &record.parts[..] else { panic!("{:?}", record.parts) };
    assert_eq!((first.first_epoch, second.first_epoch), (Some(0), Some(1)));
    assert_eq!((&first.command[0], &second.command[0]), (&"a-test".to_owned(), &"again".to_owned()));
    assert_eq!(first.environment.commit.as_deref(), Some("my own commit"));
    assert_eq!((second.environment.commit.as_deref(), record.environment.commit), (None, Some("my own commit".into())));
    assert!(first.ended.as_ref().unwrap() <= &second.started && second.ended == record.ended);
    assert!(!first.working_directory.is_empty());
    assert_eq!(record.resumed, std::slice::from_ref(&second.started));

    // Each epoch has its five steps, the one that was stopped too.
    let timing = read_timing(&run).unwrap().entries;
    assert_eq!(timing.len(), 4);
    for line in &timing[1..] {
        let training = line.training_seconds.unwrap();
        assert!(training >= 5.0 * STEP.as_secs_f64(), "{line:?}");
        assert!(line.seconds >= training);
        assert_eq!(line.samples_per_second, 250.0 / training);
    }
    assert!(record.metrics.seconds.unwrap() >= 15.0 * STEP.as_secs_f64());
    let seconds: Vec<f64> = record.history.iter().map(|line| line.seconds).collect();
    assert_eq!(seconds, timing.iter().map(|line| line.seconds).collect::<Vec<_>>());
}

#[test]
fn a_killed_runs_history_is_recovered_from_its_lines() {
    let runs = tempfile::tempdir().unwrap();
    let run = stopped(runs.path(), 7);
    let whole = tempfile::tempdir().unwrap();
    runner(&rows(linear)).start(&config(), whole.path(), None).unwrap();
    // As the record was when it was written last: at the start.
    let path = run.join("record.json");
    let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    text["history"] = serde_json::json!([]);
    text["metrics"] = serde_json::json!({});
    text["status"] = "running".into();
    std::fs::write(&path, serde_json::to_vec(&text).unwrap()).unwrap();
    runner(&rows(linear)).resume(&run, |config| config).unwrap();
    let (record, expected) = (read_record(&run).unwrap(), read_record(&whole.path().join("small")).unwrap());
    let metrics = |record: &Record| strata_report::Metrics { seconds: None, ..record.metrics.clone() };
    assert_eq!(metrics(&record), metrics(&expected));
    let lines = |record: &Record| record.history.iter().map(|entry| entry.line.clone()).collect::<Vec<_>>();
    assert_eq!(lines(&record), lines(&expected));
    assert_eq!(lines(&record), read_history(&run).unwrap().entries);
}

#[test]
fn a_lost_checkpoint_is_refused_where_epochs_were_trained() {
    let runs = tempfile::tempdir().unwrap();
    let run = stopped(runs.path(), 7);
    let last = run.join("checkpoints/last.safetensors");
    let saved = std::fs::read(&last).unwrap();
    std::fs::remove_file(&last).unwrap();
    let files = ["record.json", "history.jsonl", "timing.jsonl", "checkpoints/best.safetensors"];
    // Each of them alone is enough; without the record there is nothing to compare its epochs with.
    for (number, kept) in files.into_iter().enumerate() {
        let copy = runs.path().join(format!("copy{number}"));
        std::fs::create_dir_all(copy.join("checkpoints")).unwrap();
        for file in ["config.toml", kept] {
            std::fs::copy(run.join(file), copy.join(file)).unwrap();
        }
        let before = std::fs::read(copy.join(kept)).unwrap();
        let error = runner(&rows(linear)).resume(&copy, |config| config).unwrap_err().to_string();
        for part in ["last.safetensors is gone", kept, "restore it from a copy, or start a new run from its config"] {
            assert!(error.contains(part), "{kept}: {part:?} is missing in {error}");
        }
        assert_eq!(std::fs::read(copy.join(kept)).unwrap(), before, "nothing is changed");
    }
    // A checkpoint without the record that tells whose it is.
    std::fs::write(&last, saved).unwrap();
    std::fs::rename(run.join("record.json"), run.join("record")).unwrap();
    let error = runner(&rows(linear)).resume(&run, |config| config).unwrap_err().to_string();
    assert!(error.contains("its record.json is gone"), "{error}");
    // What the error says.
    let again = Config::read(&run.join("config.toml"), &[]).unwrap();
    runner(&rows(linear)).start(&again, runs.path(), None).unwrap();
}

#[test]
fn a_run_without_an_epoch_restarts_from_its_seed() {
    let runs = tempfile::tempdir().unwrap();
    runner(&rows(linear)).start(&config(), runs.path(), Some("whole")).unwrap();
    let (whole, run) = (runs.path().join("whole"), runs.path().join("run"));
    std::fs::create_dir(&run).unwrap();
    std::fs::copy(whole.join("config.toml"), run.join("config.toml")).unwrap();
    // Killed after the initial evaluation was appended and before the first checkpoint.
    let history = std::fs::read_to_string(whole.join("history.jsonl")).unwrap();
    std::fs::write(run.join("history.jsonl"), history.split_inclusive('\n').next().unwrap()).unwrap();
    runner(&rows(linear)).resume(&run, |config| config).unwrap();
    assert_eq!(std::fs::read_to_string(run.join("history.jsonl")).unwrap(), history);
}

#[test]
fn runs_are_found_and_compared_by_their_folders_real_names() {
    let runs = tempfile::tempdir().unwrap();
    let run = runner(&rows(linear)).start(&config(), runs.path(), Some("first")).unwrap();
    let renamed = runs.path().join("second");
    std::fs::rename(&run, &renamed).unwrap();
    assert_eq!(find_run(Path::new("second"), runs.path()).unwrap(), renamed);
    assert!(find_run(Path::new("first"), runs.path()).is_err());
    assert!(compare_table(&[read_record(&renamed.join(".")).unwrap()], None).contains("second"));
    #[cfg(unix)]
    {
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&renamed, elsewhere.path().join("link")).unwrap();
        for name in ["link", "second"] {
            let found = find_run(Path::new(name), elsewhere.path()).unwrap();
            assert_eq!(read_record(&found).unwrap().name, "second");
        }
    }
}

/// The keys that a run without them has are those of every run, in their places.
/// Asked to stop or not, it puts a folder where a plot goes.
struct InThePlotsWay(PathBuf);

impl Observer for InThePlotsWay {
    fn is_interrupted(&self) -> bool {
        std::fs::create_dir_all(self.0.join("loss.svg")).unwrap();
        false
    }
}

#[test]
fn a_run_is_called_finished_once_its_plots_are_there() {
    let runs = tempfile::tempdir().unwrap();
    let data = Table::new(vec![0.5; 8], vec![0, 1, 0, 1], 2).unwrap();
    let (device, activation) = (Device::Cpu, Activation::Relu);
    let plan = Plan { phases: vec![Phase::constant(1, 0.1)], ..Plan::default() };
    let fit = |mut observer: InThePlotsWay| {
        let options = ClassifierOptions { device, activation, seed: 1, ..ClassifierOptions::new(Sgd::default()) };
        let mut classifier = build::<mlp!(2, 4, 2), 2, 2>(options).unwrap();
        let usage = Usage::of_features(activation, 2, ["a", "b"]);
        let run = OwnRun { runs: runs.path(), name: "run", config: "", seed: 1, device, usage, from: None };
        run.fit(&mut *classifier, &data, &data, &plan, &mut observer)
    };
    let run = runs.path().join("run");
    let error = fit(InThePlotsWay(run.clone())).unwrap_err();
    assert!(error.to_string().contains("loss.svg"), "{error}");
    assert_ne!(read_record(&run).unwrap().status, Status::Finished);
    std::fs::remove_dir(run.join("loss.svg")).unwrap();
    fit(InThePlotsWay(runs.path().join("elsewhere"))).unwrap();
    assert_eq!(read_record(&run).unwrap().status, Status::Finished);
    assert!(run.join("loss.svg").is_file());
}

#[test]
fn chosen_metrics_are_keys_of_history_and_record_and_choose_the_weights() {
    let sets = [
        "phases=[{epochs = 6, lr = 0.02}]",
        r#"metrics=["macro_f1", "top_5"]"#,
        "checkpoint.best=val_top_5",
        r#"early_stopping={patience = 5, metric = "val_macro_f1"}"#,
    ];
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let config = Config::parse(CONFIG, Path::new("small.toml"), &sets).unwrap();
    let runs = tempfile::tempdir().unwrap();
    let run = runner(&rows(linear)).start(&config, runs.path(), None).unwrap();
    let rows = read_history(&run).unwrap().entries;
    assert!(rows.iter().all(|row| row.values.keys().eq(["val_macro_f1", "val_top_5"])), "{rows:?}");
    let text = std::fs::read_to_string(run.join("history.jsonl")).unwrap();
    assert!(text.lines().all(|line| {
        let key = |key: &str| line.find(&format!("\"{key}\":")).unwrap();
        key("val_loss") < key("val_acc") && key("val_acc") < key("val_macro_f1")
    }));
    let record = read_record(&run).unwrap();
    let best = rows[1..].iter().rev().max_by(|a, b| a.values["val_top_5"].total_cmp(&b.values["val_top_5"])).unwrap();
    let chosen = record.chosen.as_ref().unwrap();
    assert_eq!((chosen.epoch, chosen.rule.as_str()), (best.epoch, "best val_top_5: the highest"));
    let values = &record.metrics.values;
    assert_eq!(values["val_top_5"], best.values["val_top_5"]);
    assert_eq!(values["best_val_macro_f1"], best.values["val_macro_f1"]);
    assert_eq!(values["initial_val_top_5"], rows[0].values["val_top_5"]);
    assert!(values["test_macro_f1"] > 0.0 && values["test_top_5"] > values["test_macro_f1"]);
    assert_eq!(record.metrics.get("best_epoch"), best.epoch.map(|epoch| epoch as f64));
}

/// A run that is stopped in its second epoch and resumed tells TensorBoard what one that was never stopped tells.
#[test]
fn events_for_tensorboard_are_written_while_a_run_goes_and_continued_by_a_resume() {
    let text = format!("{CONFIG}[report]\ntensorboard = true\n");
    let config = Config::parse(&text, Path::new("small.toml"), &["dataset.batch=10".into()]).unwrap();
    let runs = tempfile::tempdir().unwrap();
    let whole = runner(&rows(linear)).start(&config, runs.path(), Some("whole")).unwrap();
    let stop = Stop::default();
    STOP.with_borrow_mut(|place| *place = Some((stop.clone(), 37)));
    let networks = rows(|options| odd(options, How::Slow));
    let mut first = Runner { stop, ..runner(&networks) };
    assert!(matches!(first.start(&config, runs.path(), None), Err(ExperimentError::Interrupted { .. })));
    let parts = runs.path().join("small");
    let shown = |run: &Path| TensorBoardLog::scalars(&TensorBoardLog::folder(run)).unwrap();
    assert!(shown(&parts).len() > 8 && shown(&parts).len() < shown(&whole).len());
    runner(&rows(linear)).resume(&parts, |config| config).unwrap();
    assert_eq!(shown(&parts), shown(&whole));
    let losses: Vec<_> = shown(&whole).into_iter().filter(|(tag, ..)| tag == "val_loss").collect();
    let history = read_history(&whole).unwrap().entries;
    let expected =
        history.iter().zip([0, 25, 50, 75]).map(|(line, step)| ("val_loss".into(), step, line.val_loss as f32));
    assert_eq!(losses, expected.collect::<Vec<_>>());
    let steps: Vec<_> =
        shown(&whole).into_iter().filter(|(tag, ..)| tag == "train_loss_so_far").map(|(_, step, _)| step).collect();
    assert_eq!(steps, [10, 20, 35, 45, 60, 70]);
    assert_eq!(shown(&whole).iter().filter(|(tag, ..)| tag == "test_acc").count(), 1);
}
