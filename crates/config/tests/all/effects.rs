//! A value that a person set and that does nothing is an error; what has no effect is neither written nor recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use strata_config::{Config, keys};

const LINEAR: &str = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"cifar10\"\nmodel.hidden = []\n";
const RESOLVED: &str = "# The resolved config of one experiment: every key with its value.\n";

fn parse(text: &str, sets: &[&str]) -> Result<Config, String> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Config::parse(text, Path::new("c.toml"), &sets).map_err(|error| error.to_string())
}

/// (what the value stands beside, the value, its default, what the error says)
const WITHOUT_EFFECT: &[(&str, &str, &str, &str)] = &[
    (
        "model.hidden=[]",
        "model.dropout=0.9",
        "model.dropout=0.0",
        "model.hidden = [] makes a network without hidden layers",
    ),
    ("model.hidden=[]", "model.activation=\"gelu\"", "model.activation=\"relu\"", "model.hidden = []"),
    ("optimizer.kind=\"adam\"", "optimizer.momentum=0.9", "optimizer.momentum=0", "sgd, rmsprop and muon take it"),
    ("optimizer.kind=\"adam\"", "optimizer.alpha=0.9", "optimizer.alpha=0.99", "rmsprop takes it"),
    ("optimizer.kind=\"adam\"", "optimizer.lr_decay=0.1", "optimizer.lr_decay=0", "adagrad takes it"),
    (
        "optimizer={kind=\"rmsprop\", momentum=0.9}",
        "optimizer.nesterov=true",
        "optimizer.nesterov=false",
        "which has no `nesterov`; sgd and muon take it",
    ),
    (
        "optimizer.weight_decay=0",
        "optimizer.decay=\"weights\"",
        "optimizer.decay=\"all\"",
        "optimizer.weight_decay is 0",
    ),
    (
        "averaging.kind=\"swa\"",
        "averaging.decay=0.9",
        "averaging.decay=0.999",
        "averaging.kind is swa, which has no `decay`; ema takes it",
    ),
    (
        "averaging.kind=\"ema\"",
        "averaging.start=0.5",
        "averaging.start=0.75",
        "averaging.kind is ema, which has no `start`; swa takes it",
    ),
    (
        "loss.kind=\"mse\"",
        "loss.label_smoothing=0.1",
        "loss.label_smoothing=0",
        "loss.kind is mse, which has no `label_smoothing`; cross_entropy takes it",
    ),
    ("optimizer.kind=\"adam\"", "optimizer.nesterov=true", "optimizer.nesterov=false", "sgd and muon take it"),
    ("optimizer.kind=\"adam\"", "optimizer.iterations=3", "optimizer.iterations=5", "muon takes it"),
    ("optimizer.kind=\"adam\"", "optimizer.lambda=3", "optimizer.lambda=1e-4", "beta_lasso takes it"),
    ("optimizer.kind=\"adam\"", "optimizer.beta=3", "optimizer.beta=50", "beta_lasso takes it"),
    (
        "optimizer.kind=\"beta_lasso\"",
        "optimizer.weight_decay=1",
        "optimizer.weight_decay=0",
        "beta_lasso, which has no `weight_decay`",
    ),
    (
        "optimizer.kind=\"sgd\"",
        "optimizer.nesterov=true",
        "optimizer.nesterov=false",
        "needs optimizer.momentum above 0",
    ),
    (
        "optimizer.kind=\"sgd\"",
        "optimizer.betas=[0.8, 0.9]",
        "optimizer.betas=[0.9, 0.999]",
        "adam, adamw, nadam, lion and muon take it",
    ),
    (
        "optimizer.kind=\"sgd\"",
        "optimizer.eps=1e-3",
        "optimizer.eps=1e-8",
        "adam, adamw, nadam, rmsprop, adagrad and muon take it",
    ),
    (
        "dataset.kind=\"cifar10\"",
        "dataset.train=100",
        "dataset.train=5000",
        "those that take it: synthetic, images, arrays",
    ),
    (
        "dataset.kind=\"cifar10\"",
        "dataset.test=100",
        "dataset.test=1000",
        "those that take it: synthetic, images, arrays",
    ),
    (
        "dataset.kind=\"cifar10\"",
        "dataset.shape=[1, 8, 8]",
        "dataset.shape=[3, 32, 32]",
        "those that take it: synthetic, images, arrays",
    ),
    (
        "dataset.kind=\"mnist\"",
        "dataset.classes=3",
        "dataset.classes=10",
        "those that take it: synthetic, images, arrays",
    ),
    ("dataset.kind=\"cifar10\"", "dataset.seed=1", "dataset.seed=0", "those that take it: synthetic, images, arrays"),
    (
        "phases.0.schedule=\"cosine\"",
        "phases.0.factor=0.5",
        "phases.0.factor=0.1",
        "is of schedule = \"step\" or \"exponential\" or \"plateau\"",
    ),
    ("phases.0.schedule=\"cosine\"", "phases.0.every=1", "", "is of schedule = \"step\", which this phase has not"),
    (
        "phases.0.schedule=\"cosine\"",
        "phases.0.metric=val_acc",
        "phases.0.metric=val_loss",
        "is of schedule = \"plateau\"",
    ),
    ("phases.0.schedule=\"cosine\"", "phases.0.patience=1", "phases.0.patience=10", "is of schedule = \"plateau\""),
    ("phases.0.schedule=\"cosine\"", "phases.0.min_delta=1", "phases.0.min_delta=0", "is of schedule = \"plateau\""),
    ("phases.0.schedule=\"cosine\"", "phases.0.power=1", "phases.0.power=2", "is of schedule = \"polynomial\""),
    ("phases.0.schedule=\"cosine\"", "phases.0.period=1", "", "is of schedule = \"cosine_restarts\""),
    (
        "phases.0.schedule=\"cosine\"",
        "phases.0.period_factor=2",
        "phases.0.period_factor=1",
        "is of schedule = \"cosine_restarts\"",
    ),
    ("dataset.input=\"pixels\"", "dataset.power=0.25", "dataset.power=0.5", "is of dataset.input = \"frequencies\""),
    (
        "dataset={kind=\"cifar10\",input=\"frequencies\",coefficients=9}",
        "dataset.normalise=true",
        "dataset.normalise=false",
        "is of dataset.input = \"pixels\"",
    ),
    (
        "loss.kind=\"mse\"",
        "evaluation.mirrored=true",
        "evaluation.mirrored=false",
        "a network trained by loss.kind = \"mse\" gives none",
    ),
    (
        "evaluation.test=false",
        "evaluation.mirrored=true",
        "evaluation.mirrored=false",
        "evaluation.test = false leaves out the test images",
    ),
    ("augment.0.kind=\"crop\"", "augment.0.alternate=true", "augment.0.alternate=false", "`alternate` is of mirror"),
    (
        "augment=[{kind=\"mirror\",alternate=true}]",
        "augment.0.probability=0.3",
        "augment.0.probability=0.5",
        "with alternate = true there is no `probability`",
    ),
    ("augment.0.kind=\"crop\"", "augment.0.edges=\"wrapped\"", "augment.0.edges=\"zero\"", "`edges` is of shift"),
    ("augment.0.kind=\"mirror\"", "augment.0.area=[0.5, 1.0]", "augment.0.area=[0.08, 1.0]", "`area` is of crop"),
    (
        "augment.0.kind=\"mirror\"",
        "augment.0.ratio=[1.0, 1.0]",
        "augment.0.ratio=[0.75, 1.3333333333333333]",
        "`ratio` is of crop",
    ),
    ("augment.0.kind=\"crop\"", "augment.0.brightness=0.5", "augment.0.brightness=0", "is of colour_jitter"),
    ("augment.0.kind=\"crop\"", "augment.0.contrast=0.5", "augment.0.contrast=0", "is of colour_jitter"),
    ("augment.0.kind=\"crop\"", "augment.0.saturation=0.5", "augment.0.saturation=0", "is of colour_jitter"),
    ("augment.0.kind=\"crop\"", "augment.0.alpha=0.5", "augment.0.alpha=1.0", "is of mixup and cutmix"),
    ("model.hidden=[8]", "model.zero_init_residual=true", "model.zero_init_residual=false", "of which there is none"),
    ("loss.kind=\"mse\"", "loss.class_weights=\"balanced\"", "", "cross_entropy takes it"),
    ("dataset.kind=\"synthetic\"", "dataset.url=\"file:///x\"", "", "which has no `url`"),
];

