//! Images and arrays of one's own: trained on, evaluated on, and refused where they are broken.

use std::fs;

use serde_json::Value;

use crate::harness::{Outcome, Sandbox};

const CLASSES: [&str; 10] = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "größe", "hen", "ibis"];

fn config(kind: &str, dataset: &str) -> String {
    let tail = "validation = 5\nbatch = 8\n[model]\nhidden = []\n[optimizer]\nkind = \"adam\"\n[[phases]]\nepochs = 30\nlr = 0.005\n";
    format!("name = \"{kind}\"\nseed = 43\n[dataset]\nkind = \"{kind}\"\n{dataset}{tail}")
}

/// Windows' BMP of 24 bits: rows from the lowest on, blue first, padded to four bytes.
fn bmp(width: u32, height: u32, [red, green, blue]: [u8; 3]) -> Vec<u8> {
    let row = (3 * width).next_multiple_of(4);
    let mut bytes = b"BM".to_vec();
    for number in [54 + row * height, 0, 54, 40, width, height, 24 << 16 | 1, 0, row * height, 2835, 2835, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for _ in 0..height {
        let start = bytes.len();
        (0..width).for_each(|_| bytes.extend([blue, green, red]));
        bytes.resize(start + row as usize, 0);
    }
    bytes
}

/// What `numpy.save` writes.
fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header}{}\n", " ".repeat(63 - (10 + header.len()) % 64));
    [b"\x93NUMPY\x01\x00".as_slice(), &(padded.len() as u16).to_le_bytes(), padded.as_bytes(), data].concat()
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.out).unwrap()
}

#[test]
fn class_folders_are_trained_on_evaluated_on_and_a_broken_file_is_named() {
    let sandbox = Sandbox::new();
    for (class, name) in CLASSES.iter().enumerate() {
        for size in 1..=5 {
            let shade = 25 * class as u8 + size as u8;
            sandbox.write(&format!("pets/{name}/{size}.bmp"), bmp(size, 2 * size, [shade, 255 - shade, 128]));
        }
    }
    sandbox.write("own.toml", config("images", "path = \"pets\"\nshape = [3, 32, 32]\n"));
    // Another folder of the same images, where there is nothing at the config's.
    let moved = config("images", "path = \"nowhere\"\nshape = [3, 32, 32]\n");
    sandbox.write("moved.toml", moved);
    sandbox.run(["dataset", "info", "moved.toml", "--data", "pets"]).succeeded();
    sandbox
        .run(["dataset", "info", "moved.toml", "--data", "none"])
        .failed_saying(2, &["cannot look into the folder none"]);
    sandbox.run(["experiment", "own.toml"]).succeeded();
    sandbox.run(["experiment", "moved.toml", "--data", "pets", "--name", "moved"]).succeeded();
    assert_eq!(sandbox.result("moved"), sandbox.result("images"));
    let record = sandbox.record("images");
    // Sorted by their bytes.
    assert_eq!(record["dataset"]["classes"], serde_json::json!(CLASSES));
    assert_eq!((&record["dataset"]["train"], &record["dataset"]["test"]), (&40.into(), &5.into()));

    let whole = json(&sandbox.run(["evaluate", "images", "--on", "pets", "--json"]).succeeded());
    assert_eq!((&whole["samples"], &whole["part"]), (&50.into(), &"pets".into()));
    fs::remove_dir_all(sandbox.path("pets/ant")).unwrap();
    let fewer = json(&sandbox.run(["evaluate", "images", "--on", "pets", "--json"]).succeeded());
    assert_eq!(fewer["confusion"].as_array().unwrap()[1..], whole["confusion"].as_array().unwrap()[1..]);

    sandbox.write("pets/cat/6.png", b"\x89PNG\r\n\x1a\nand no more");
    let said = ["pets/cat/6.png", "PNG file that cannot be read"];
    sandbox.run(["evaluate", "images", "--on", "pets"]).failed_saying(1, &said);
    sandbox.run(["experiment", "own.toml"]).failed_saying(1, &said);
    let info = sandbox.run(["dataset", "info", "own.toml"]);
    assert!(info.code() == Some(1) && info.out.contains(said[0]), "{info:?}");
    sandbox.write("other/zebra/1.bmp", bmp(2, 2, [0, 0, 0]));
    let said = ["other/zebra is no class of the run", "ant, bee"];
    sandbox.run(["evaluate", "images", "--on", "other"]).failed_saying(2, &said);
    sandbox
        .run(["evaluate", "images", "--on", "tests"])
        .failed_saying(2, &["tests: no such folder", "train, validation"]);
}

