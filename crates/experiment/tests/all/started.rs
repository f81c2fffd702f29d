//! Runs that start from weights of others, runs that are run again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use dfdx::prelude::Linear;
use strata_experiment::{
    CompiledNetwork, Config, Display, ExperimentError, OwnRun, Runner, StartFrom, Stop, write_page,
};
use strata_model::{Activation, TrainedModel, Usage, net};
use strata_report::{read_history, read_parent, read_record};
use strata_trainer::{Classifier, ClassifierOptions, Device, Observer, Phase, Plan, Sgd, StopAfter, Table, build};

/// At this rate no weight changes.
const CONFIG: &str = "
name = \"small\"
phases = [{ epochs = 1, lr = 1e-30 }]
[dataset]
kind = \"synthetic\"
shape = [1, 4, 4]
classes = 3
train = 60
test = 20
validation = 10
batch = 16
[model]
network = \"4 batch_norm relu\"
";
const NETWORKS: [CompiledNetwork; 2] = [
    CompiledNetwork { network: "16, 4 batch_norm relu, 3", build: build::<net!(16, 4 batch_norm relu, 3), 16, 3> },
    CompiledNetwork { network: "16, 4 batch_norm relu, 5", build: build::<net!(16, 4 batch_norm relu, 5), 16, 5> },
];

fn runner() -> Runner<'static> {
    let (command, display) = (vec![], Display::default());
    Runner { networks: &NETWORKS, data: None, command, commit: None, stop: Stop::default(), display }
}

fn config(sets: &[&str]) -> Config {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Config::parse(CONFIG, Path::new("small.toml"), &sets).unwrap()
}

fn start_from(runs: &Path, sets: &[&str], path: &Path, new_last_layer: bool) -> Result<PathBuf, ExperimentError> {
    let from = StartFrom { path: path.to_owned(), new_last_layer };
    runner().start_from(&config(sets), runs, None, &from)
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn values(run: &Path, tensor: &str) -> Vec<f32> {
    let model = TrainedModel::load(&run.join("model.safetensors")).unwrap();
    model.weights().tensors.iter().find(|found| found.name == tensor).unwrap().values.clone()
}

#[test]
fn a_run_starts_from_what_pytorch_saved_in_other_precisions() {
    let runs = tempfile::tempdir().unwrap();
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(golden("from_torch.json")).unwrap()).unwrap();
    for precision in ["bf16", "f64"] {
        let file = golden(&format!("torch_{precision}.safetensors"));
        let run = start_from(runs.path(), &[], &file, false).unwrap();
        for (torch, ours) in [
            ("0.weight", "layer1.weight"),
            ("1.bias", "norm1.bias"),
            ("3.weight", "layer2.weight"),
            ("3.bias", "layer2.bias"),
        ] {
            let expected: Vec<f32> = serde_json::from_value(expected[precision][torch].clone()).unwrap();
            assert_eq!(values(&run, ours), expected, "{precision} {ours}");
        }
        let record = read_record(&run).unwrap();
        let parent = record.parent.unwrap();
        assert_eq!((&parent.run, parent.new_last_layer), (&None, false));
        assert_eq!(Path::new(&parent.path), file);
        let note = format!("1.running_mean, {}, is taken as norm1.running_mean", precision.to_uppercase());
        assert!(parent.notes.contains(&note), "{:?}", parent.notes);
        let name = record.hyperparameters["started_from"].as_str().unwrap();
        assert!(name.starts_with(&format!("torch_{precision}.safetensors ")), "{name}");
        assert_eq!(read_parent(&run).unwrap(), Some(parent));
    }
    let error = start_from(runs.path(), &["dataset.classes=5"], &golden("torch_f64.safetensors"), false).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let said = "3.bias (as layer2.bias) is [3], not [5]";
    assert!(error.to_string().contains("torch_f64.safetensors: ") && error.to_string().contains(said), "{error}");
    assert!(!runs.path().join("small-3").exists(), "refused before a folder is made");
}

