//! Every key of a config, each declared once. Who adds a key writes its entry here, and asks [`Config::get`](crate::Config::get) for it
//! where it acts.

use std::num::NonZeroUsize;

use strata_files::without_credentials;
use strata_spec::ranges::{self, Integers};
use strata_spec::{
    Activation, DatasetKind, DeviceChoice, Metric, Named, OptimizerKind, Release, RngScheme, ScheduleKind,
};

use crate::handle::Key;
use crate::key::Fallback::{Is, Required, Worked};
use crate::key::{Entry, When, keys};
use crate::name::{NAME_RULE, default_name, valid_name};
use crate::takes::Takes::{self, Boolean, Choice, Integer, IntegerTo, Number, Pair, Text};
use crate::takes::choices;
use crate::value::{Value, boolean, count, device, named, number, pair, seed, size, sizes, text};
use crate::values::Values;

/// An address's length in bytes, as browsers and servers cap it.
const MAX_URL: usize = 2_048;
const DEVICES: &str = "\"auto\", \"cpu\", \"cuda\" or \"cuda:N\" with N from 0 to 255";

keys! {
    /// what the run is called, in lists and in its folder's name
    NAME: String, text => "name", Text { expects: NAME_RULE, read: run_name },
        Worked { words: "the file's name without .toml", out: |values| Some(Value::Text(default_name(values))) }, None, None;
    /// the seed of the split, the initialisation, the batches and dropout
    SEED: u64, seed => "seed", Integer(ranges::SEED), Is("0"), None, Some("seed");
    /// whose draws the run follows: those of PyTorch's CPU generator
    RNG: RngScheme, named => "rng", Choice(choices::<RngScheme>), Is("\"torch\""), None, None;
    /// where to compute; `auto` takes a CUDA card where there is one
    DEVICE: DeviceChoice, device => "device", Text { expects: DEVICES, read: device_name }, Is("\"auto\""), None, None;
    /// worker threads
    THREADS: NonZeroUsize, count => "threads", Integer(ranges::THREADS), Worked { words: "what the machine has", out: |_| None }, None, None;

    /// the images
    DATASET: DatasetKind, named => "dataset.kind", Choice(choices::<DatasetKind>), Required, None, None;
    /// where the archive, or the folder of its files, is; a user name and password in it are used and kept nowhere
    URL: String, text => "dataset.url", Text { expects: "an address that starts with https://, http:// or file://", read: url },
        Worked { words: "that of the release", out: |values| release(values).map(|release| Value::Text(release.url.into())) }, Some(OF_RELEASES), None;
    /// the archive's checksum
    SHA256: String, text => "dataset.sha256", Text { expects: "a string of 64 hexadecimal digits", read: sha256 },
        Worked { words: "that of the release's archive", out: |values| release(values)?.sha256.map(|sum| Value::Text(sum.into())) }, Some(OF_ARCHIVES), None;
    /// training images, the validation part included
    TRAIN: usize, size => "dataset.train", Integer(ranges::SYNTHETIC), Is("5000"), Some(OF_SYNTHETIC), None;
    /// test images
    TEST: usize, size => "dataset.test", Integer(ranges::SYNTHETIC), Is("1000"), Some(OF_SYNTHETIC), None;
    /// the images' seed, apart from the run's own
    DATASET_SEED: u64, seed => "dataset.seed", Integer(ranges::SEED), Is("0"), Some(OF_SYNTHETIC), None;
    /// images split off for validation, of 50000 training images of cifar10 and cifar100, 60000 of mnist and fashion_mnist
    VALIDATION: usize, size => "dataset.validation", IntegerTo { least: 1, most: "one below the number of training images" },
        Worked { words: "a tenth of the training images", out: a_tenth }, None, None;
    /// images of a training step; an epoch's last batch may be smaller
    BATCH: NonZeroUsize, count => "dataset.batch", Integer(ranges::BATCH), Is("128"), None, Some("batch_size");
    /// images of an evaluation step; changes memory and speed, not results beyond rounding
    EVALUATION_BATCH: NonZeroUsize, count => "dataset.evaluation_batch", Integer(ranges::EVALUATION_BATCH),
        Worked { words: "twice dataset.batch", out: twice_the_batch }, None, Some("evaluation_batch");
    /// whether pixels (0 to 1) lose their channel's training mean and are divided by its deviation
    NORMALISE: bool, boolean => "dataset.normalise", Boolean, Is("false"), None, Some("normalise");

    /// the hidden layers' widths; `[]` is a linear classifier; at most 10⁹ parameters in all
    HIDDEN: Vec<usize>, sizes => "model.hidden", WIDTHS, Required, None, Some("hidden");
    /// what follows each hidden layer
    ACTIVATION: Activation, named => "model.activation", Choice(activations), Is("\"relu\""), Some(WITH_HIDDEN), Some("activation");
    /// the probability that a hidden unit is dropped in a training step
    DROPOUT: f64, number => "model.dropout", Number(ranges::DROPOUT), Is("0.0"), Some(WITH_HIDDEN), Some("dropout");

    /// the rule that updates the parameters
    OPTIMIZER: OptimizerKind, named => "optimizer.kind", Choice(choices::<OptimizerKind>), Is("\"sgd\""), None, Some("optimizer");
    /// the share of the velocity that is kept
    MOMENTUM: f64, number => "optimizer.momentum", Number(ranges::MOMENTUM), Is("0.0"), Some(OF_SGD), Some("momentum");
    /// Nesterov's look-ahead; needs momentum above 0
    NESTEROV: bool, boolean => "optimizer.nesterov", Boolean, Is("false"), Some(WITH_MOMENTUM), Some("nesterov");
    /// decay rates of the first and second moment
    BETAS: [f64; 2], pair => "optimizer.betas", Pair(ranges::BETA),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[0], out: betas }, Some(WITH_BETAS), Some("betas");
    /// added to the second moment's root
    EPS: f64, number => "optimizer.eps", Number(ranges::EPS), Is("1e-8"), Some(WITH_EPS), Some("eps");
    /// L2 penalty in the gradient (sgd, adam, nadam), decay of the parameters themselves (adamw, lion)
    WEIGHT_DECAY: f64, number => "optimizer.weight_decay", Number(ranges::WEIGHT_DECAY),
        Worked { words: OptimizerKind::DEFAULTS_IN_WORDS[1], out: weight_decay }, None, Some("weight_decay");

    /// passes over the training images
    EPOCHS: usize, size => "phases[].epochs", Integer(ranges::EPOCHS), Required, None, Some("epochs");
    /// the learning rate; the schedule's highest
    LR: f64, number => "phases[].lr", Number(ranges::LEARNING_RATE), Required, None, Some("lrs");
    /// how the learning rate goes within the phase, step by step
    SCHEDULE: ScheduleKind, named => "phases[].schedule", Choice(choices::<ScheduleKind>), Is("\"constant\""), None, Some("schedules");
    /// the share of the phase's steps in which the rate rises
    WARMUP: f64, number => "phases[].warmup", Number(ranges::WARMUP), Is("0.3"), Some(OF_ONE_CYCLE), Some("warmups");

    /// what is watched
    METRIC: Metric, named => "early_stopping.metric", Choice(choices::<Metric>), Is("\"val_loss\""), Some(WITH_EARLY_STOPPING), Some("early_stopping.metric");
    /// epochs without improvement that end the run
    PATIENCE: usize, size => "early_stopping.patience", Integer(ranges::EPOCHS), Required, Some(WITH_EARLY_STOPPING), Some("early_stopping.patience");
    /// how much better counts as improvement, in the metric's unit
    MIN_DELTA: f64, number => "early_stopping.min_delta", Number(ranges::MIN_DELTA), Is("0.0"), Some(WITH_EARLY_STOPPING), Some("early_stopping.min_delta");

    /// also save every this many training steps
    EVERY_STEPS: NonZeroUsize, count => "checkpoint.every_steps", Integer(ranges::STEPS),
        Worked { words: "none: at the ends of epochs only", out: |_| None }, None, None;
}