#[test]
fn rows_of_floats_are_trained_on_as_they_are_and_no_number_is_refused() {
    let sandbox = Sandbox::new();
    let rows = |count: usize| {
        let value = |(row, column): (usize, usize)| if column % 10 == row % 10 { 0.5f32 } else { -0.25 };
        let places = (0..count).flat_map(|row| (0..3072).map(move |column| (row, column)));
        places.map(value).collect::<Vec<f32>>()
    };
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    for (part, count) in [("train", 40), ("test", 20)] {
        let labels: Vec<u8> = (0..count).map(|row| row % 10).collect();
        sandbox
            .write(&format!("rows/x_{part}.npy"), npy("<f4", &format!("({count}, 3072)"), &bytes(&rows(count.into()))));
        sandbox.write(&format!("rows/y_{part}.npy"), npy("|u1", &format!("({count},)"), &labels));
    }
    let dataset = "path = \"rows\"\nshape = [1, 1, 3072]\nclasses = 10\ntrain = 40\ntest = 20\n";
    sandbox.write("own.toml", config("arrays", dataset));
    let info = sandbox.run(["dataset", "info", "own.toml"]).succeeded().out;
    assert!(info.contains("[1, 1, 3072] floats from -0.25 to 0.5"), "{info}");
    sandbox.run(["experiment", "own.toml"]).succeeded();
    let metrics = sandbox.record("arrays")["metrics"].clone();
    assert_eq!(metrics["test_acc"], 1.0);
    for on in ["test", "rows"] {
        let again = json(&sandbox.run(["evaluate", "arrays", "--on", on, "--json"]).succeeded());
        assert_eq!((&again["loss"], &again["accuracy"]), (&metrics["test_loss"], &metrics["test_acc"]), "{on}");
    }
    sandbox.run(["experiment", "own.toml", "--set", "dataset.normalise=true", "--name", "scaled"]).succeeded();
    let (record, half) = (sandbox.record("scaled"), 0.75f64 / 2.0);
    // A feature of these rows is 0.5 in a share of them and -0.25 in the others.
    let scale = &record["dataset"]["values"];
    let [mean, deviation] = ["mean", "deviation"].map(|key| scale[key][0].as_f64().unwrap());
    let share = (mean + 0.25) / 0.75;
    assert!((deviation - (share * (1.0 - share)).sqrt() * 2.0 * half).abs() < 1e-6, "{mean} {deviation}");
    let again = json(&sandbox.run(["evaluate", "scaled", "--on", "rows", "--json"]).succeeded());
    assert_eq!(again["loss"], record["metrics"]["test_loss"]);
    sandbox
        .run(["evaluate", "scaled", "--on", "mnist"])
        .failed_saying(2, &["the images of mnist are [1, 28, 28], and the run's [1, 1, 3072]"]);
    let mut values = rows(20);
    values[7 * 3072 + 5] = f32::NAN;
    sandbox.write("rows/x_test.npy", npy("<f4", "(20, 3072)", &bytes(&values)));
    sandbox.run(["experiment", "own.toml"]).failed_saying(1, &["x_test.npy: sample 7 (counted from 0): NaN"]);
    assert_eq!(sandbox.names("runs"), ["arrays", "scaled"]);
}
