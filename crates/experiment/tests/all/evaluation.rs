//! A run's weights evaluated again, without the network that trained them: the record's own numbers, digit for digit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use strata_experiment::{
    CompiledNetwork, Config, Display, ExperimentError, ImagePart, OtherSamples, Runner, Stop, Views, evaluate_ensemble,
    evaluate_on, evaluate_run, write_page,
};
use strata_model::{mlp, net};
use strata_report::read_record;
use strata_trainer::{BuildClassifier, build};

const CONFIG: &str = "
name = \"small\"
phases = [{ epochs = 2, lr = 0.02 }]
metrics = [\"macro_f1\"]
[dataset]
kind = \"synthetic\"
train = 330
test = 50
validation = 50
batch = 50
evaluation_batch = 33
[model]
";

fn evaluate(run: &Path, part: ImagePart) -> Result<strata_experiment::RunEvaluation, ExperimentError> {
    evaluate_run(run, part, None, &mut Display::default(), &Stop::default())
}

fn trained(runs: &Path, model: &str, sets: &[&str], build: BuildClassifier) -> PathBuf {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let config = Config::parse(&format!("{CONFIG}{model}\n"), Path::new("small.toml"), &sets).unwrap();
    let network = config.network();
    let networks = [CompiledNetwork { network: network.to_string().leak(), build }];
    let (command, display) = (vec![], Display::default());
    let mut runner = Runner { networks: &networks, data: None, command, commit: None, stop: Stop::default(), display };
    runner.start(&config, runs, None).unwrap()
}

#[test]
fn plain_normalised_and_residual_runs_are_evaluated_to_the_digit() {
    let runs: [(&str, &[&str], BuildClassifier); 4] = [
        ("hidden = [24]", &[], build::<mlp!(3072, 24, 10), 3072, 10>),
        ("hidden = [24]", &["dataset.normalise=true", "model.activation=gelu"], build::<mlp!(3072, 24, 10), 3072, 10>),
        (
            "network = \"32 batch_norm gelu, skip(layer_norm, 48 gelu, 32)\"",
            &["loss.label_smoothing=0.1"],
            build::<net!(3072, 32 batch_norm gelu, skip(layer_norm, 48 gelu, 32), 10), 3072, 10>,
        ),
        ("hidden = [24]", &["loss.kind=mse"], build::<mlp!(3072, 24, 10), 3072, 10>),
    ];
    for (model, sets, build) in runs {
        let folder = tempfile::tempdir().unwrap();
        let run = trained(folder.path(), model, sets, build);
        let record = read_record(&run).unwrap();
        let test = evaluate(&run, ImagePart::Test).unwrap();
        assert_eq!(
            (Some(test.loss), Some(test.accuracy())),
            (record.metrics.test_loss, record.metrics.test_acc),
            "{model}"
        );
        assert_eq!(test.metrics["macro_f1"], record.metrics.values["test_macro_f1"], "{model}");
        assert_eq!((test.samples, test.metrics.contains_key("top_5")), (50, true));
        let validation = evaluate(&run, ImagePart::Validation).unwrap();
        assert_eq!(
            (Some(validation.loss), Some(validation.accuracy())),
            (record.metrics.val_loss, record.metrics.val_acc),
            "{model}"
        );
        let train = evaluate(&run, ImagePart::Train).unwrap();
        assert_eq!(train.samples, 280);
        let counted: u64 = (0..10).map(|class| train.confusion.row(class).iter().sum::<u64>()).sum();
        let right: u64 = (0..10).map(|class| train.confusion.count(class, class)).sum();
        assert_eq!((counted, right), (280, train.correct));

        let json = test.json();
        assert_eq!(json["accuracy"].as_f64(), record.metrics.test_acc);
        assert_eq!(json["classes"].as_array().unwrap().len(), 10);
        let table = test.table(Some(100));
        assert!(table.contains("small, test: 50 samples, loss ") && table.contains("label \\ predicted"), "{table}");
    }
}

#[test]
fn weights_or_data_other_than_the_records_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), "hidden = []", &[], build::<mlp!(3072, 10), 3072, 10>);
    let text = std::fs::read_to_string(run.join("record.json")).unwrap();
    let sha256 = read_record(&run).unwrap().dataset.sha256;
    std::fs::write(run.join("record.json"), text.replace(&sha256, &"0".repeat(64))).unwrap();
    let error = evaluate(&run, ImagePart::Test).unwrap_err();
    assert!(error.to_string().contains("the images are not those of its record"), "{error}");
    assert_eq!(error.exit_code(), 2);

    let mut weights = std::fs::read(run.join("model.safetensors")).unwrap();
    *weights.last_mut().unwrap() ^= 1;
    std::fs::write(run.join("record.json"), &text).unwrap();
    std::fs::write(run.join("model.safetensors"), weights).unwrap();
    let error = evaluate(&run, ImagePart::Test).unwrap_err().to_string();
    assert!(error.contains("model.safetensors is not the file that its record names"), "{error}");

    std::fs::write(run.join("record.json"), text.replace("\"model\": {", "\"models\": {")).unwrap();
    let error = evaluate(&run, ImagePart::Test).unwrap_err().to_string();
    assert!(error.contains("it has no weights"), "{error}");
}

