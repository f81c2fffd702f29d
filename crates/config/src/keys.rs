//! Every key of a config with its type, default and range: what errors and `docs/config.md` say.

/// One key of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its place, with `[]` after a list of tables: `phases[].lr`.
    pub path: &'static str,
    /// What its value must be, for "expected …".
    pub expects: &'static str,
    /// What it is where it is not written; `None` where it must be.
    pub default: Option<&'static str>,
}

const fn key(path: &'static str, expects: &'static str, default: &'static str) -> Key {
    Key { path, expects, default: Some(default) }
}

const fn required(path: &'static str, expects: &'static str) -> Key {
    Key { path, expects, default: None }
}

const SEED: &str = "an integer from 0 to 9223372036854775807";

/// Every key, in the order of `docs/config.md`.
pub const KEYS: &[Key] = &[
    key(
        "name",
        "a string of 1 to 64 letters, digits, `.`, `_` and `-`, not starting with `.` or `-`",
        "the file's name without .toml",
    ),
    key("seed", SEED, "0"),
    key("rng", "the string \"torch\"", "\"torch\""),
    key("device", "\"auto\", \"cpu\", \"cuda\" or \"cuda:N\" with N from 0 to 255", "\"auto\""),
    key("threads", "an integer from 1 to 1024", "what the machine has"),
    required("dataset.kind", "\"cifar10\" or \"synthetic\""),
    key("dataset.url", "an address that starts with https://, http:// or file://", "CIFAR-10's own"),
    key("dataset.sha256", "a string of 64 hexadecimal digits", "that of CIFAR-10's own archive"),
    key("dataset.train", "an integer from 10 to 200000", "5000"),
    key("dataset.test", "an integer from 10 to 200000", "1000"),
    key("dataset.seed", SEED, "0"),
    key(
        "dataset.validation",
        "an integer from 1 to one below the number of training images",
        "5000 of cifar10, a tenth of synthetic's train",
    ),
    key("dataset.batch", "an integer from 1 to 1000000", "128"),
    key("dataset.evaluation_batch", "an integer from 1 to 2000000", "twice dataset.batch"),
    key("dataset.normalise", "true or false", "false"),
    required("model.hidden", "a list of at most 32 integers, each from 1 to 65536"),
    key("model.activation", "one of relu, leaky_relu, gelu, tanh, sigmoid, silu", "\"relu\""),
    key("model.dropout", "a number from 0 up to but not including 1", "0.0"),
    key("optimizer.kind", "\"sgd\", \"adam\" or \"adamw\"", "\"sgd\""),
    key("optimizer.momentum", "a number from 0 up to but not including 1", "0.0"),
    key("optimizer.nesterov", "true or false", "false"),
    key("optimizer.betas", "a list of two numbers, each from 0 up to but not including 1", "[0.9, 0.999]"),
    key("optimizer.eps", "a number above 0, finite in 32 bits", "1e-8"),
    key("optimizer.weight_decay", "a number of 0 or more, finite in 32 bits", "0.0 (adamw 0.01)"),
    required("phases[].epochs", "an integer from 1 to 100000"),
    required("phases[].lr", "a number above 0, finite in 32 bits"),
    key("early_stopping.metric", "\"val_loss\" or \"val_acc\"", "\"val_loss\""),
    required("early_stopping.patience", "an integer from 1 to 100000"),
    key("early_stopping.min_delta", "a number of 0 or more, finite in 32 bits", "0.0"),
    key("checkpoint.every_steps", "an integer from 1 to 1000000000", "none: at the ends of epochs only"),
];

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One `[table]`.
    Table,
    /// A list of `[[tables]]`.
    Tables,
}

/// The sections, each with its shape.
pub(crate) const SECTIONS: &[(&str, Shape)] = &[
    ("dataset", Shape::Table),
    ("model", Shape::Table),
    ("optimizer", Shape::Table),
    ("phases", Shape::Tables),
    ("early_stopping", Shape::Table),
    ("checkpoint", Shape::Table),
];

/// What the value at `path` (`phases.3.lr`) must be.
pub(crate) fn expects(path: &str) -> &'static str {
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
        return key.expects;
    }
    match SECTIONS.iter().find(|(name, _)| *name == generic) {
        Some((_, Shape::Table)) => "a table of keys",
        Some((_, Shape::Tables)) => "a list of one table or more, each with `epochs` and `lr`",
        None => "a key of this config",
    }
}

/// The names that `section` may hold ("" for the top: its own keys, then the sections).
pub(crate) fn names(section: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS
        .iter()
        .filter_map(|key| match key.path.rsplit_once('.') {
            Some((parent, name)) => (parent.trim_end_matches("[]") == section).then_some(name),
            None => section.is_empty().then_some(key.path),
        })
        .collect();
    if section.is_empty() {
        names.extend(SECTIONS.iter().map(|(name, _)| *name));
    }
    names
}
