//! CIFAR-10 from a folder or an archive of the user's, whole and damaged.

use std::fs;

use crate::archives::{FOLDER, RECORD, archive, data_files, file_url, sha256, write_config};
use crate::harness::{Outcome, Sandbox};

/// A sandbox whose config names the archive with these bytes, under its true checksum.
fn with_archive(bytes: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("release.tar.gz", bytes);
    write_config(&sandbox, &file_url(&sandbox.path("release.tar.gz")), &sha256(bytes));
    sandbox
}

fn train(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut all = vec!["experiment", "cifar.toml"];
    all.extend(arguments);
    sandbox.run(all)
}

/// It fails with this code and these parts, records no run and leaves the folder as it was.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str], code: i32, parts: &[&str]) {
    let before = sandbox.names("");
    let outcome = train(sandbox, arguments);
    outcome.failed_saying(code, parts);
    assert!(outcome.err.matches("os error").count() <= 1, "the system's reason is told once: {}", outcome.err);
    assert_eq!(sandbox.names(""), before);
}

#[test]
fn the_same_images_give_the_same_run_from_a_folder_and_from_an_archive() {
    let sandbox = with_archive(&archive(&data_files()));
    train(&sandbox, &["--name", "archive"]).succeeded();
    for (name, bytes) in data_files() {
        sandbox.write(&format!("data/{FOLDER}/{name}"), bytes);
    }
    train(&sandbox, &["--name", "outer", "--data", "data"]).succeeded();
    train(&sandbox, &["--name", "inner", "--data", &format!("data/{FOLDER}")]).succeeded();
    for name in ["outer", "inner"] {
        assert!(sandbox.result(name) == sandbox.result("archive"), "{name}");
        assert_eq!(sandbox.record(name)["dataset"]["sha256"], sandbox.record("archive")["dataset"]["sha256"]);
    }
    let dataset = &sandbox.record("archive")["dataset"];
    assert_eq!((dataset["train"].as_u64(), dataset["test"].as_u64()), (Some(180), Some(20)));
    assert_eq!(dataset["classes"][3], "cat");
    assert_eq!(sandbox.names("cache"), Vec::<String>::new(), "nothing is copied or fetched");
}

#[test]
fn missing_data_is_named_with_what_to_do() {
    let sandbox = with_archive(b"");
    write_config(&sandbox, &file_url(&sandbox.path("none.tar.gz")), &sha256(b""));
    refused(&sandbox, &[], 1, &["none.tar.gz", "No such file", "dataset.url"]);
    write_config(&sandbox, &file_url(&sandbox.path("")), &sha256(b""));
    refused(&sandbox, &[], 1, &["directory", "dataset.url"]);
    write_config(&sandbox, "ftp://host/a", &sha256(b""));
    refused(&sandbox, &[], 2, &["cifar.toml:5", "dataset.url = \"ftp://host/a\"", "https://"]);
    write_config(&sandbox, "file://host/a", &sha256(b""));
    refused(&sandbox, &[], 2, &["file://host/a", "file:///"]);
    // A folder of data that is a file, and one that is not there: with nobody at the address either.
    write_config(&sandbox, "http://127.0.0.1:1/a.tar.gz", &sha256(b""));
    refused(&sandbox, &["--data", "small.toml"], 2, &["small.toml", "--data"]);
    refused(
        &sandbox,
        &["--data", "none"],
        1,
        &["http://127.0.0.1:1/a.tar.gz", "put the file by hand at", "none/cifar-10-binary.tar.gz"],
    );
}

#[test]
fn a_wrong_checksum_names_both() {
    let bytes = archive(&data_files());
    let sandbox = with_archive(&bytes);
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    sandbox.write("release.tar.gz", &flipped);
    refused(&sandbox, &[], 1, &["release.tar.gz", "checksum", &sha256(&bytes), &sha256(&flipped), "dataset.sha256"]);
    assert!(sandbox.read("release.tar.gz") == flipped, "the user's file is left as it was");
}

#[test]
fn a_damaged_archive_of_the_right_checksum_is_refused() {
    let whole = archive(&data_files());
    let without = |name: &str| archive(&data_files().into_iter().filter(|file| file.0 != name).collect::<Vec<_>>());
    let mut torn = data_files();
    torn[2].1.pop();
    let mut empty = data_files();
    empty[5].1.clear();
    let remedy = "dataset.url";
    for (bytes, parts) in [
        (whole[..whole.len() / 2].to_vec(), &["release.tar.gz", "truncated", remedy][..]),
        (whole[..whole.len() - 4].to_vec(), &["release.tar.gz", "truncated", remedy]),
        (b"no archive".to_vec(), &["release.tar.gz", "not a readable .tar.gz", remedy]),
        (Vec::new(), &["release.tar.gz", remedy]),
        (without("data_batch_4.bin"), &["release.tar.gz", "data_batch_4.bin", remedy]),
        (archive(&torn), &["data_batch_3.bin", "122919 bytes", "3073"]),
        (archive(&empty), &["test_batch.bin", "0 bytes", "3073"]),
    ] {
        refused(&with_archive(&bytes), &[], 1, parts);
    }
}

#[test]
fn a_label_of_ten_is_named_with_its_record() {
    let mut files = data_files();
    files[1].1[RECORD * 7] = 10;
    let sandbox = with_archive(&archive(&files));
    refused(&sandbox, &[], 1, &["release.tar.gz", "data_batch_2.bin", "record 7", "label 10", "0 to 9"]);
    for (name, bytes) in &files {
        sandbox.write(&format!("data/{name}"), bytes);
    }
    refused(&sandbox, &["--data", "data"], 1, &["data/data_batch_2.bin", "record 7", "label 10", "0 to 9"]);
}

#[test]
fn a_folder_that_lacks_a_file_or_holds_a_torn_one_is_refused() {
    let sandbox = Sandbox::new();
    for (name, bytes) in data_files() {
        sandbox.write(&format!("data/{name}"), bytes);
    }
    write_config(&sandbox, "http://127.0.0.1:1/a.tar.gz", &sha256(b""));
    let path = sandbox.path("data/data_batch_5.bin");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    refused(&sandbox, &["--data", "data"], 1, &["data/data_batch_5.bin", "1000 bytes", "3073"]);
    fs::remove_file(&path).unwrap();
    let outcome = train(&sandbox, &["--data", "data"]);
    outcome.failed_saying(1, &["put the file by hand at"]);
    assert!(outcome.err.contains("data_batch_5.bin"), "the missing file is named: {}", outcome.err);
}

#[test]
fn an_invalid_list_of_class_names_is_an_error() {
    let sandbox = Sandbox::new();
    for (name, bytes) in data_files() {
        sandbox.write(&format!("data/{name}"), bytes);
    }
    write_config(&sandbox, "http://127.0.0.1:1/a.tar.gz", &sha256(b""));
    sandbox.write("data/batches.meta.txt", vec![b'a'; (1 << 16) + 1]);
    refused(&sandbox, &["--data", "data"], 1, &["data/batches.meta.txt", "65537 bytes", "put that file right"]);
    sandbox.write("data/batches.meta.txt", "cat\ndog\n");
    refused(&sandbox, &["--data", "data"], 1, &["data/batches.meta.txt", "2 class names", "10 are expected"]);
}

#[test]
fn more_validation_images_than_there_are_is_the_users_mistake() {
    let sandbox = with_archive(&archive(&data_files()));
    refused(&sandbox, &["--set", "dataset.validation=200"], 2, &["validation", "200"]);
    train(&sandbox, &["--set", "dataset.validation=199"]).succeeded();
}
