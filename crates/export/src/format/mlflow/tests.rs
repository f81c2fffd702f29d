//! The file store's layout, what a run is told as, and a server that a test plays.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use strata_report::{Record, RunFolder, Status};
use strata_spec::HistoryRow;

use super::Mlflow;
use super::content::{Content, RunStatus};
use crate::{ExportError, Exporter, Options, RecordedRun};

/// A run of `epochs` epochs whose last loss is no number.
fn recorded(runs: &Path, name: &str, hyperparameters: Value, epochs: usize) -> RecordedRun {
    let folder = RunFolder::create(runs, name).unwrap();
    folder.write_config("seed = 43\n").unwrap();
    let mut record = Record::new(&folder.name(), vec!["strata".into(), "experiment".into()]);
    record.id = "20261125T194407Z-471444e9".into();
    record.started = "2026-11-25T19:44:07Z".into();
    record.status = Status::Interrupted;
    record.hyperparameters = hyperparameters.as_object().unwrap().clone();
    (record.dataset.name, record.dataset.sha256) = ("cifar10".into(), "ab".repeat(32));
    for epoch in std::iter::once(None).chain((0..epochs).map(Some)) {
        let val_loss = if epoch.is_some_and(|epoch| epoch + 1 == epochs) { f64::NAN } else { 2.5 };
        let train_loss = epoch.map(|_| 1.5);
        let line = HistoryRow {
            phase: None,
            epoch,
            learning_rate: None,
            train_loss,
            val_loss,
            val_acc: 0.25,
            values: Default::default(),
        };
        folder.append_history(&line).unwrap();
    }
    folder.write_record(&record).unwrap();
    RecordedRun::open(folder.path()).unwrap()
}

fn parameters() -> Value {
    json!({"lrs": [0.1, 0.01], "optimizer": "sgd", "early_stopping": {"patience": 5}, "long": "x".repeat(7000)})
}

#[test]
fn the_file_store_has_a_run_once_however_often_it_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("mlruns");
    let options = Options::default().with("experiment", "it's: mine").with("parent", "sweep 1");
    let mut last = Vec::new();
    for epochs in [1, 2] {
        let run = recorded(&folder.path().join(format!("runs{epochs}")), "a", parameters(), epochs);
        last = Mlflow.export(&[run], &store, &options).unwrap();
        // A note that a person adds stays.
        let run = Path::new(last[0].split(": ").next().unwrap());
        fs::write(run.join("tags/mlflow.note.content"), "mine").unwrap();
        if epochs == 1 {
            fs::write(run.join("tags/strata.reason"), "SIGTERM, then").unwrap();
        }
    }
    assert!(last[1].contains("long is longer than"), "{last:?}");
    let run = Path::new(last[0].split(": ").next().unwrap());
    let read = |path: &str| fs::read_to_string(run.join(path)).unwrap();
    assert_eq!(read("params/lrs"), "[0.1,0.01]");
    assert_eq!((read("params/optimizer"), read("params/early_stopping.patience")), ("sgd".into(), "5".into()));
    assert!(!run.join("params/long").exists());
    let time = 1_795_635_847_000_i64;
    assert_eq!(read("metrics/val_loss"), format!("{time} 2.5 0\n{time} 2.5 1\n{time} NaN 2\n"));
    assert_eq!(read("metrics/train_loss"), format!("{time} 1.5 1\n{time} 1.5 2\n"));
    assert_eq!(
        (read("artifacts/config.toml"), read("tags/mlflow.note.content")),
        ("seed = 43\n".into(), "mine".into())
    );
    assert!(!run.join("artifacts/lock").exists() && !run.join("tags/strata.reason").exists());
    let meta = read("meta.yaml");
    assert!(meta.contains("status: 5\n") && meta.contains(&format!("start_time: {time}\n")), "{meta}");
    let parent = read("tags/mlflow.parentRunId");
    let experiment = run.parent().unwrap();
    let folders = ["artifacts", "metrics", "params", "tags"];
    assert!(folders.iter().all(|name| run.join(name).is_dir() && experiment.join(&parent).join(name).is_dir()));
    assert_eq!(fs::read_to_string(experiment.join(&parent).join("tags/mlflow.runName")).unwrap(), "sweep 1");
    assert!(fs::read_to_string(experiment.join("meta.yaml")).unwrap().contains("name: \"it's: mine\"\n"));
    assert_eq!(fs::read_dir(&store).unwrap().count(), 1, "one experiment");
    // Run, parent, data sets, meta.yaml.
    assert_eq!(fs::read_dir(experiment).unwrap().count(), 4);
    let input = fs::read_dir(run.join("inputs")).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_to_string(input.join("meta.yaml")).unwrap().contains("source_type: \"DATASET\""));
}

