//! What the tests of errors share.

use std::path::Path;

use strata_config::Config;

/// A right config, one line a key that the tests spoil.
pub(crate) const GOOD: &str = r#"name = "seed"
seed = 43

[dataset]
kind = "cifar10"
batch = 128

[model]
hidden = [2048, 1024, 64]
activation = "relu"

[optimizer]
kind = "sgd"

[[phases]]
epochs = 20
lr = 1e-1
"#;

/// The error that the config with the `--set`s gives.
pub(crate) fn told(text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    match Config::parse(text, Path::new("c.toml"), &sets) {
        Ok(experiment) => panic!("taken, as {experiment:?}"),
        Err(error) => error.to_string(),
    }
}