#[test]
fn a_value_without_effect_is_an_error_unless_it_is_the_default() {
    for (beside, value, default, reason) in WITHOUT_EFFECT {
        let error = parse(LINEAR, &[beside, value]).unwrap_err();
        let (key, _) = value.split_once('=').unwrap();
        assert!(error.starts_with(&format!("--set {value}: {key} = ")) && error.contains(reason), "{error}");
        let config = parse(LINEAR, &[beside]).unwrap();
        if !default.is_empty() {
            assert_eq!(parse(LINEAR, &[beside, default]).unwrap(), config, "{default}");
        }
        let key = key.rsplit_once('.').unwrap().1;
        // Two names are also those of keys elsewhere.
        assert!(
            !config.to_toml().lines().any(|line| line.starts_with(&format!("{key} =")))
                || ["seed", "test"].contains(&key),
            "{config:?}"
        );
    }
}

/// Each key that may be without effect is in the table above, or belongs to an optional section.
#[test]
fn every_conditional_key_is_in_the_table_of_values_without_effect() {
    let base =
        [parse(LINEAR, &[]).unwrap(), parse(LINEAR, &["dataset.kind=synthetic", "optimizer.kind=adam"]).unwrap()];
    for key in keys::all().filter(|key| !key.path().starts_with("early_stopping")) {
        let name = key.path().rsplit_once('.').map_or(key.path(), |(_, name)| name);
        let is_written = |config: &Config| config.to_toml().lines().any(|line| line.starts_with(&format!("{name} =")));
        let may_be_absent =
            base.iter().any(|config| !is_written(config)) && key.default().is_some() && key.path() != "threads";
        let is_tried = WITHOUT_EFFECT
            .iter()
            .any(|(_, value, ..)| value.starts_with(&format!("{}=", key.path().replace("[]", ".0"))));
        let has_no_value =
            ["dataset.limit", "model.network", "checkpoint.every_steps", "optimizer.clip_norm", "optimizer.clip_value"]
                .contains(&key.path());
        // Its default is the data set's own, so it stands with the address.
        let with_url = key.path() == "dataset.sha256";
        assert!(!may_be_absent || is_tried || has_no_value || with_url, "{}", key.path());
    }
}

