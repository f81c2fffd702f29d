//! kill -9 at random moments: no record is ever unreadable, and every run ends in the bytes of one that was never stopped.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Sandbox, residual_network};
use crate::random::{Random, rounds};

/// Runs that are killed until they finish. Forty: STRATA_TEST_ROUNDS=5.
const RUNS: usize = 8;
/// Checkpoints so often that kills land in the midst of everything.
const SETS: &[&str] = &["phases=[{epochs=8,lr=0.001}]", "checkpoint.every_steps=2", "early_stopping={patience=7}"];

const RESIDUAL_RUNS: usize = 2;
/// A network with running statistics, dropout and stochastic depth, mixed batches, smoothed labels, an average of the weights, clipped and accumulated gradients, a rate that
/// waits for the validation loss.
const RESIDUAL_SETS: &[&str] = &[
    "phases=[{epochs=3,lr=0.002,schedule=\"plateau\",patience=0,min_delta=10,warmup=0.1}]",
    "checkpoint.every_steps=2",
    "augment=[{kind='mirror'},{kind='mixup',alpha=0.4,probability=0.6}]",
    "loss.label_smoothing=0.1",
    "optimizer.kind=adamw",
    "optimizer.clip_norm=0.5",
    "optimizer.accumulate=2",
    "averaging={kind='ema',decay=0.9}",
    "model.init=kaiming_normal",
    "model.zero_init_residual=true",
];

const AUGMENTED_RUNS: usize = 3;
/// A mirrored network on low frequencies; images changed in every way, mirrored in every other epoch, batches mixed in both ways.
const AUGMENTED_SETS: &[&str] = &[
    "phases=[{epochs=5,lr=0.01,schedule=\"one_cycle\"}]",
    "checkpoint.every_steps=2",
    "dataset.input=frequencies",
    "dataset.coefficients=64",
    "model.network=mirrored(64 batch_norm relu, skip(32 relu, 64 batch_norm), 48 relu dropout(0.1))",
    "augment=[{kind='mirror',alternate=true},{kind='crop',area=[0.5,1]},{kind='shift',pixels=3,edges='reflected'},\
     {kind='rotate',degrees=10,probability=0.5},{kind='colour_jitter',brightness=0.3,contrast=0.3,saturation=0.3},{kind='cutout',size=8},\
     {kind='mixup',alpha=0.2,probability=0.4},{kind='cutmix',probability=0.4}]",
];

fn arguments<'a>(name: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["experiment", "small.toml", "--name", name];
    arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
    arguments
}

#[test]
fn killed_and_resumed_runs_equal_an_uninterrupted_one() {
    kill_and_resume(SETS, RUNS);
}