const WIDTHS: Takes = Takes::Integers { most: ranges::HIDDEN_LAYERS, each: ranges::WIDTH };

/// A key of other kinds: the error names the kind, and those that take the key.
macro_rules! of_kinds {
    ($key:ident, $($kind:pat_param)|+, $takers:literal) => {
        When {
            holds: |values| matches!(values.get(&$key), Some($($kind)|+)),
            in_phase: None,
            otherwise: |values, name| {
                let kind = values.get(&$key).map_or("none", Named::as_str);
                format!("{} is {kind}, which has no `{name}`; {}", $key.path(), $takers)
            },
        }
    };
}
const OF_RELEASES: When = When {
    holds: |values| release(values).is_some(),
    in_phase: None,
    otherwise: |values, name| of_other_releases(values, name, |_| true),
};
const OF_ARCHIVES: When = When {
    holds: |values| release(values).is_some_and(|release| release.sha256.is_some()),
    in_phase: None,
    otherwise: |values, name| of_other_releases(values, name, |release| release.sha256.is_some()),
};
const OF_SYNTHETIC: When = of_kinds!(DATASET, DatasetKind::Synthetic, "synthetic takes it");
/// A number of some optimizers.
macro_rules! of_optimizers {
    ($number:literal) => {
        When {
            in_phase: None,
            holds: |values| values.get(&OPTIMIZER).is_some_and(|kind| kind.takes($number)),
            otherwise: not_of_optimizer,
        }
    };
}
const OF_SGD: When = of_optimizers!("momentum");
const WITH_BETAS: When = of_optimizers!("betas");
const WITH_EPS: When = of_optimizers!("eps");
const WITH_HIDDEN: When = When {
    holds: |values| values.get(&HIDDEN).is_some_and(|hidden| !hidden.is_empty()),
    in_phase: None,
    otherwise: |_, name| {
        format!(
            "has no effect: model.hidden = [] makes a network without hidden layers, and `{name}` acts on those; leave it out"
        )
    },
};
const WITH_MOMENTUM: When = When {
    holds: |values| values.get(&MOMENTUM).is_some_and(|momentum| momentum > 0.0),
    in_phase: None,
    otherwise: |values, name| match (OF_SGD.holds)(values) {
        true => "needs optimizer.momentum above 0, as in momentum = 0.9".to_owned(),
        false => (OF_SGD.otherwise)(values, name),
    },
};
const OF_ONE_CYCLE: When = When {
    holds: |_| false,
    in_phase: Some(|values, phase| values.in_phase(&SCHEDULE, phase) == Some(ScheduleKind::OneCycle)),
    otherwise: |_, name| format!("has no effect: `{name}` is of schedule = \"one_cycle\", which this phase has not"),
};
const WITH_EARLY_STOPPING: When = When {
    holds: |values| values.has_early_stopping,
    in_phase: None,
    otherwise: |_, name| format!("`{name}` needs the section [early_stopping]"),
};