#[test]
fn a_finished_run_is_trained_further_as_a_run_that_names_it() {
    let runs = tempfile::tempdir().unwrap();
    let first = runner().start(&config(&["phases=[{epochs=1,lr=0.1}]"]), runs.path(), None).unwrap();
    let further = start_from(runs.path(), &[], &first, false).unwrap();
    let (parent, record) = (read_record(&first).unwrap(), read_record(&further).unwrap());
    let named = record.parent.unwrap();
    assert_eq!((named.run.as_ref(), &named.sha256), (Some(&parent.id), &parent.model.unwrap().sha256));
    assert_eq!(named.notes, Vec::<String>::new());
    assert_eq!(record.hyperparameters["started_from"], parent.id.as_str());
    // It begins where the other ended, on the same validation images.
    assert_eq!(record.history[0].val_loss, parent.history[1].val_loss);

    // Another seed draws another split: validation images that the first was trained on.
    let other = start_from(runs.path(), &["seed=44"], &first, false).unwrap();
    let notes = read_record(&other).unwrap().parent.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("images that validate here")), "{notes:?}");

    let classes = start_from(runs.path(), &["dataset.classes=5"], &first, true).unwrap();
    assert_eq!(values(&classes, "layer1.weight"), values(&first, "layer1.weight"));
    assert_eq!(values(&classes, "layer2.weight").len(), 20);
    let unfinished = runs.path().join("unfinished");
    std::fs::create_dir(&unfinished).unwrap();
    let text = std::fs::read_to_string(first.join("record.json")).unwrap();
    std::fs::write(unfinished.join("record.json"), text.replace("\"model\": {", "\"models\": {")).unwrap();
    let error = start_from(runs.path(), &[], &unfinished, false).unwrap_err();
    assert!(error.to_string().contains("it has no weights file yet") && error.exit_code() == 2, "{error}");
}

