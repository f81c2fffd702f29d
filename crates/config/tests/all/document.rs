//! docs/config.md says what the table of keys says, and the table what the reader does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use strata_config::{Config, Entry, keys, reference};

const CONFIG: &str = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"cifar10\"\nmodel.hidden = []\n";

/// What a key needs of others to have a meaning.
fn needs(path: &str) -> &'static [&'static str] {
    match path {
        "dataset.train" | "dataset.test" | "dataset.seed" | "dataset.shape" | "dataset.classes" => {
            &["dataset.kind=synthetic"]
        }
        "dataset.coefficients" => &["dataset.input=frequencies"],
        "dataset.power" => &["dataset.input=frequencies", "dataset.coefficients=64"],
        "augment[].alternate" => &["augment.0.kind=mirror"],
        "augment[].probability" => &["augment.0.kind=crop"],
        "augment[].pixels" => &["augment.0.kind=shift"],
        "augment[].edges" => &["augment.0.kind=shift", "augment.0.pixels=2"],
        "augment[].area" | "augment[].ratio" => &["augment.0.kind=crop"],
        "augment[].degrees" => &["augment.0.kind=rotate"],
        "augment[].size" => &["augment.0.kind=cutout"],
        "augment[].brightness" => &["augment.0.kind=colour_jitter", "augment.0.contrast=0.5"],
        "augment[].contrast" | "augment[].saturation" => &["augment.0.kind=colour_jitter", "augment.0.brightness=0.5"],
        "augment[].alpha" => &["augment.0.kind=mixup"],
        "optimizer.betas" | "optimizer.eps" => &["optimizer.kind=adam"],
        "averaging.decay" => &["averaging.kind=ema"],
        "averaging.start" => &["averaging.kind=swa"],
        "optimizer.iterations" => &["optimizer.kind=muon", "model.hidden=[8]"],
        "optimizer.lambda" | "optimizer.beta" => &["optimizer.kind=beta_lasso"],
        "phases[].every" => &["phases.0.epochs=100000", "phases.0.schedule=step"],
        "phases[].factor" => &["phases.0.schedule=exponential"],
        "phases[].metric" | "phases[].patience" | "phases[].min_delta" => {
            &["phases.0.epochs=100000", "phases.0.schedule=plateau"]
        }
        "phases[].power" => &["phases.0.schedule=polynomial"],
        "phases[].period" | "phases[].period_factor" => {
            &["phases.0.epochs=100000", "phases.0.schedule=cosine_restarts", "phases.0.period=1"]
        }
        "optimizer.alpha" => &["optimizer.kind=rmsprop"],
        "optimizer.lr_decay" => &["optimizer.kind=adagrad"],
        "optimizer.decay" => &["optimizer.weight_decay=0.1"],
        "model.zero_init_residual" => &["model.network=8 relu, skip(8)"],
        "optimizer.nesterov" => &["optimizer.momentum=0.5"],
        "early_stopping.metric" | "early_stopping.min_delta" => &["early_stopping.patience=3"],
        // A list of widths whose activation and dropout have something to act on.
        "model.activation" | "model.dropout" => &["model.hidden=[8]"],
        _ => &[],
    }
}

fn with(key: &Entry, value: Option<&str>) -> Result<Config, String> {
    let path = key.path().replace("[]", ".0");
    let mut sets: Vec<String> = needs(key.path()).iter().map(ToString::to_string).collect();
    sets.extend(value.map(|value| format!("{path}={value}")));
    Config::parse(CONFIG, Path::new("c.toml"), &sets).map_err(|error| error.to_string())
}

/// Whether the key itself is why the value is refused.
fn refuses(key: &Entry, value: &str) -> bool {
    let path = key.path().replace("[]", ".0");
    with(key, Some(value)).is_err_and(|error| error.contains(&format!(": {path} = ")) && error.contains(": expected "))
}

#[test]
fn config_md_is_generated_from_the_table_of_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    assert!(std::fs::read_to_string(path).unwrap() == reference(), "`cargo xtask docs` writes docs/config.md again");
    let rows = reference().lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, keys::all().count(), "each key has one row");
}