/// What is known of the data set, where it is a published one.
fn release(values: &Values) -> Option<&'static Release> {
    values.get(&DATASET)?.release()
}

/// That the data set has no such key, and which have.
fn of_other_releases(values: &Values, name: &str, takes: impl Fn(&Release) -> bool) -> String {
    let kind = values.get(&DATASET).map_or("none", Named::as_str);
    let takers = DatasetKind::ALL.iter().filter(|kind| kind.release().is_some_and(&takes));
    let takers: Vec<_> = takers.map(|kind| kind.as_str()).collect();
    format!("{} is {kind}, which has no `{name}`; those that take it: {}", DATASET.path(), takers.join(", "))
}

fn run_name(name: &str) -> Option<String> {
    valid_name(name).then(|| name.to_owned())
}

fn device_name(name: &str) -> Option<String> {
    name.parse().ok().map(|device: DeviceChoice| device.to_string())
}

fn url(text: &str) -> Option<String> {
    let bare = without_credentials(text);
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| bare.strip_prefix(scheme));
    let is_whole = rest.is_some_and(|rest| !rest.is_empty());
    (is_whole && text.len() <= MAX_URL && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn sha256(text: &str) -> Option<String> {
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

fn activations() -> Vec<(&'static str, &'static str)> {
    Activation::hidden().map(|activation| (activation.as_str(), activation.sentence())).collect()
}

fn integer(value: usize) -> Option<Value> {
    i64::try_from(value).ok().map(Value::Integer)
}

fn a_tenth(values: &Values) -> Option<Value> {
    // Only synthetic has a number of its own.
    let train = release(values).map(|release| release.train_images).or_else(|| values.get(&TRAIN)).unwrap_or_default();
    integer((train / 10).max(1))
}

fn twice_the_batch(values: &Values) -> Option<Value> {
    values.get(&BATCH).and_then(|batch| integer(2 * batch.get()))
}

fn weight_decay(values: &Values) -> Option<Value> {
    Some(Value::Number(values.get(&OPTIMIZER).unwrap_or_default().defaults().weight_decay))
}

fn betas(values: &Values) -> Option<Value> {
    Some(Value::Numbers(values.get(&OPTIMIZER).unwrap_or_default().defaults().betas.to_vec()))
}

/// Why the optimizer does not take the number of this name, and those that do.
fn not_of_optimizer(values: &Values, name: &str) -> String {
    let kind = values.get(&OPTIMIZER).map_or("none", Named::as_str);
    let takers: Vec<_> = OptimizerKind::ALL.into_iter().filter(|kind| kind.takes(name)).map(Named::as_str).collect();
    let takers = match takers.as_slice() {
        [one] => format!("{one} takes it"),
        [others @ .., last] => format!("{} and {last} take it", others.join(", ")),
        [] => "none takes it".to_owned(),
    };
    format!("{} is {kind}, which has no `{name}`; {takers}", OPTIMIZER.path())
}

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One `[table]`.
    Table,
    /// A list of `[[tables]]`.
    Tables,
}

/// A section of the file.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// What stands above its keys in the document.
    pub(crate) note: &'static str,
}