/// Leaves of a run what a kill right after its config was written leaves.
fn forget(run: &Path) {
    std::fs::remove_dir_all(run.join("checkpoints")).unwrap();
    for entry in std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap()) {
        if !["config.toml", "parent.json"].iter().any(|kept| entry.file_name() == *kept) {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// As a kill right after the config was written leaves it.
#[test]
fn a_run_that_is_killed_at_once_begins_from_the_same_weights() {
    let runs = tempfile::tempdir().unwrap();
    let weights = runs.path().join("weights.safetensors");
    std::fs::copy(golden("torch_f64.safetensors"), &weights).unwrap();
    let run = start_from(runs.path(), &["phases=[{epochs=1,lr=0.1}]"], &weights, false).unwrap();
    let files = ["model.safetensors", "history.jsonl"];
    let results = files.map(|file| std::fs::read(run.join(file)).unwrap());
    forget(&run);
    runner().resume(&run, |config| config).unwrap();
    assert_eq!(files.map(|file| std::fs::read(run.join(file)).unwrap()), results);
    assert_eq!(read_record(&run).unwrap().parent, read_parent(&run).unwrap());

    forget(&run);
    std::fs::copy(golden("torch_bf16.safetensors"), &weights).unwrap();
    let error = runner().resume(&run, |config| config).unwrap_err().to_string();
    assert!(error.contains("the run started from"), "{error}");
}

#[test]
fn a_run_that_is_run_again_is_the_same_or_differs_from_a_line_on() {
    let runs = tempfile::tempdir().unwrap();
    let sets = ["phases=[{epochs=2,lr=0.1}]"];
    let first = start_from(runs.path(), &sets, &golden("torch_f64.safetensors"), false).unwrap();
    let found = runner().reproduce(&first, runs.path(), |config| config).unwrap();
    assert_eq!(found.run, runs.path().join("small-again"));
    assert_eq!((found.has_same_weights, found.difference), (true, None));
    assert_eq!(read_history(&found.run).unwrap().entries, read_history(&first).unwrap().entries);

    let history = std::fs::read_to_string(first.join("history.jsonl")).unwrap();
    let lines: Vec<&str> = history.lines().collect();
    let other = [lines[0], lines[2], lines[2], ""].join("\n");
    std::fs::write(first.join("history.jsonl"), other).unwrap();
    let text = std::fs::read_to_string(first.join("record.json")).unwrap();
    let weights = read_record(&first).unwrap().model.unwrap().sha256;
    std::fs::write(first.join("record.json"), text.replace(&weights, &"0".repeat(64))).unwrap();
    let found = runner().reproduce(&first, runs.path(), |config| config).unwrap();
    let difference = found.difference.unwrap();
    assert_eq!((found.has_same_weights, difference.line), (false, 2));
    assert_eq!((difference.first.as_deref(), difference.second.as_deref()), (Some(lines[2]), Some(lines[1])));
    assert_eq!(found.run, runs.path().join("small-again-2"));

    std::fs::write(first.join("history.jsonl"), format!("{}\n{{\n", lines[0])).unwrap();
    std::fs::write(first.join("record.json"), &text).unwrap();
    let error = runner().reproduce(&first, runs.path(), |config| config).unwrap_err().to_string();
    assert!(error.contains("history.jsonl line 2"), "{error}");
    assert!(!runs.path().join("small-again-3").exists(), "refused before anything is trained");
    std::fs::write(first.join("history.jsonl"), &history).unwrap();

    // Of a run that says that it is running, and whose lock nobody holds, nothing is to be waited for.
    for (status, words) in [("interrupted", "it is interrupted: "), ("running", "it was killed; resume it: ")] {
        let status = format!("\"status\": \"{status}\"");
        std::fs::write(first.join("record.json"), text.replace("\"status\": \"finished\"", &status)).unwrap();
        let error = runner().reproduce(&first, runs.path(), |config| config).unwrap_err();
        assert!(error.to_string().contains(words) && error.exit_code() == 2, "{error}");
    }
    let page = write_page(&first, None, &mut Display::default(), &Stop::default()).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<span class=\"status interrupted\">") && page.contains("it was killed"));
}

#[test]
fn a_run_whose_config_was_changed_is_not_run_again_nor_counted_among_its_seeds() {
    let runs = tempfile::tempdir().unwrap();
    let group = runs.path().join("group");
    let first = runner().start_seeds(&[config(&["seed=1"])], &group, None).unwrap().remove(0);
    let text = std::fs::read_to_string(first.join("config.toml")).unwrap();
    std::fs::write(first.join("config.toml"), text.replace("lr = 1e-30", "lr = 0.5")).unwrap();
    let changed = config(&["seed=1", "phases=[{epochs=1,lr=0.5}]"]);
    for error in [
        runner().reproduce(&first, runs.path(), |config| config).map(drop).unwrap_err(),
        runner().start_seeds(&[changed], &group, None).map(drop).unwrap_err(),
    ] {
        let said = error.to_string();
        assert!(said.contains("its config.toml is not the one it was started with: its SHA-256 is"), "{said}");
        assert_eq!(error.exit_code(), 2);
    }
    assert!(!runs.path().join("small-again").exists());
}