/// Of another seed, images that were trained on would be the validation part.
#[test]
fn a_config_other_than_the_records_is_refused_and_one_without_a_sum_taken() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), "hidden = []", &["seed=1"], build::<mlp!(3072, 10), 3072, 10>);
    let validation = evaluate(&run, ImagePart::Validation).unwrap();
    let (config, record) = (run.join("config.toml"), run.join("record.json"));
    let text = std::fs::read_to_string(&config).unwrap();
    assert_eq!(text.matches("seed = 1\n").count(), 1, "{text}");
    std::fs::write(&config, text.replace("seed = 1\n", "seed = 2\n")).unwrap();
    let refused = |error: ExperimentError, doing: &str| {
        let said = error.to_string();
        assert!(said.contains(doing) && said.contains("its config.toml is not the one it was started with"), "{said}");
        assert_eq!(error.exit_code(), 2);
    };
    refused(evaluate(&run, ImagePart::Validation).unwrap_err(), "cannot evaluate");
    let (display, stop) = (&mut Display::default(), &Stop::default());
    let images = OtherSamples::At(folder.path());
    refused(evaluate_on(&run, images, display, stop).unwrap_err(), "cannot evaluate");
    let both = [run.clone(), run.clone()];
    refused(
        evaluate_ensemble(&both, Views::Plain, ImagePart::Test, None, display, stop).unwrap_err(),
        "cannot evaluate",
    );
    let page = std::fs::read_to_string(write_page(&run, None, display, stop).unwrap()).unwrap();
    assert!(page.contains("its config.toml is not the one it was started with"));

    // A comment changes nothing that is known of, but nobody can tell.
    std::fs::write(&config, format!("{text}# mine\n")).unwrap();
    refused(evaluate(&run, ImagePart::Validation).unwrap_err(), "cannot evaluate");

    let recorded = std::fs::read_to_string(&record).unwrap();
    let sum = format!("\"config_sha256\": \"{}\"", read_record(&run).unwrap().config_sha256);
    assert!(recorded.contains(&sum), "{recorded}");
    std::fs::write(&record, recorded.replace(&sum, "\"config_sha256\": \"\"")).unwrap();
    assert_eq!(evaluate(&run, ImagePart::Validation).unwrap().loss, validation.loss);
}

