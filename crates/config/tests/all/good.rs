//! What right configs mean: defaults, `--set`, the configs that come with the tree, and the documented keys.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;
use std::path::Path;

use strata_config::{Config, ConfigError, keys, parse_rows, row_text, valid_name};
use strata_spec::{
    Activation, AugmentChange, AugmentSpec, AveragingSpec, Clipping, Criterion, DatasetKind, DatasetSpec, DecayScope,
    DeviceChoice, Edges, InputSpec, LossSpec, OptimizerSpec, Phase, RngScheme, ScheduleSpec,
};

const SMALLEST: &str = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"cifar10\"\nmodel.hidden = []\n";

fn parse(text: &str, sets: &[&str]) -> Result<Config, ConfigError> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Config::parse(text, Path::new("folder/small.toml"), &sets)
}

#[test]
fn unwritten_keys_have_their_documented_defaults() {
    let experiment = parse(SMALLEST, &[]).unwrap();
    assert_eq!(experiment.name, "small");
    assert_eq!((experiment.seed, experiment.rng, experiment.device), (0, RngScheme::Torch, DeviceChoice::Auto));
    assert_eq!((experiment.threads, experiment.checkpoint.every_steps), (None, None));
    let dataset = &experiment.dataset;
    let original = DatasetSpec::published(DatasetKind::Cifar10).unwrap();
    assert_eq!(dataset.kind, original);
    assert_eq!((dataset.validation, dataset.batch.get(), dataset.evaluation_batch.get()), (5000, 128, 256));
    assert_eq!(dataset.input, InputSpec::Pixels { normalise: false });
    assert_eq!((experiment.model.activation, experiment.model.dropout), (Activation::Relu, 0.0));
    assert_eq!(experiment.optimizer, OptimizerSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
    assert_eq!(experiment.phases, [Phase::constant(1, 1.0)]);
    assert_eq!(experiment.early_stopping, None);
    assert_eq!(experiment.network().to_string(), "3072, 10");

    let synthetic = parse(SMALLEST, &["dataset.kind=synthetic", "early_stopping.patience=3"]).unwrap();
    assert_eq!(
        synthetic.dataset.kind,
        DatasetSpec::Synthetic { train: 5000, test: 1000, seed: 0, shape: [3, 32, 32], classes: 10 }
    );
    assert_eq!(synthetic.dataset.validation, 500);
    let stopping = synthetic.early_stopping.as_ref().unwrap();
    assert_eq!((stopping.metric.clone(), stopping.patience, stopping.min_delta), (Criterion::val_loss(), 3, 0.0));
    let betas = [0.9, 0.999];
    assert_eq!(
        parse(SMALLEST, &["optimizer.kind=adam"]).unwrap().optimizer,
        OptimizerSpec::Adam { betas, eps: 1e-8, weight_decay: 0.0 }
    );
    assert_eq!(
        parse(SMALLEST, &["optimizer.kind=adamw"]).unwrap().optimizer,
        OptimizerSpec::AdamW { betas, eps: 1e-8, weight_decay: 0.01 }
    );
    assert_eq!(
        parse(SMALLEST, &["optimizer.kind=lion"]).unwrap().optimizer,
        OptimizerSpec::Lion { betas: [0.9, 0.99], weight_decay: 0.0 }
    );
    assert_eq!(
        parse(SMALLEST, &["optimizer.kind=rmsprop", "optimizer.momentum=0.5"]).unwrap().optimizer,
        OptimizerSpec::RmsProp { alpha: 0.99, eps: 1e-8, momentum: 0.5, weight_decay: 0.0 }
    );
    assert_eq!(
        parse(SMALLEST, &["optimizer.kind=adagrad"]).unwrap().optimizer,
        OptimizerSpec::Adagrad { lr_decay: 0.0, eps: 1e-10, weight_decay: 0.0 }
    );
    assert_eq!(experiment.loss, LossSpec::CrossEntropy { label_smoothing: 0.0 });
    assert_eq!((experiment.decayed, experiment.clipping), (DecayScope::All, Clipping { norm: None, value: None }));
}

/// 45,000 training images in batches of 128 are 352 steps an epoch.
#[test]
fn averaging_is_read_and_leaves_two_steps_at_least() {
    assert_eq!(parse(SMALLEST, &[]).unwrap().averaging, AveragingSpec::None);
    let averaging = |sets: &[&str]| parse(SMALLEST, sets).map(|experiment| experiment.averaging);
    assert_eq!(averaging(&["averaging.kind=ema"]).unwrap(), AveragingSpec::Exponential { decay: 0.999 });
    let swa = averaging(&["averaging.kind=swa"]).unwrap();
    assert_eq!((swa, swa.steps_before(352)), (AveragingSpec::Equal { start: 0.75 }, 264));
    for nonsense in ["averaging.decay=0", "averaging.decay=1"] {
        assert!(averaging(&["averaging.kind=ema", nonsense]).unwrap_err().to_string().contains("above 0 and below 1"));
    }
    assert!(averaging(&["averaging.kind=swa", "averaging.start=1"]).is_err());
    let error = averaging(&["averaging.kind=swa", "averaging.start=0.998"]).unwrap_err().to_string();
    assert!(error.contains("begins after step 351 of the run's 352: two steps at least"), "{error}");
    let error = averaging(&["averaging.kind=swa", "dataset.batch=50000"]).unwrap_err().to_string();
    assert!(error.contains("averaging.start") && error.contains("after step 0 of the run's 1"), "{error}");
}

#[test]
fn schedules_have_their_numbers() {
    let schedule = |text: &str| {
        let text =
            format!("phases = [{{epochs = 4, lr = 1, {text}}}]\ndataset.kind = \"cifar10\"\nmodel.hidden = []\n");
        parse(&text, &[]).map(|experiment| experiment.phases[0].clone())
    };
    for (text, warmup, expected) in [
        ("warmup = 0.25", 0.25, ScheduleSpec::Constant),
        ("schedule = \"step\", every = 2", 0.0, ScheduleSpec::Step { every: 2, factor: 0.1 }),
        ("schedule = \"exponential\"", 0.0, ScheduleSpec::Exponential { factor: 0.9 }),
        ("schedule = \"polynomial\", warmup = 0.1", 0.1, ScheduleSpec::Polynomial { power: 2.0 }),
        (
            "schedule = \"cosine_restarts\", period = 1, period_factor = 2",
            0.0,
            ScheduleSpec::CosineRestarts { period: 1, period_factor: 2 },
        ),
        ("schedule = \"one_cycle\"", 0.0, ScheduleSpec::OneCycle { warmup: 0.3 }),
        ("schedule = \"step\", every = 1, warmup = 0.5", 0.5, ScheduleSpec::Step { every: 1, factor: 0.1 }),
        (
            "schedule = \"plateau\", patience = 1",
            0.0,
            ScheduleSpec::Plateau { metric: Criterion::val_loss(), factor: 0.1, patience: 1, min_delta: 0.0 },
        ),
    ] {
        let phase = schedule(text).unwrap();
        assert_eq!((phase.schedule, phase.warmup), (expected, warmup), "{text}");
    }
    for (text, reason) in [
        ("schedule = \"step\"", "missing: expected an integer"),
        ("schedule = \"step\", every = 4", "the rate would never fall: the phase ends after 4 epochs"),
        ("schedule = \"cosine_restarts\", period = 9", "nothing would begin again"),
        ("schedule = \"plateau\"", "phases.0.patience: the rate would never fall"),
        ("schedule = \"plateau\", patience = 2", "the rate would never fall: the phase ends after 4 epochs"),
        ("schedule = \"step\", every = 1, factor = 1", "above 0 and below 1"),
        // What a schedule counts, it counts from the end of the warm-up on.
        ("schedule = \"step\", every = 2, warmup = 0.5", "4 epochs, 704 of its 1408 steps being the warm-up"),
        ("schedule = \"cosine_restarts\", period = 2, warmup = 0.5", "nothing would begin again"),
        ("schedule = \"plateau\", patience = 1, warmup = 0.25", "phases.0.patience = 1: the rate would never fall"),
        ("warmup = 0.0003", "has no effect: of the phase's 1408 steps it is less than half of one"),
        ("warmup = 1", "up to but not including 1"),
    ] {
        let error = schedule(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

/// 45,000 training images in batches of 128 are 352 an epoch.
#[test]
fn steps_are_counted_in_updates() {
    let experiment = parse(SMALLEST, &["optimizer.accumulate=100", "phases.0.epochs=3"]).unwrap();
    assert_eq!((experiment.batches_per_epoch(), experiment.steps_per_epoch(), experiment.steps()), (352, 4, 12));
    parse(SMALLEST, &["optimizer.accumulate=352"]).unwrap();
    let error = parse(SMALLEST, &["optimizer.accumulate=353"]).unwrap_err().to_string();
    assert!(error.contains("an epoch has 352 batches"), "{error}");
    assert!(parse(SMALLEST, &["optimizer.accumulate=0"]).is_err());
}

#[test]
fn muon_and_beta_lasso_have_their_authors_numbers() {
    assert_eq!(
        parse(SMALLEST, &["optimizer.kind=muon", "model.hidden=[1]"]).unwrap().optimizer,
        OptimizerSpec::Muon {
            momentum: 0.95,
            nesterov: true,
            iterations: 5,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0
        }
    );
    let lasso = parse(SMALLEST, &["optimizer.kind=beta_lasso", "optimizer.decay=weights"]).unwrap();
    assert_eq!(lasso.optimizer, OptimizerSpec::BetaLasso { lambda: 1e-4, beta: 50.0 });
    assert!(parse(SMALLEST, &["optimizer.kind=beta_lasso", "optimizer.lambda=0"]).is_err());
    assert!(parse(SMALLEST, &["optimizer.kind=muon", "model.hidden=[1]", "optimizer.iterations=0"]).is_err());
    // A single layer is the last one, which is AdamW's.
    let error = parse(SMALLEST, &["optimizer.kind=muon"]).unwrap_err().to_string();
    assert!(error.contains("optimizer.kind = muon: has no effect: there are no hidden layers"), "{error}");
}

#[test]
fn loss_clipping_and_decay_are_read() {
    let text = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"cifar10\"\nmodel.hidden = []\n\
                loss.label_smoothing = 0.1\n[optimizer]\nweight_decay = 5e-4\ndecay = \"weights\"\nclip_norm = 1\nclip_value = 0.5\n";
    let experiment = parse(text, &[]).unwrap();
    assert_eq!(experiment.loss, LossSpec::CrossEntropy { label_smoothing: 0.1 });
    assert_eq!(experiment.decayed, DecayScope::Weights);
    assert_eq!(experiment.clipping, Clipping { norm: Some(1.0), value: Some(0.5) });
    assert_eq!(parse(&experiment.to_toml(), &[]).unwrap(), experiment);
    assert_eq!(parse(SMALLEST, &["loss.kind=mse"]).unwrap().loss, LossSpec::MeanSquaredError);
    for nonsense in ["optimizer.clip_norm=0", "optimizer.clip_value=-1", "loss.label_smoothing=1", "loss.kind=hinge"] {
        let error = parse(SMALLEST, &[nonsense]).unwrap_err().to_string();
        assert!(error.contains(nonsense.split('=').next().unwrap()), "{error}");
    }
}

#[test]
fn set_takes_toml_and_bare_words_and_the_last_one_wins() {
    let sha = "0e".repeat(32); // digits first and an `e`: neither TOML number nor quoted
    let sets = [
        "model.hidden=[8, 4]",
        "model.activation = leaky_relu",
        "device=cuda:3",
        "dataset.url=file:///tmp/some folder/a.tar.gz?x=1",
        &format!("dataset.sha256={sha}"),
        "dataset.batch=7",
        "dataset.batch=1_000",
        "name=\"quoted\"",
        "phases=[{epochs=1,lr=0.1},{epochs=2,lr=1e-3}]",
        "phases.1.lr=0.05",
        "phases.0={epochs=9,lr=2}",
        "optimizer={kind=\"sgd\",momentum=0.9,nesterov=true}",
        "checkpoint.every_steps=0x10",
        "threads=2",
        "dataset.normalise=true",
    ];
    let experiment = parse(SMALLEST, &sets).unwrap();
    assert_eq!(experiment.network().to_string(), "3072, 8, 4, 10");
    assert_eq!(experiment.model.activation, Activation::LeakyRelu);
    assert_eq!(experiment.device, DeviceChoice::Cuda(3));
    let url = "file:///tmp/some folder/a.tar.gz?x=1".to_owned();
    assert_eq!(experiment.dataset.kind, DatasetSpec::Published { kind: DatasetKind::Cifar10, url, sha256: Some(sha) });
    assert_eq!((experiment.dataset.batch.get(), experiment.dataset.evaluation_batch.get()), (1000, 2000));
    assert_eq!(experiment.dataset.input, InputSpec::Pixels { normalise: true });
    assert_eq!(experiment.name, "quoted");
    assert_eq!(experiment.phases, [Phase::constant(9, 2.0), Phase::constant(2, 0.05)]);
    assert_eq!(experiment.epochs(), 11);
    assert_eq!(experiment.optimizer, OptimizerSpec::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.0 });
    assert_eq!((experiment.threads, experiment.checkpoint.every_steps), (NonZeroUsize::new(2), NonZeroUsize::new(16)));
}

#[test]
fn run_names_that_are_paths_or_hidden_are_refused() {
    for good in ["a", "a.b_C-9", &"x".repeat(64)] {
        assert!(valid_name(good), "{good}");
    }
    for bad in ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "é", "a\0", &"x".repeat(65)] {
        assert!(!valid_name(bad), "{bad:?}");
    }
    // A file's name that can name no run gives way to a fixed one.
    let experiment = Config::parse(SMALLEST, Path::new("a b.toml"), &[]).unwrap();
    assert_eq!(experiment.name, "experiment");
}

/// A run is resumed from its resolved config: were that longer than a config may be, the run could start but not go on.
#[test]
fn a_config_of_a_thousand_phases_reads_back_equal() {
    let phases = "{epochs=100,lr=1.1754943508222875e-38},".repeat(1_000);
    let experiment = parse(SMALLEST, &[&format!("phases=[{phases}]")]).unwrap();
    assert_eq!(parse(&experiment.to_toml(), &[]).unwrap(), experiment);
}

#[test]
fn config_a_toml_has_the_notebooks_values() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/a.toml");
    let experiment = Config::read(&path, &[]).unwrap();
    assert_eq!(experiment.seed, 43);
    assert_eq!(experiment.network().to_string(), "3072, 2048, 1024, 64, 10");
    let phases: Vec<_> = experiment.phases.iter().map(|phase| (phase.epochs, phase.learning_rate)).collect();
    assert_eq!(phases, [(20, 1e-1), (10, 1e-3), (10, 1e-5), (10, 2e-6), (10, 5e-8)]);
    assert_eq!((experiment.dataset.validation, experiment.dataset.batch.get()), (5000, 128));
    assert_eq!(experiment.optimizer, OptimizerSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
}

#[test]
fn every_listed_key_is_read() {
    // A key that is listed but not read would be serde's unknown field; one that is read but not listed would be
    // refused by the check before: a value of a type that no key takes must be told as that key's own fault.
    for key in keys::all() {
        let path = key.path().replace("[]", ".0");
        let error = parse(SMALLEST, &[&format!("{path}=1979-05-27")]).unwrap_err().to_string();
        assert!(error.contains(&format!("{path} = 1979-05-27: expected {}", key.expects())), "{error}");
    }
}

#[test]
fn lists_of_architectures_are_parsed_and_their_errors_name_the_line() {
    let text = "# committed\n3072 10\n\n  3072 128 64 10  # quick start\n192, 64 gelu,skip(64), 10\n";
    let rows = parse_rows(text).unwrap();
    let lines: Vec<_> = rows.iter().map(row_text).collect();
    assert_eq!(lines, ["3072 10", "3072 128 64 10", "192, 64 gelu, skip(64), 10"]);
    assert_eq!(parse_rows(&lines.join("\n")).unwrap(), rows);
    let long = "8 ".repeat(35);
    let bad_rows = [
        ("3072", "expected 2 to 34 widths"),
        ("3072 0 10", "at least one output"),
        ("3072 x 10", "expected 2 to 34 widths"),
        ("3072 65537 10", "a width of 65537"),
        ("3072 -1 10", "expected 2 to 34 widths"),
        (&long, "33 hidden widths"),
        ("3072, 8 gellu, 10", "`gellu` is no layer"),
        ("3072, skip(8), 10", "ends with 8"),
        ("3072, module(own to 8), 10", "a program of its own"),
    ];
    for (bad, reason) in bad_rows {
        let error = parse_rows(&format!("3072 10\n{bad}\n")).unwrap_err();
        assert_eq!(error.line, 2, "{bad}");
        assert!(error.to_string().starts_with("2: `") && error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_phase_has_its_schedule_and_its_warm_up() {
    let text = "phases = [{epochs = 1, lr = 0.1}, {epochs = 2, lr = 0.2, schedule = \"one_cycle\", warmup = 0.2}, \
                {epochs = 3, lr = 0.3, schedule = \"cosine\"}]\ndataset.kind = \"synthetic\"\nmodel.hidden = []\n";
    let config = Config::parse(text, Path::new("a.toml"), &[]).unwrap();
    let schedules: Vec<_> = config.phases.iter().map(|phase| phase.schedule.clone()).collect();
    let one_cycle = ScheduleSpec::OneCycle { warmup: 0.2 };
    assert_eq!(schedules, [ScheduleSpec::Constant, one_cycle, ScheduleSpec::Cosine]);
    let again = Config::parse(&config.to_toml(), Path::new("config.toml"), &[]).unwrap();
    assert_eq!(again.phases, config.phases);
    let recorded = |config: &Config, key: &str| config.recorded().into_iter().any(|(name, _)| name == key);
    assert!(recorded(&config, "schedules") && recorded(&config, "warmups"));
    let plain = Config::parse(text, Path::new("a.toml"), &["phases=[{epochs=1,lr=0.1}]".to_owned()]).unwrap();
    assert!(!recorded(&plain, "schedules") && !recorded(&plain, "warmups"), "a constant rate is recorded as it was");

    // Any other schedule begins after its warm-up.
    let without = text.replace("schedule = \"one_cycle\", ", "");
    let config = Config::parse(&without, Path::new("a.toml"), &[]).unwrap();
    let warmups: Vec<_> = config.phases.iter().map(|phase| (phase.schedule.clone(), phase.warmup)).collect();
    let constant = ScheduleSpec::Constant;
    assert_eq!(warmups, [(constant.clone(), 0.0), (constant, 0.2), (ScheduleSpec::Cosine, 0.0)]);
}

#[test]
fn low_frequencies_and_augmentation_are_read_in_order() {
    let sets = [
        "dataset.input=frequencies",
        "dataset.coefficients=64",
        "model.hidden=[8]",
        "augment=[{kind='mirror',alternate=true},{kind='shift',pixels=4,edges='reflected'},{kind='mixup',probability=0.5}]",
        "augment.0.kind=mirror",
    ];
    let config = parse(SMALLEST, &sets).unwrap();
    assert_eq!((config.network().inputs(), config.network().outputs()), (192, 10));
    assert_eq!(config.dataset.input, InputSpec::Frequencies { coefficients: 64, power: 0.5 });
    let changes = [
        AugmentSpec { probability: 0.0, change: AugmentChange::Mirror { alternate: true } },
        AugmentSpec { probability: 1.0, change: AugmentChange::Shift { pixels: 4, edges: Edges::Reflected } },
        AugmentSpec { probability: 0.5, change: AugmentChange::MixUp { alpha: 1.0 } },
    ];
    assert_eq!(config.augment, changes);
    assert_eq!(parse(&config.to_toml(), &[]).unwrap(), config);
    // The share of mirrored images is a half where nobody says another one.
    let mirrored = parse(SMALLEST, &["augment.0.kind=mirror"]).unwrap();
    assert_eq!(mirrored.augment[0].probability, 0.5);
    let recorded: Vec<_> =
        config.recorded().into_iter().map(|(name, _)| name).filter(|name| name.contains("augment")).collect();
    assert_eq!(
        recorded,
        ["augment.kind", "augment.alternate", "augment.probability", "augment.pixels", "augment.edges"]
    );
    assert!(
        parse(SMALLEST, &[]).unwrap().recorded().iter().all(|(name, _)| !name.contains("augment") && *name != "input")
    );
}

/// Images of one's own: classes and counts come from the folders' names, and the resolved config says them without the folder.
#[test]
fn a_folder_of_images_says_its_classes_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    for (class, images) in [("dog", 12), ("кошка", 28)] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        for image in 0..images {
            std::fs::write(folder.path().join(class).join(format!("{image}.png")), "").unwrap();
        }
    }
    let path = format!("dataset.path={:?}", folder.path().to_str().unwrap());
    let of_images = |sets: &[&str]| {
        let sets = [&["dataset.kind=images", "dataset.shape=[1, 4, 5]", path.as_str()], sets].concat();
        parse(SMALLEST, &sets)
    };
    let config = of_images(&["dataset.limit=9", "loss.class_weights=[1, 2.5]"]).unwrap();
    let dataset = &config.dataset;
    let counts = (dataset.kind.train_images(), dataset.kind.test_images(), dataset.validation, dataset.kind.classes());
    assert_eq!((counts, config.network().to_string().as_str()), ((36, Some(4), 3, 2), "20, 2"));
    assert_eq!((dataset.limit, config.batches_per_epoch()), (Some(9), 1));
    let wrong = [
        ("dataset.shape=[2, 4, 5]", "1 or 3 channels"),
        ("dataset.train=30", "36 are there, not 30"),
        ("dataset.classes=3", "2 are there, not 3"),
        ("dataset.test=40", "fewer are drawn"),
        ("dataset.limit=33", "from 1 to 32"),
        ("loss.class_weights=[1, 2, 3]", "3 weights for 2 classes"),
        ("loss.class_weights=\"even\"", "\"balanced\", or a list of numbers"),
    ];
    for (set, expected) in wrong {
        let error = of_images(&[set]).unwrap_err().to_string();
        assert!(error.contains(expected), "{set}: {error}");
    }
    // Another folder in the place of one that is not there.
    let elsewhere = |data: &Path| {
        let sets = ["dataset.kind=images", "dataset.shape=[1, 4, 5]", "dataset.path=\"none\""].map(str::to_owned);
        Config::parse_with_data(SMALLEST, Path::new("small.toml"), &sets, Some(data))
    };
    assert_eq!(elsewhere(folder.path()).unwrap().dataset.kind.train_images(), 36);
    let error = elsewhere(Path::new("nowhere")).unwrap_err().to_string();
    assert!(error.contains("nowhere") && error.contains("in the place of dataset.path"), "{error}");
    let text = config.to_toml();
    folder.close().unwrap();
    assert_eq!(parse(&text, &[]).unwrap(), config);
    assert!(of_images(&[]).unwrap_err().to_string().contains("cannot look into the folder"));
    let arrays = ["dataset.kind=arrays", "dataset.path=x.npz", "dataset.train=30", "dataset.test=5"];
    let error = parse(SMALLEST, &arrays).unwrap_err().to_string();
    assert!(error.contains("dataset.classes: missing: expected an integer from 2 to 256"), "{error}");
}