/// Its record says `running` for ever; its lock tells.
#[test]
fn a_run_that_was_killed_is_told_as_such() {
    let runs = tempfile::tempdir().unwrap();
    let held = RunFolder::create(runs.path(), "a").unwrap();
    held.write_record(&Record::new("a", vec![])).unwrap();
    let path = held.path().to_owned();
    let content = || Content::of(&RecordedRun::open(&path).unwrap()).unwrap();
    let without_weights = || RecordedRun::open(&path).unwrap().model().unwrap_err().to_string();
    assert_eq!(content().status, RunStatus::Running);
    assert!(without_weights().contains("it is running, and one is written"), "{}", without_weights());
    drop(held);
    assert_eq!(content().status, RunStatus::Killed);
    assert!(without_weights().contains("it was killed; resume it, and one is written"), "{}", without_weights());
}

#[test]
fn a_name_that_leads_out_of_the_store_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (number, name) in ["../../x", "/x", "a//b", "a\nb", ""].into_iter().enumerate() {
        let run = recorded(&folder.path().join(number.to_string()), "a", json!({name: 1}), 1);
        let store = folder.path().join("mlruns");
        let error = Mlflow.export(&[run], &store, &Options::default()).unwrap_err();
        assert!(matches!(error, ExportError::Unsupported { format: "MLflow", .. }), "{name:?}: {error}");
        assert!(!store.exists());
    }
}

/// What a server was asked, and with what.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A server that knows one run once it was created, of which it has the line of epoch 0 already.
fn play(stream: TcpStream, asked: &Asked) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        let headers: HashMap<String, &str> =
            head[1..].iter().filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v)).collect();
        let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        let what = path.split(['?']).next().unwrap().rsplit("/mlflow").next().unwrap().to_owned();
        let tags = ["strata.id", "strata.reason", "mlflow.parentRunId", "mlflow.note.content"];
        let tags = tags.map(|key| json!({"key": key, "value": "x"}));
        let info = json!({"run_id": "r1", "artifact_uri": "mlflow-artifacts:/1/r1/artifacts"});
        let run = json!({"info": info, "data": {"tags": tags}});
        let (status, answer) = match what.as_str() {
            "/experiments/get-by-name" => (404, json!({"error_code": "RESOURCE_DOES_NOT_EXIST"})),
            "/experiments/create" => (200, json!({"experiment_id": "1"})),
            "/runs/search" => (200, json!({"runs": [run]})),
            "/metrics/get-history" => (200, json!({"metrics": [{"step": 0}, {"step": "1"}]})),
            "/runs/log-inputs" => (403, json!({"error_code": "PERMISSION_DENIED", "message": "not for you"})),
            _ => (200, json!({"run": run})),
        };
        asked.lock().unwrap().push((what, serde_json::from_slice(&body).unwrap_or(Value::Null)));
        let answer = answer.to_string();
        let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
    }
}

#[test]
fn a_server_gets_what_it_lacks_and_its_refusal_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://ann:secret@{}/", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = heard.clone();
            std::thread::spawn(move || play(stream, &asked));
        }
    });
    let run = recorded(folder.path(), "a", parameters(), 2);
    let error = Mlflow.export(&[run], url.as_ref(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("runs/log-inputs: it answers 403") && error.contains("not for you"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let asked = asked.lock().unwrap();
    let bodies =
        |what: &str| asked.iter().filter(|(path, _)| path == what).map(|(_, body)| body.clone()).collect::<Vec<_>>();
    assert_eq!(bodies("/experiments/create"), [json!({"name": "strata"})]);
    let batches = bodies("/runs/log-batch");
    let numbers = batches[0]["metrics"].as_array().unwrap();
    assert!(numbers.iter().all(|number| number["step"] == 2), "{numbers:?}");
    assert_eq!(numbers[0], json!({"key": "val_loss", "value": "NaN", "timestamp": 1_795_635_847_000_i64, "step": 2}));
    let gone: Vec<_> = bodies("/runs/delete-tag").iter().map(|body| body["key"].clone()).collect();
    assert_eq!(gone, ["strata.reason"], "of an earlier export; what others added stays");
    assert!(batches.iter().any(|batch| batch["params"][0] == json!({"key": "lrs", "value": "[0.1,0.01]"})));
}

#[cfg(unix)]
#[test]
fn a_file_address_is_its_folder_and_another_address_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("mlruns");
    let run = recorded(folder.path(), "a", parameters(), 1);
    for to in ["ftp://host/runs", "sqlite:///mlflow.db", "localhost:5000"] {
        let refused = Mlflow.export(std::slice::from_ref(&run), Path::new(to), &Options::default()).unwrap_err();
        assert!(refused.is_usage() && refused.to_string().contains("begins with http:// or https://"), "{refused}");
        assert!(!Path::new(to).exists() && !Path::new(to.split('/').next().unwrap()).exists(), "{to}");
    }
    let to = format!("file://{}", store.display());
    let made = Mlflow.export(&[run], Path::new(&to), &Options::default()).unwrap();
    assert!(made[0].starts_with(store.to_str().unwrap()), "{made:?}");
}