#[test]
fn a_killed_and_resumed_residual_network_equals_an_uninterrupted_one() {
    let network = format!("model.network={}", residual_network());
    let sets: Vec<_> = RESIDUAL_SETS.iter().copied().chain([&*network]).collect();
    let [_, history] = kill_and_resume(&sets, RESIDUAL_RUNS);
    let last: Value =
        serde_json::from_slice(history.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert!(last["lr"].as_f64().unwrap() < 0.001, "the plateau's state is part of it: {last}");
}

#[test]
fn a_killed_and_resumed_run_on_augmented_images_equals_an_uninterrupted_one() {
    kill_and_resume(AUGMENTED_SETS, AUGMENTED_RUNS);
}

/// Gives the weights and the history that all of them have.
fn kill_and_resume(sets: &[&str], runs: usize) -> [Vec<u8>; 2] {
    let sandbox = Sandbox::new();
    let begin = Instant::now();
    sandbox.run(arguments("whole", sets)).succeeded();
    // Kills fall within this time of a start; it follows the machine, whose speed may change under the test.
    let mut window = begin.elapsed();
    let expected = sandbox.result("whole");

    let mut random = Random(43);
    let (mut kills, mut looks) = (0, 0);
    let mut number = 0;
    // On a busy machine the first run may have taken so long that no later one is met: the window narrows until one is.
    while number < rounds(runs) || kills == 0 {
        assert!(number < 10 * rounds(runs), "no run was killed");
        let name = format!("run{number}");
        let ended = AtomicBool::new(false);
        let readable = AtomicUsize::new(0);
        kills += scope(|scope| {
            scope.spawn(|| watch_record(&sandbox, &name, &ended, &readable));
            let kills = until_finished(&sandbox, &name, sets, &mut window, &mut random);
            ended.store(true, Ordering::SeqCst);
            kills
        });
        looks += readable.into_inner();
        assert!(sandbox.result(&name) == expected, "{name} differs");
        sandbox.holds_only_a_runs_files(&name);
        the_record_tells_the_whole(&sandbox, &name);
        number += 1;
    }
    println!("{number} runs, {kills} kills, {looks} looks at records");
    assert!(looks > kills);
    expected
}

/// Starts the run and goes on with it, killing it at a random moment each time, until it is finished; the kills that hit.
fn until_finished(sandbox: &Sandbox, name: &str, sets: &[&str], window: &mut Duration, random: &mut Random) -> usize {
    let mut kills = 0;
    loop {
        let begun = sandbox.path(&format!("runs/{name}/config.toml")).exists();
        let mut run = if begun { sandbox.start(["resume", name]) } else { sandbox.start(arguments(name, sets)) };
        sleep(window.mul_f64(random.below(1000) as f64 / 1000.0));
        if run.is_running() {
            let outcome = run.kill();
            kills += usize::from(crate::harness::signal_of(&outcome) == Some(9));
            *window = window.mul_f64(1.1);
            // It may have ended by itself a moment before: then it has done so well.
            assert!(outcome.status.code().is_none_or(|code| code == 0), "{outcome:?}");
        } else {
            run.wait().succeeded();
            *window = window.mul_f64(0.6).max(Duration::from_millis(5));
        }
        let record = fs::read(sandbox.path(&format!("runs/{name}/record.json")));
        if record.is_ok_and(|bytes| parse(&bytes)["status"] == "finished") {
            return kills;
        }
        assert!(kills < 200, "{name} gets nowhere");
    }
}

fn parse(record: &[u8]) -> Value {
    let text = String::from_utf8_lossy(record);
    serde_json::from_slice(record).unwrap_or_else(|error| panic!("an unreadable record, {error}: {text}"))
}

/// Reads the record over and over: once there, it is always there and whole.
fn watch_record(sandbox: &Sandbox, name: &str, ended: &AtomicBool, readable: &AtomicUsize) {
    let path = sandbox.path(&format!("runs/{name}/record.json"));
    while !ended.load(Ordering::SeqCst) {
        match fs::read(&path) {
            Ok(bytes) => {
                assert!(parse(&bytes)["status"].is_string());
                readable.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
                assert_eq!(readable.load(Ordering::SeqCst), 0, "the record went away");
            }
        }
        sleep(Duration::from_millis(1));
    }
}

fn the_record_tells_the_whole(sandbox: &Sandbox, name: &str) {
    let [record, whole] = [name, "whole"].map(|name| sandbox.record(name));
    for key in ["hyperparameters", "dataset", "chosen", "model", "phases", "rng"] {
        assert_eq!(record[key], whole[key], "{name}: {key}");
    }
    let metrics = |record: &Value| {
        let mut metrics = record["metrics"].clone();
        metrics.as_object_mut().unwrap().remove("seconds");
        metrics
    };
    assert_eq!(metrics(&record), metrics(&whole), "{name}");
    let history = |record: &Value| -> Vec<Value> {
        let mut history = record["history"].as_array().unwrap().clone();
        history.iter_mut().for_each(|line| {
            let seconds = line.as_object_mut().unwrap().remove("seconds");
            assert!(seconds.is_some_and(|seconds| seconds.is_f64()), "{name}: a line without its seconds: {line}");
        });
        history
    };
    assert_eq!(history(&record), history(&whole), "{name}");
}
