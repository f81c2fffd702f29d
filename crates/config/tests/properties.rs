//! Properties: what is written back reads as equal, and no text makes the check panic.

use std::num::NonZeroUsize;
use std::path::Path;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use strata_config::{Checkpointing, DatasetConfig, Experiment, ModelConfig};
use strata_spec::{Activation, DatasetSpec, DeviceChoice, EarlyStopping, Metric, OptimizerSpec, Phase, RngScheme};

const BASE: &str = r#"name = "base"
seed = 43
threads = 2
device = "cpu"

[dataset]
kind = "synthetic"
train = 5000
validation = 500
batch = 128

[model]
hidden = [2048, 1024, 64]
activation = "relu"
dropout = 0.25

[optimizer]
kind = "adamw"
betas = [0.9, 0.999]

[[phases]]
epochs = 20
lr = 1e-1

[[phases]]
epochs = 1
lr = 5

[early_stopping]
patience = 4

[checkpoint]
every_steps = 100
"#;

fn size(most: usize) -> impl Strategy<Value = NonZeroUsize> {
    (1..=most).prop_map(|size| NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN))
}

fn kind() -> impl Strategy<Value = DatasetSpec> {
    let seed = 0..=i64::MAX as u64;
    prop_oneof![
        ("(https?|file)://[^\\p{C}]{1,80}", "[0-9a-f]{64}")
            .prop_map(|(url, sha256)| DatasetSpec::Cifar10 { url, sha256 }),
        (10..=200_000usize, 10..=200_000usize, seed).prop_map(|(train, test, seed)| DatasetSpec::Synthetic {
            train,
            test,
            seed
        }),
    ]
}

fn dataset() -> impl Strategy<Value = DatasetConfig> {
    (kind(), 1..10usize, size(1_000_000), size(2_000_000), any::<bool>()).prop_map(
        |(kind, validation, batch, evaluation_batch, normalise)| DatasetConfig {
            kind,
            validation,
            batch,
            evaluation_batch,
            normalise,
        },
    )
}

fn model() -> impl Strategy<Value = ModelConfig> {
    let activation = prop::sample::select(vec![
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
    ]);
    let hidden = prop_oneof![vec(1..=4096usize, 0..=32), vec(65_536usize..=65_536, 0..=1)];
    (hidden, activation, 0.0..0.999f64).prop_map(|(hidden, activation, dropout)| ModelConfig {
        hidden,
        activation,
        dropout,
    })
}

fn optimizer() -> impl Strategy<Value = OptimizerSpec> {
    let adam = || ((0.0..0.999f64, 0.0..0.999f64), 1e-30..1e30f64, 0.0..1e30f64);
    prop_oneof![
        (1e-9..0.999f64, any::<bool>(), 0.0..10.0f64)
            .prop_map(|(momentum, nesterov, weight_decay)| OptimizerSpec::Sgd { momentum, nesterov, weight_decay }),
        adam().prop_map(|((a, b), eps, weight_decay)| OptimizerSpec::Adam { betas: [a, b], eps, weight_decay }),
        adam().prop_map(|((a, b), eps, weight_decay)| OptimizerSpec::AdamW { betas: [a, b], eps, weight_decay }),
    ]
}

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    let lr = prop_oneof![1e-38..1e38f64, 1e-12..1.0f64];
    vec((1..=5_000usize, lr).prop_map(|(epochs, learning_rate)| Phase { epochs, learning_rate }), 1..20)
}

fn early_stopping() -> impl Strategy<Value = EarlyStopping> {
    let metric = prop_oneof![Just(Metric::ValLoss), Just(Metric::ValAcc)];
    (metric, 1..=100_000usize, 0.0..1e30f64).prop_map(|(metric, patience, min_delta)| EarlyStopping {
        metric,
        patience,
        min_delta,
    })
}

fn device() -> impl Strategy<Value = DeviceChoice> {
    prop_oneof![Just(DeviceChoice::Auto), Just(DeviceChoice::Cpu), (0..=255usize).prop_map(DeviceChoice::Cuda)]
}