#[test]
fn values_without_effect_in_an_older_resolved_config_are_dropped() {
    let old =
        format!("{RESOLVED}{LINEAR}model.activation = \"gelu\"\nmodel.dropout = 0.9\noptimizer.nesterov = false\n");
    assert_eq!(parse(&old, &[]).unwrap(), parse(LINEAR, &[]).unwrap());
    // A person's own value is checked there too.
    assert!(parse(&old, &["model.dropout=0.5"]).unwrap_err().contains("has no effect"));
    // Without its first line it is a person's file.
    assert!(parse(&old.replace(RESOLVED, ""), &[]).unwrap_err().contains("has no effect"));
}

#[test]
fn only_values_with_an_effect_are_recorded() {
    let names = |sets: &[&str]| -> Vec<&str> {
        parse(LINEAR, sets).unwrap().recorded().into_iter().map(|(name, _)| name).collect()
    };
    let linear = names(&[]);
    for absent in
        ["activation", "dropout", "nesterov", "betas", "eps", "early_stopping.metric", "name", "threads", "device"]
    {
        assert!(!linear.contains(&absent), "{absent}");
    }
    for present in [
        "seed",
        "batch_size",
        "evaluation_batch",
        "normalise",
        "hidden",
        "optimizer",
        "momentum",
        "weight_decay",
        "epochs",
        "lrs",
    ] {
        assert!(linear.contains(&present), "{present}");
    }
    for absent in [
        "averaging",
        "accumulate",
        "schedules",
        "warmups",
        "loss",
        "label_smoothing",
        "decay",
        "clip_norm",
        "clip_value",
    ] {
        assert!(!linear.contains(&absent), "{absent}: a record from before the key says the same");
    }
    let chosen = names(&[
        "loss.label_smoothing=0.1",
        "optimizer.weight_decay=0.1",
        "optimizer.decay=weights",
        "optimizer.clip_norm=1",
        "optimizer.clip_value=2",
    ]);
    for present in ["label_smoothing", "decay", "clip_norm", "clip_value"] {
        assert!(chosen.contains(&present), "{present}");
    }
    assert!(names(&["loss.kind=mse"]).contains(&"loss"));
    let more = names(&["model.hidden=[8]", "optimizer.momentum=0.9", "early_stopping.patience=3"]);
    for present in ["activation", "dropout", "nesterov", "early_stopping.metric", "early_stopping.patience"] {
        assert!(more.contains(&present), "{present}");
    }
}

#[test]
fn a_file_name_that_is_no_run_name_is_reported() {
    let config = |path: &str, sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        Config::parse(LINEAR, Path::new(path), &sets).unwrap()
    };
    let unnamed = config("r\u{e9}sum\u{e9}.toml", &[]);
    assert_eq!((unnamed.name.as_str(), unnamed.unusable_file_name()), ("experiment", Some("r\u{e9}sum\u{e9}")));
    assert_eq!(config("r\u{e9}sum\u{e9}.toml", &["name=mine"]).unusable_file_name(), None);
    assert_eq!(config("a.toml", &[]).unusable_file_name(), None);
}

/// Which would be set and change nothing.
#[test]
fn values_without_an_effect_beside_others_are_refused() {
    let network = "model.network=mirrored(8 batch_norm relu)";
    for (sets, reason) in [
        (vec!["checkpoint.every_steps=352"], "has no effect: an epoch has 352 steps"),
        (
            vec![network, "evaluation.mirrored=true"],
            "evaluation.mirrored = true: has no effect: the network is mirrored(…)",
        ),
        (vec![network, "augment=[{ kind = \"mirror\" }]"], "has no effect: the network is mirrored(…)"),
        (vec!["loss.kind=mse", "metrics=[\"calibration_error\"]"], "calibration_error is of probabilities"),
        (
            vec!["augment=[{ kind = \"mixup\", probability = 0 }, { kind = \"mirror\" }]"],
            "mirror comes before what mixes a batch",
        ),
    ] {
        let error = parse(LINEAR, &sets).unwrap_err();
        assert!(error.contains(reason), "{sets:?}: {error}");
    }
    parse(LINEAR, &["checkpoint.every_steps=351"]).unwrap();
    let sum = "augment=[{ kind = \"mixup\", probability = 0.33 }, { kind = \"cutmix\", probability = 0.56 }, { kind = \"mixup\", probability = 0.11 }]";
    parse(LINEAR, &[sum]).unwrap();
}