const fn section(name: &'static str, shape: Shape, note: &'static str) -> Section {
    Section { name, shape, note }
}

/// The sections, in the order of the document.
pub(crate) const SECTIONS: &[Section] = &[
    section("dataset", Shape::Table, "A key of another kind is an error that names the kinds that take it."),
    section("model", Shape::Table, ""),
    section("optimizer", Shape::Table, "A key of another kind is an error that names the kinds that take it."),
    section(
        "phases",
        Shape::Tables,
        "1 to 1000 tables, trained in order with the optimizer's state carried on; at most 100000 epochs in all.",
    ),
    section("early_stopping", Shape::Table, "Without this section every epoch is trained."),
    section("checkpoint", Shape::Table, "A checkpoint is saved at the end of each epoch in any case."),
];

/// What the value at `path` (`phases.3.lr`) must be.
pub(crate) fn expects(path: &str) -> String {
    let (mut generic, mut in_list) = (String::new(), false);
    for segment in path.split('.') {
        if segment.bytes().all(|b| b.is_ascii_digit()) {
            // An element: of `phases` it opens a table, of any other list it is a part of that key's own value.
            in_list = true;
            continue;
        }
        if !generic.is_empty() {
            generic.push_str(if in_list { "[]." } else { "." });
        }
        in_list = false;
        generic.push_str(segment);
    }
    if let Some(key) = KEYS.iter().find(|key| key.path == generic) {
        return key.takes.expects();
    }
    match SECTIONS.iter().find(|section| section.name == generic).map(|section| section.shape) {
        Some(Shape::Table) => "a table of keys".to_owned(),
        Some(Shape::Tables) => "a list of one table or more, each with `epochs` and `lr`".to_owned(),
        None => "a key of this config".to_owned(),
    }
}

/// The names that `section` may hold ("" for the top: its own keys, then the sections).
pub(crate) fn names(section: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS.iter().filter(|key| key.section() == section).map(Entry::name).collect();
    if section.is_empty() {
        names.extend(SECTIONS.iter().map(|section| section.name));
    }
    names
}

/// The most images that may be split off where `train` are there.
pub(crate) fn validation_range(train: usize) -> Integers {
    Integers { least: 1, most: i64::try_from(train).unwrap_or(i64::MAX) - 1 }
}