prop_compose! {
    fn experiment()(
        name in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,63}",
        seed in 0..=i64::MAX as u64,
        device in device(),
        threads in option::of(size(1024)),
        parts in (dataset(), model(), optimizer(), phases()),
        early_stopping in option::of(early_stopping()),
        every_steps in option::of(size(1_000_000_000)),
    ) -> Experiment {
        // Experiments come from texts alone: this one is read, then given the drawn values.
        let mut experiment = Experiment::parse(BASE, Path::new("base.toml"), &[]).unwrap_or_else(|error| panic!("{error}"));
        (experiment.name, experiment.seed, experiment.rng) = (name, seed, RngScheme::Torch);
        (experiment.device, experiment.threads) = (device, threads);
        (experiment.dataset, experiment.model, experiment.optimizer, experiment.phases) = parts;
        experiment.early_stopping = early_stopping;
        experiment.checkpoint = Checkpointing { every_steps };
        experiment
    }
}

/// Pieces that turn one right config into many nearly right ones.
const PIECES: &[&str] = &[
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\"",
    "'",
    "\n",
    "#",
    "-",
    "0",
    "1",
    "9223372036854775807",
    "1e400",
    "nan",
    "-inf",
    "true",
    "hidden",
    "phases",
    "epochs",
    "lr",
    "kind",
    "\"sgd\"",
    "\"cifar10\"",
    "model.",
    "phases.0.",
    "[[phases]]\n",
    "[model]\n",
    "= []\n",
    "1979-05-27",
    "\u{feff}",
    "é",
    "\u{1b}",
    "\r\n",
    "[65536, 65536]",
    "\t",
];

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, &'static str)>> {
    vec((any::<prop::sample::Index>(), 0..12usize, prop::sample::select(PIECES)), 1..6)
}

fn edited(text: &str, edits: &[(prop::sample::Index, usize, &str)]) -> String {
    let mut text = text.to_owned();
    for (at, removed, piece) in edits {
        let start = text.floor_char_boundary(at.index(text.len() + 1));
        let end = text.ceil_char_boundary((start + removed).min(text.len()));
        text.replace_range(start..end, piece);
    }
    text
}

fn no_panic_and_whole(text: &str, sets: &[String]) -> Result<(), TestCaseError> {
    match Experiment::parse(text, Path::new("c.toml"), sets) {
        Ok(experiment) => {
            let again = Experiment::parse(&experiment.to_toml(), Path::new("other.toml"), &[]);
            prop_assert_eq!(again.map_err(|error| error.to_string()), Ok(kept(experiment)));
        }
        Err(error) => prop_assert!(error.to_string().len() < 4000),
    }
    Ok(())
}

/// What is written of it: the address without a user name and password.
fn kept(mut experiment: Experiment) -> Experiment {
    if let DatasetSpec::Cifar10 { url, .. } = &mut experiment.dataset.kind {
        *url = strata_files::without_credentials(url);
    }
    experiment
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_resolved_config_reads_back_equal(experiment in experiment()) {
        let text = experiment.to_toml();
        let again = Experiment::parse(&text, Path::new("resolved.toml"), &[]).map_err(|error| error.to_string());
        prop_assert_eq!(again, Ok(kept(experiment)));
    }

    #[test]
    fn an_edited_config_is_read_or_refused(edits in edits()) {
        no_panic_and_whole(&edited(BASE, &edits), &[])?;
    }

    #[test]
    fn an_edited_set_is_read_or_refused(
        base in prop::sample::select(vec!["phases.0.lr=0.1", "model.hidden=[8]", "phases=[{epochs=1,lr=0.1}]", "a=b"]),
        edits in edits(),
        free in "\\PC{0,40}",
    ) {
        no_panic_and_whole(BASE, &[edited(base, &edits), base.replace("a=b", "seed=7")])?;
        no_panic_and_whole(BASE, &[free])?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        no_panic_and_whole(&text, &[])?;
    }
}

#[test]
fn text_as_deep_as_a_file_may_be_is_refused_without_a_deep_stack() {
    let deep = [
        "a.".repeat(250_000) + "a=1",
        "a=".to_owned() + &"[".repeat(500_000),
        "[a".to_owned() + &".a".repeat(250_000) + "]",
    ];
    for text in deep {
        assert!(Experiment::parse(&text, Path::new("c.toml"), &[]).is_err());
        assert!(Experiment::parse(BASE, Path::new("c.toml"), &[text]).is_err());
    }
}
