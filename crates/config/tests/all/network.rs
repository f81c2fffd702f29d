//! `model.network`: networks in words, and what is found before anything is built.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use strata_config::{Config, Recorded, Value};

const TEXT: &str = r#"phases = [{epochs = 1, lr = 0.1}]

[dataset]
kind = "cifar10"

[model]
network = " 512 batch_norm  gelu,skip(layer_norm, 2048 gelu, 512)"
"#;
const HIDDEN: &str = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"cifar10\"\nmodel = {hidden = [8], activation = \"gelu\", dropout = 0.1}\n";

fn parse(text: &str, sets: &[&str]) -> Result<Config, String> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Config::parse(text, Path::new("c.toml"), &sets).map_err(|error| error.to_string())
}

#[test]
fn a_network_in_words_stands_between_the_images_and_the_classes() {
    let config = parse(TEXT, &[]).unwrap();
    let network = "3072, 512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512), 10";
    assert_eq!(config.network().to_string(), network);
    let mnist = parse(TEXT, &["dataset.kind=mnist"]).unwrap();
    assert_eq!(mnist.network().to_string(), network.replace("3072", "784"));
    // One text for one network, whatever the spaces: it is recorded and written so.
    let resolved = config.to_toml();
    assert!(
        resolved.contains("[model]\nnetwork = \"512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512)\"\n"),
        "{resolved}"
    );
    assert_eq!(parse(&resolved, &[]).unwrap(), config);
    let recorded = config.recorded();
    let of = |name: &str| recorded.iter().find(|(recorded, _)| *recorded == name).map(|(_, value)| value.clone());
    let text = "512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512)";
    assert_eq!(of("network"), Some(Recorded::One(Value::Text(text.into()))));
    for absent in ["hidden", "activation", "dropout"] {
        assert_eq!(of(absent), None);
    }
}

#[test]
fn a_set_takes_the_place_of_what_the_file_says_of_the_network() {
    let config = parse(HIDDEN, &["model.network=64 relu, skip(64)"]).unwrap();
    assert_eq!(config.network().to_string(), "3072, 64 relu, skip(64), 10");
    assert_eq!(config, parse(&config.to_toml(), &[]).unwrap());
    let back = parse(TEXT, &["model.hidden=[8]", "model.activation=gelu"]).unwrap();
    assert_eq!(back.network().to_string(), "3072, 8, 10");
    // A resolved config is a file as any other.
    let back = parse(&config.to_toml(), &["model.hidden=[8]"]).unwrap();
    assert_eq!(back.network().to_string(), "3072, 8, 10");
    // Of two that do not go together a person meant one.
    let error = parse(TEXT, &["model.network=64 relu", "model.hidden=[8]"]).unwrap_err();
    assert!(error.starts_with("--set model.hidden=[8]: model.hidden = [8]: has no effect: `model.network`"), "{error}");
    let error = parse(TEXT, &["model.dropout=0.1"]).unwrap_err();
    assert!(error.contains("model.dropout = 0.1: has no effect: `model.network` says every layer"), "{error}");
}

#[test]
fn what_is_wrong_with_a_network_is_found_with_its_line_and_a_remedy() {
    let many = format!("8 relu{}", ", 8".repeat(32));
    let cases = [
        ("8 relu, mirrored(8)", "`mirrored(…)` stands at the beginning of a network only"),
        (
            "8 gellu",
            "`gellu` is no layer; there are a width, skip(…), mirrored(…), dropout(p), stochastic_depth(p), batch_norm,",
        ),
        ("8 relu 9", "a comma is missing before `9`"),
        ("", "a layer is missing"),
        (
            "8, 9",
            "widths alone do not say what follows each: as in `8 relu`, or `8 identity` for nothing; or write hidden = [8, 9]",
        ),
        ("8 relu, skip(9)", "a skip connection of 8 features ends with 9"),
        (
            "skip(8 relu, 3071)",
            "of 3072 features ends with 3071: what is added has as many as the input (a sample has 3072 features",
        ),
        ("8 dropout(1)", "a dropout of 1: from 0 up to but not including 1"),
        ("8 relu, 65537", "a width of 65537: from 1 to 65536"),
        ("65536 relu, 65536", "makes 4497080330 parameters; at most 1000000000 (4 GB) are taken: narrow a layer"),
        ("8 relu, module(own::Layer to 8)", "a program of its own only"),
        (&many, "33 hidden widths"),
    ];
    for (network, reason) in cases {
        let text = TEXT.lines().take(6).collect::<Vec<_>>().join("\n");
        let error = parse(&format!("{text}\nnetwork = \"{network}\"\n"), &[]).unwrap_err();
        let head = error.lines().next().unwrap();
        assert!(head.starts_with("c.toml:7: model.network = \"") && head.contains(reason), "{error}");
        let set = format!("model.network=\"{network}\"");
        let error = parse(TEXT, &[&set]).unwrap_err();
        assert!(error.starts_with("--set model.network=") && error.contains(reason), "{error}");
    }
    let error = parse(TEXT, &["model.network=7"]).unwrap_err();
    assert!(error.contains("model.network = 7: expected a string of layers, as in"), "{error}");
    let both = TEXT.to_owned() + "hidden = [8]\n";
    let error = parse(&both, &[]).unwrap_err();
    assert!(error.starts_with("c.toml:8: model.hidden = [8]: has no effect: `model.network`"), "{error}");
    let neither = parse(&TEXT.replace("network =", "#"), &[]).unwrap_err();
    assert!(
        neither.contains("model.hidden: missing: expected a list") && neither.contains("or `model.network`"),
        "{neither}"
    );
}

/// 45,000 training images of CIFAR-10.
#[test]
fn an_epochs_last_batch_of_one_is_refused_under_batch_normalisation_alone() {
    let last = |network: &str, sets: &[&str]| {
        let network = format!("model.network={network}");
        let sets: Vec<_> = sets.iter().copied().chain([&*network]).collect();
        parse(TEXT, &sets).map(|_| ())
    };
    for batch in ["dataset.batch=44999", "dataset.batch=1"] {
        let error = last("8 batch_norm relu", &[batch]).unwrap_err();
        let start = format!("--set {batch}: {}: leaves 1 of 45000 training images", batch.replace('=', " = "));
        assert!(error.starts_with(&start) && error.contains("another dataset.validation"), "{error}");
        assert_eq!(last("8 layer_norm relu", &[batch]), Ok(()));
    }
    let error = last("8 relu, skip(batch_norm, 8)", &["dataset.validation=5071"]).unwrap_err();
    assert!(error.starts_with("c.toml: dataset.batch: leaves 1 of 44929"), "the default batch of 128 does: {error}");
    assert_eq!(last("8 batch_norm relu", &["dataset.batch=100000"]), Ok(()), "one batch of all images");
    assert_eq!(last("8 batch_norm relu", &["dataset.batch=44998"]), Ok(()));
    // Of fewer images than the split leaves.
    let error = last("8 batch_norm relu", &["dataset.limit=129"]).unwrap_err();
    assert!(error.contains("leaves 1 of 129 training images"), "{error}");
    assert_eq!(last("8 batch_norm relu", &["dataset.validation=5071", "dataset.limit=128"]), Ok(()));
}