#[test]
fn an_ensemble_is_the_mean_of_its_runs_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let one = |seed: &str, sets: &[&str]| {
        let sets: Vec<&str> = [seed].iter().chain(sets).copied().collect();
        trained(folder.path(), "hidden = []", &sets, build::<mlp!(3072, 10), 3072, 10>)
    };
    let together = |runs: &[&PathBuf], part| {
        let runs: Vec<PathBuf> = runs.iter().copied().cloned().collect();
        evaluate_ensemble(&runs, Views::Plain, part, None, &mut Display::default(), &Stop::default())
    };
    let (a, b) = (one("seed=1", &["loss.label_smoothing=0.2"]), one("seed=2", &["phases.0.lr=0.1"]));
    let ensemble = together(&[&a, &b], ImagePart::Test).unwrap();
    let alone: Vec<_> = [&a, &b].map(|run| read_record(run).unwrap().metrics.test_acc.unwrap()).into();
    assert_eq!(ensemble.members.iter().map(|(_, accuracy)| *accuracy).collect::<Vec<_>>(), alone);
    // A run with itself has its own probabilities: its accuracy and, without its smoothing, its loss.
    let twice = together(&[&b, &b], ImagePart::Validation).unwrap().together;
    let plain = evaluate(&b, ImagePart::Validation).unwrap();
    assert_eq!((twice.correct, twice.samples), (plain.correct, plain.samples));
    assert!((twice.loss - plain.loss).abs() < 1e-6, "{} {}", twice.loss, plain.loss);
    // -ln is convex: the loss of the mean is below the mean of the losses, each against the labels as they are.
    let losses = [&a, &b].map(|run| together(&[run, run], ImagePart::Test).unwrap().together.loss);
    assert!(ensemble.together.loss < (losses[0] + losses[1]) / 2.0, "{} {losses:?}", ensemble.together.loss);
    assert_eq!(ensemble.json()["members"][1]["accuracy"].as_f64(), Some(alone[1]));
    assert!(ensemble.table(None).contains(" alone: accuracy "), "{}", ensemble.table(None));

    let refused = |runs: &[&PathBuf], part, reason: &str| {
        let error = together(runs, part).unwrap_err();
        assert!(error.to_string().contains(reason) && error.exit_code() == 2, "{error}");
    };
    refused(&[&a], ImagePart::Test, "two runs or more");
    // Each was trained on images that the other validates on.
    refused(&[&a, &b], ImagePart::Validation, "its split is not that of");
    let (other, squared) = (one("seed=1", &["dataset.seed=9"]), one("seed=1", &["loss.kind=mse"]));
    refused(&[&a, &other], ImagePart::Test, "its images are not those of");
    refused(&[&a, &squared], ImagePart::Test, "gives no probabilities");
}

#[test]
fn both_views_of_each_image_are_evaluated_as_the_run_did() {
    let folder = tempfile::tempdir().unwrap();
    let both = |runs: &[PathBuf], part| {
        evaluate_ensemble(runs, Views::Both, part, None, &mut Display::default(), &Stop::default())
    };
    let sets = ["evaluation.mirrored=true", "loss.label_smoothing=0.2"];
    let run = trained(folder.path(), "hidden = []", &sets, build::<mlp!(3072, 10), 3072, 10>);
    let metrics = read_record(&run).unwrap().metrics;
    let evaluation = both(std::slice::from_ref(&run), ImagePart::Test).unwrap();
    let found = evaluation.by_both_views.as_ref().unwrap();
    // And by the images as they are, to the digit.
    let (plain, alone) = (&evaluation.together, evaluate(&run, ImagePart::Test).unwrap());
    assert_eq!((plain.loss, plain.correct, &plain.metrics), (alone.loss, alone.correct, &alone.metrics));
    let record = ["test_loss_mirrored", "test_acc_mirrored"].map(|key| metrics.values[key]);
    assert!((found.loss - record[0]).abs() < 1e-6, "{} {record:?}", found.loss);
    assert_eq!(found.accuracy(), record[1]);
    assert_ne!(Some(found.loss), metrics.test_loss);
    assert_eq!(evaluation.members[0].1, metrics.test_acc.unwrap());
    assert!(found.run.ends_with(" by both views"), "{}", found.run);
    // A run twice has its own probabilities: as often right.
    let twice = both(&[run.clone(), run], ImagePart::Test).unwrap().by_both_views.unwrap();
    assert_eq!(twice.correct, found.correct);

    let refused = |runs: &[PathBuf], reason: &str| {
        let error = both(runs, ImagePart::Validation).unwrap_err();
        assert!(error.to_string().contains(reason) && error.exit_code() == 2, "{error}");
    };
    refused(&[], "two runs or more");
    let mirrored = "network = \"mirrored(4) relu\"";
    let run = trained(folder.path(), mirrored, &[], build::<net!(3072, mirrored(4) relu, 10), 3072, 10>);
    refused(&[run], "the same for an image and its mirror image");
}