/// Written out, a default changes nothing: so it is the default.
#[test]
fn documented_default_values_are_the_defaults_in_use() {
    let mut values = 0;
    for key in keys::all() {
        let Some(default) = key.default() else {
            let table = key.path().rsplit_once('.').map_or("", |(table, _)| table);
            assert!(
                ["dataset", "augment[]", "model", "phases[]", "early_stopping"].contains(&table),
                "{} is required",
                key.path()
            );
            continue;
        };
        // The others are sentences: what is taken then is in the tests of good configs.
        let default = match default {
            "0.0 (adamw 0.01)" => "0.0",
            "1e-8 (adagrad 1e-10)" => "1e-8",
            "0.0 (muon 0.95)" | "0.0 (one_cycle 0.3)" => "0.0",
            "false (muon true)" => "false",
            "0.1 (exponential 0.9)" => "0.9",
            "[0.9, 0.999] (lion [0.9, 0.99])" => "[0.9, 0.999]",
            "the file's name without .toml" => "c",
            "what the environment's RAYON_NUM_THREADS says, else what the machine has" => continue,
            "that of the release" | "that of the release's archive" => continue,
            default if default.starts_with("none: ") => continue,
            "a tenth of the training images; of images those of the validation part, where there is one" => "5000",
            "1000 of synthetic; of images those of the test part, or a tenth; of arrays to be written" => "1000",
            "5000 of synthetic; of images all that are not to test on; of arrays to be written" => "5000",
            "10 of synthetic; of images one for each folder; of arrays to be written" => "10",
            "twice dataset.batch" => "256",
            "1.0 (mirror 0.5)" => "1.0",
            value => value,
        };
        assert_eq!(with(key, Some(default)), with(key, None), "{}", key.path());
        assert!(with(key, None).is_ok(), "{}", key.path());
        values += 1;
    }
    assert!(values > 15, "{values} defaults were tried");
}

/// The ends of a range are taken, and what lies just beyond them is not.
#[test]
fn documented_ranges_are_the_ranges_that_are_checked() {
    let mut ranges = 0;
    for key in keys::all() {
        let (taken, refused): (Vec<String>, Vec<String>) =
            if let Some(ends) = key.expects().strip_prefix("an integer from ") {
                let (least, most) = ends.split_once(" to ").unwrap();
                let least: i64 = least.parse().unwrap();
                // Sizes of the images and their number are other keys', or the data set's.
                let most: i64 = match most {
                    "one below the number of training images" => 49_999,
                    "one below the image's shorter side" => 31,
                    "the image's longer side" => 32,
                    "one below the number of images to train on" => 44_999,
                    "the pixels of a channel" => 1_024,
                    "200000; of images and arrays from 1 on" => 200_000,
                    most => most.parse().unwrap(),
                };
                let beyond = most.checked_add(1).map_or("9223372036854775808".to_owned(), |beyond| beyond.to_string());
                (vec![least.to_string(), most.to_string()], vec![(least - 1).to_string(), beyond])
            } else {
                let (taken, refused): (&[&str], &[&str]) = match key.expects().as_str() {
                    "a number from 0 up to but not including 1" => (&["0", "0.999"], &["-0.001", "1", "0.99999999"]),
                    "a number from 0 to 1" => (&["0", "1"], &["-0.001", "1.001", "nan"]),
                    "a number above 0 and at most 180" => (&["0.1", "180"], &["0", "181", "inf"]),
                    "a list of two numbers, each above 0 and at most 1" => {
                        (&["[0.1, 1]"], &["[0, 1]", "[0.1, 1.5]", "[0.5, 0.4]", "[0.5]"])
                    }
                    "a list of two numbers, each above 0, finite in 32 bits" => {
                        (&["[0.1, 9]"], &["[0, 1]", "[2, 1]", "[inf, inf]"])
                    }
                    "a number above 0, finite in 32 bits" => (&["1e-38", "3e38"], &["0", "1e-60", "-1", "1e39", "nan"]),
                    "a number of 0 or more, finite in 32 bits" => (&["0", "3e38"], &["-1e-9", "1e39", "inf", "nan"]),
                    "a list of two numbers, each from 0 up to but not including 1" => {
                        (&["[0, 0.9]"], &["[0.5, 1]", "[-0.1, 0.5]", "[0.5]", "[0.5, 0.5, 0.5]"])
                    }
                    "a list of three integers, each from 1 to 4096" => {
                        (&["[4096, 4, 4]", "[1, 1, 1]"], &["[0, 1, 1]", "[1, 1]", "[1, 1, 1, 1]", "[4097, 1, 1]"])
                    }
                    "true or false" => (&["true", "false"], &["1", "\"yes\""]),
                    _ => continue,
                };
                let texts = |values: &[&str]| values.iter().map(ToString::to_string).collect();
                (texts(taken), texts(refused))
            };
        // Not every value may stand with every other key: what counts is that it is not this key that refuses it.
        assert!(taken.iter().all(|value| !refuses(key, value)), "{} takes {taken:?}", key.path());
        for value in refused {
            assert!(refuses(key, &value), "{} refuses {value}: {:?}", key.path(), with(key, Some(&value)));
        }
        ranges += 1;
    }
    assert!(ranges > 15, "{ranges} ranges were tried");
}
