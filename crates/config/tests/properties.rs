//! Properties: what is written back reads as equal, and no text makes the check panic.

use std::path::Path;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use strata_config::{Config, keys};
use strata_spec::Activation;

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

/// `key = value` lines of a section.
fn lines(section: &str, keys: &[(&str, String)]) -> String {
    let lines: String = keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("{section}\n{lines}")
}

fn seed() -> impl Strategy<Value = i64> {
    0..=i64::MAX
}

fn dataset() -> impl Strategy<Value = String> {
    let cifar = ("(https?|file)://[a-z][^\\p{C}\"\\\\@]{0,79}", "[0-9a-f]{64}").prop_map(|(url, sha256)| {
        (
            vec![("kind", "\"cifar10\"".into()), ("url", format!("\"{url}\"")), ("sha256", format!("\"{sha256}\""))],
            50_000,
        )
    });
    let shape = (1..=16i64, 1..=64i64, 1..=64i64, 2..=256i64);
    let synthetic = (10..=200_000i64, 10..=200_000i64, seed(), shape).prop_map(|(train, test, seed, shape)| {
        let (channels, height, width, classes) = shape;
        let shape = format!("[{channels}, {height}, {width}]");
        let sizes = [("train", train.to_string()), ("test", test.to_string()), ("seed", seed.to_string())];
        let sizes = sizes.into_iter().chain([("shape", shape), ("classes", classes.to_string())]);
        ([("kind", "\"synthetic\"".into())].into_iter().chain(sizes).collect(), train)
    });
    (prop_oneof![cifar, synthetic], 1..10i64, 1..=1_000_000i64, option::of(1..=2_000_000i64), any::<bool>()).prop_map(
        |((mut keys, train), tenths, batch, evaluation, normalise)| {
            keys.push(("validation", (train * tenths / 10).to_string()));
            keys.push(("batch", batch.to_string()));
            keys.extend(evaluation.map(|batch| ("evaluation_batch", batch.to_string())));
            keys.push(("normalise", normalise.to_string()));
            lines("[dataset]", &keys)
        },
    )
}

fn model() -> impl Strategy<Value = String> {
    let activation =
        prop::sample::select(Activation::hidden().map(|activation| activation.to_string()).collect::<Vec<_>>());
    (vec(1..=2_000i64, 0..6), activation, 0.0..0.999f64).prop_map(|(hidden, activation, dropout)| {
        let mut keys = vec![("hidden", format!("{hidden:?}"))];
        if !hidden.is_empty() {
            keys.push(("activation", format!("\"{activation}\"")));
            keys.push(("dropout", format!("{dropout:?}")));
        }
        lines("[model]", &keys)
    })
}

fn optimizer() -> impl Strategy<Value = String> {
    let sgd = (0.001..0.999f64, any::<bool>()).prop_map(|(momentum, nesterov)| {
        vec![("kind", "\"sgd\"".to_owned()), ("momentum", format!("{momentum:?}")), ("nesterov", nesterov.to_string())]
    });
    let plain = Just(vec![("kind", "\"sgd\"".to_owned())]);
    let adam = (prop::sample::select(vec!["adam", "adamw"]), 0.0..0.999f64, 0.0..0.999f64, 1e-30..1.0f64).prop_map(
        |(kind, a, b, eps)| {
            vec![("kind", format!("\"{kind}\"")), ("betas", format!("[{a:?}, {b:?}]")), ("eps", format!("{eps:?}"))]
        },
    );
    (prop_oneof![sgd, plain, adam], option::of(0.0..1.0f64)).prop_map(|(mut keys, decay)| {
        keys.extend(decay.map(|decay| ("weight_decay", format!("{decay:?}"))));
        lines("[optimizer]", &keys)
    })
}

fn phases() -> impl Strategy<Value = String> {
    let lr = prop_oneof![1e-37..1e38f64, 1e-12..1.0f64];
    let phase = (1..=5_000i64, lr)
        .prop_map(|(epochs, lr)| lines("[[phases]]", &[("epochs", epochs.to_string()), ("lr", format!("{lr:?}"))]));
    vec(phase, 1..20).prop_map(|phases| phases.concat())
}

fn early_stopping() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["val_loss", "val_acc"]), 1..=100_000i64, 0.0..1e30f64).prop_map(
        |(metric, patience, least)| {
            let keys = [
                ("metric", format!("\"{metric}\"")),
                ("patience", patience.to_string()),
                ("min_delta", format!("{least:?}")),
            ];
            lines("[early_stopping]", &keys)
        },
    )
}

prop_compose! {
    fn config()(
        name in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,63}",
        seed in seed(),
        device in prop::sample::select(vec!["auto", "cpu", "cuda", "cuda:255"]),
        threads in option::of(1..=1024i64),
        parts in (dataset(), model(), optimizer(), phases()),
        early_stopping in option::of(early_stopping()),
        every_steps in option::of(1..=1_000i64),
    ) -> String {
        let mut top = vec![("name", format!("\"{name}\"")), ("seed", seed.to_string()), ("device", format!("\"{device}\""))];
        top.extend(threads.map(|threads| ("threads", threads.to_string())));
        let checkpoint = every_steps.map(|steps| lines("[checkpoint]", &[("every_steps", steps.to_string())]));
        let (dataset, model, optimizer, phases) = parts;
        let parts = [lines("", &top), dataset, model, optimizer, phases, early_stopping.unwrap_or_default()];
        parts.concat() + &checkpoint.unwrap_or_default()
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
    match Config::parse(text, Path::new("c.toml"), sets) {
        Ok(experiment) => {
            let again = Config::parse(&experiment.to_toml(), Path::new("other.toml"), &[]);
            let again = again.map_err(|error| TestCaseError::fail(error.to_string()))?;
            // A user name and password in an address are not written.
            let url =
                |config: &Config| config.get(&keys::URL).map(|url| strata_files::without_credentials(&url).to_string());
            prop_assert_eq!(url(&again), url(&experiment));
            prop_assert!(again == experiment || url(&experiment) != experiment.get(&keys::URL));
        }
        Err(error) => prop_assert!(error.to_string().len() < 4000),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_resolved_config_reads_back_equal(text in config()) {
        let parsed = Config::parse(&text, Path::new("c.toml"), &[]);
        // An epoch of so few steps is one that no text was to have.
        prop_assume!(!parsed.as_ref().is_err_and(|error| error.to_string().contains("its end is saved in any case")));
        let config = parsed.map_err(|error| TestCaseError::fail(error.to_string()))?;
        no_panic_and_whole(&text, &[])?;
        // Written once more it is the same to the byte.
        let resolved = config.to_toml();
        let again = Config::parse(&resolved, Path::new("resolved.toml"), &[]).map(|config| config.to_toml());
        prop_assert_eq!(again.map_err(|error| error.to_string()), Ok(resolved));
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
fn deeply_nested_toml_is_refused_without_a_stack_overflow() {
    let deep = [
        "a.".repeat(250_000) + "a=1",
        "a=".to_owned() + &"[".repeat(500_000),
        "[a".to_owned() + &".a".repeat(250_000) + "]",
    ];
    for text in deep {
        assert!(Config::parse(&text, Path::new("c.toml"), &[]).is_err());
        assert!(Config::parse(BASE, Path::new("c.toml"), &[text]).is_err());
    }
}