#[test]
fn each_seed_starts_from_the_same_weights() {
    let runs = tempfile::tempdir().unwrap();
    let group = runs.path().join("group");
    let configs = [config(&["seed=1"]), config(&["seed=2"])];
    let from = |file: &str, new_last_layer| StartFrom { path: golden(file), new_last_layer };
    let from_torch = from("torch_f64.safetensors", false);
    let folders = runner().start_seeds(&configs, &group, Some(&from_torch)).unwrap();
    let [first, second] = [0, 1].map(|run: usize| values(&folders[run], "layer1.weight"));
    assert_eq!(first, second);
    let parents = [0, 1].map(|run: usize| read_record(&folders[run]).unwrap().parent.unwrap().sha256);
    assert_eq!(parents[0], parents[1]);

    // What is there is left as it is, also where the record is gone that says what it started from.
    std::fs::remove_file(folders[0].join("record.json")).unwrap();
    for asked in [None, Some(from("torch_bf16.safetensors", false)), Some(from("torch_f64.safetensors", true))] {
        let error = runner().start_seeds(&configs, &group, asked.as_ref()).unwrap_err();
        assert!(matches!(&error, ExperimentError::OtherParent { run, .. } if *run == folders[0]), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
    let drawn = runs.path().join("drawn");
    runner().start_seeds(&configs[..1], &drawn, None).unwrap();
    let error = runner().start_seeds(&configs[..1], &drawn, Some(&from_torch)).unwrap_err().to_string();
    assert!(
        error.contains("seed-1 started from drawn weights, and would start from the weights of SHA-256"),
        "{error}"
    );
}

/// A module of one's own in a network of one's own, from the weights that such a run gave, stopped and gone on with.
#[test]
fn a_run_of_ones_own_starts_from_weights_with_a_module_of_ones_own() {
    let runs = tempfile::tempdir().unwrap();
    let features: Vec<f32> = (0..80).map(|place| (place as f32 * 0.7).sin()).collect();
    let labels = features.chunks(2).map(|point| u8::from(point[0] > point[1])).collect();
    let data = Table::new(features, labels, 8).unwrap();
    let shuffled = data.clone().shuffled();
    let classifier = || -> Box<dyn Classifier> {
        let activation = Activation::Identity;
        let options = ClassifierOptions { activation, seed: 43, ..ClassifierOptions::new(Sgd::default()) };
        build::<net!(2, 4 relu, module(Linear<4, 4> => 4), 2), 2, 2>(options).unwrap()
    };
    let plan = |learning_rate| Plan { phases: vec![Phase::constant(2, learning_rate)], ..Plan::default() };
    let train = |name, learning_rate, from: Option<&StartFrom>, observer: &mut dyn Observer| {
        let usage = Usage::of_features(Activation::Identity, 2, ["left", "right"]);
        let run = OwnRun { runs: runs.path(), name, config: "", seed: 43, device: Device::Cpu, usage, from };
        run.fit(&mut *classifier(), &shuffled, &data, &plan(learning_rate), observer)
    };
    let record = train("first", 0.1, None, &mut ()).unwrap();
    let first = runs.path().join("first");
    let from = StartFrom { path: first.clone(), new_last_layer: false };
    let further = train("further", 1e-30, Some(&from), &mut ()).unwrap();
    assert_eq!(further.parent.unwrap().run, Some(record.id));
    assert_eq!(further.history[0].val_loss, record.history[2].val_loss);
    for tensor in ["layer1.weight", "module1.weight", "layer2.bias"] {
        assert_eq!(values(&runs.path().join("further"), tensor), values(&first, tensor), "{tensor}");
    }

    // Killed before its first checkpoint: it begins from the same weights again.
    let whole = train("whole", 0.1, Some(&from), &mut ()).unwrap();
    assert!(train("stopped", 0.1, Some(&from), &mut StopAfter::steps(7)).is_err());
    let error = train("stopped", 0.2, Some(&from), &mut ()).unwrap_err();
    assert!(error.to_string().contains("started with the epochs 2 at 0.1, not 2 at 0.2"), "{error}");
    forget(&runs.path().join("stopped"));
    let error = train("stopped", 0.1, None, &mut ()).unwrap_err();
    assert!(matches!(error, ExperimentError::OtherParent { .. }), "{error}");
    let stopped = train("stopped", 0.1, Some(&from), &mut ()).unwrap();
    assert_eq!(stopped.model, whole.model);
}
