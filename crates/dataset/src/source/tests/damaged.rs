//! One damage at a time, and what it is refused for.

use super::*;

/// One byte of the archive is flipped: caught before it is read, and the user's file is left.
#[test]
fn a_flipped_byte_of_an_archive_fails_its_checksum() {
    let archive = gzip(&tar_bytes(&entries()));
    let (folder, source) = release(&archive);
    let mut flipped = archive.clone();
    flipped[archive.len() / 2] ^= 0x10;
    let path = folder.path().join("release.tar.gz");
    fs::write(&path, &flipped).unwrap();
    let error = read(&source).unwrap_err().to_string();
    for part in [&sha256(&archive), &sha256(&flipped), "release.tar.gz", "left as it is"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(fs::read(path).unwrap(), flipped);
}

#[test]
fn unusable_urls_and_checksums_are_refused() {
    let good = Asked::default();
    let rows = [
        ("ftp://host/a.tar.gz", good.sha256.as_str(), "the URL \"ftp:"),
        (good.url.as_str(), "c4a38c50", "the checksum \"c4a38c50\""),
    ];
    for (url, sha256, message) in rows {
        let source = Asked { url: url.to_owned(), sha256: sha256.to_owned(), folder: None, may_download: true };
        let error = read(&source).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.is_usage());
    }
}

#[test]
fn a_file_url_to_a_missing_file_is_named() {
    let (folder, source) = release(b"");
    fs::remove_file(folder.path().join("release.tar.gz")).unwrap();
    let error = read(&source).unwrap_err().to_string();
    assert!(error.starts_with("cannot open "), "{error}");
    assert!(error.contains("release.tar.gz"), "{error}");
}

/// A pipe would be waited for, a device read for ever; a sparse file of a terabyte would be summed for an hour.
#[cfg(target_os = "linux")]
#[test]
fn an_archive_over_the_size_limit_is_refused_before_it_is_read() {
    let (folder, mut source) = release(b"");
    let path = folder.path().join("release.tar.gz");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let error = read(&source).unwrap_err().to_string();
    assert!(error.contains("its 1099511627776 bytes are more than"), "{error}");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for no_file in [pipe.to_str().unwrap(), "/dev/zero"] {
        source.url = format!("file://{no_file}");
        let error = read(&source).unwrap_err().to_string();
        assert!(error.contains(no_file) && error.ends_with("it is not a regular file"), "{error}");
    }
    // The list of names beside whole data files.
    for (name, _, bytes) in &entries()[1..] {
        fs::write(folder.path().join(name.rsplit('/').next().unwrap()), bytes).unwrap();
    }
    fs::rename(pipe, folder.path().join(NAMES)).unwrap();
    let source = Asked { folder: Some(folder.path().to_owned()), ..Asked::default() };
    let error = read(&source).unwrap_err().to_string();
    assert!(error.contains(NAMES) && error.ends_with("it is not a regular file"), "{error}");
    // One that cannot be looked at is not one that is not there.
    let path = folder.path().join(NAMES);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let error = read(&source).unwrap_err().to_string();
    assert!(error.starts_with("cannot open ") && error.contains(NAMES), "{error}");
}

/// A gzip stream that ends anywhere short of its end.
#[test]
fn a_truncated_gzip_is_refused() {
    let archive = gzip(&tar_bytes(&entries()));
    for length in [0, 5, 20, archive.len() / 2, archive.len() - 1] {
        refusal(&archive[..length]);
    }
    let error = refusal(&archive[..archive.len() / 2]);
    assert!(error.contains("truncated"), "{error}");
}

/// A tar file that ends within an entry, or within a header.
#[test]
fn a_truncated_tar_is_refused() {
    let tar = tar_bytes(&entries());
    for length in [300, 700, 512 * 3 + 100, tar.len() / 2] {
        refusal(&gzip(&tar[..length]));
    }
}

/// No archive at all.
#[test]
fn another_kind_of_file_is_refused() {
    refusal(b"<html>not found</html>");
    refusal(&gzip(&[0x55; 5000]));
}

#[test]
fn a_missing_data_file_is_named() {
    let mut all = entries();
    all.remove(3);
    let error = refusal(&gzip(&tar_bytes(&all)));
    assert!(error.ends_with("it lacks cifar-10-batches-bin/data_batch_3.bin"), "{error}");
}

/// The name climbs out of the archive's folder: no name but the seven is ever taken.
#[test]
fn archive_names_with_parent_folders_are_ignored() {
    for name in [
        "cifar-10-batches-bin/../data_batch_1.bin",
        "../cifar-10-batches-bin/data_batch_1.bin",
        "/cifar-10-batches-bin/data_batch_1.bin",
        "data_batch_1.bin",
        "cifar-10-batches-bin//data_batch_1.bin",
    ] {
        let mut all = entries();
        all[1].0 = name.to_owned();
        let error = refusal(&gzip(&tar_bytes(&all)));
        assert!(error.contains("it lacks"), "{error}");
    }
}

/// A link in place of a data file could point to any file of the reader's.
#[test]
fn links_in_an_archive_are_not_followed() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char] {
        let mut all = entries();
        all[1].1 = kind;
        all[1].2.clear();
        let error = refusal(&gzip(&tar_bytes(&all)));
        assert!(error.contains("it lacks"), "{error}");
    }
}

/// Two files of a name: which one counts would depend on the reader.
#[test]
fn duplicate_files_in_an_archive_are_refused() {
    let mut all = entries();
    all.push(all[2].clone());
    let error = refusal(&gzip(&tar_bytes(&all)));
    assert!(error.ends_with("holds cifar-10-batches-bin/data_batch_2.bin twice"), "{error}");
}

/// A megabyte that unpacks to gigabytes, in an entry that nobody asked for.
#[test]
fn a_decompression_bomb_is_stopped_at_the_limit() {
    let size = 8 << 30;
    let header = header("filler", EntryType::Regular, size);
    let mut bomb = gzip(header.as_bytes());
    let zeros = gzip(&vec![0; 16 << 20]);
    for _ in 0..20 {
        bomb.extend_from_slice(&zeros);
    }
    let error = refusal(&bomb);
    assert!(error.contains("unpacks to more than 268435456 bytes"), "{error}");
}

/// A header that claims an enormous data file: refused before anything of it is read.
#[test]
fn an_entry_that_is_too_long_is_refused() {
    for size in [30_730_000 + 3073, 1 << 60] {
        let name = format!("{FOLDER}/data_batch_1.bin");
        let header = header(&name, EntryType::Regular, size);
        let error = refusal(&gzip(header.as_bytes()));
        assert!(error.contains(&format!("has {size} bytes")), "{error}");
    }
}

/// A byte too few, a byte too many, none at all: in the archive and in a folder.
#[test]
fn a_data_file_of_broken_records_is_refused() {
    for length in [0, RECORD - 1, RECORD + 1, 2 * RECORD - 1000] {
        let mut all = entries();
        all[1].2.resize(length, 0);
        let error = refusal(&gzip(&tar_bytes(&all)));
        let expected = format!("data_batch_1.bin has {length} bytes");
        assert!(error.contains(&expected), "{error}");

        let folder = tempfile::tempdir().unwrap();
        for (name, _, bytes) in all {
            fs::write(folder.path().join(name.rsplit('/').next().unwrap()), bytes).unwrap();
        }
        let source = Asked { folder: Some(folder.path().to_owned()), ..Asked::default() };
        let error = read(&source).unwrap_err().to_string();
        assert!(error.contains(&expected), "{error}");
    }
}

/// A label of 10, in the second record of the fourth file.
#[test]
fn a_label_beyond_the_classes_is_refused() {
    let mut all = entries();
    all[4].2[RECORD] = 10;
    let error = refusal(&gzip(&tar_bytes(&all)));
    assert!(error.contains("data_batch_4.bin, record 1 (counted from 0): label 10"), "{error}");
}

/// Nine names, eleven names, no text.
#[test]
fn class_names_that_do_not_fit_are_refused() {
    let nine = names().split_off("airplane\n".len());
    let eleven = [b"more\n".to_vec(), names()].concat();
    let steering = String::from_utf8(names()).unwrap().replace("cat", "\u{1b}[2J").into_bytes();
    for (text, message) in [
        (nine, "has 9 class names"),
        (eleven, "has 11 class names"),
        (vec![0xFF; 20], "is not text"),
        (steering, "names a class \\u{1b}[2J; a name is"),
    ] {
        let mut all = entries();
        all[0].2 = text;
        let error = refusal(&gzip(&tar_bytes(&all)));
        assert!(error.contains("batches.meta.txt"), "{error}");
        assert!(error.contains(message), "{error}");
    }
}

/// The archive's own words in an error: its names reach no terminal as they are.
#[test]
fn errors_that_quote_an_archive_escape_control_characters() {
    let mut header = header("\u{1b}]0;owned\u{7}\nfake", EntryType::Regular, 1);
    header.as_old_mut().cksum = *b"no sum\0\0";
    let error = refusal(&gzip(header.as_bytes()));
    assert!(error.contains("owned") && !error.contains(char::is_control), "{error:?}");
}

#[test]
fn cancelling_is_not_reported_as_damage() {
    let (_folder, source) = release(&gzip(&tar_bytes(&entries())));
    // At every moment it is asked: in vain, the data set is there.
    for after in 0..200 {
        let asked = std::cell::Cell::new(0);
        let cancel = || asked.replace(asked.get() + 1) >= after;
        match source.load(&cancel, &mut |_| {}) {
            Err(DatasetError::Cancelled) => {}
            Ok(data) => {
                assert!(after > 3);
                return assert_small_release(&data);
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("never read through");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

    /// Any bytes of the tar file overwritten: a data set of the same labels' range, or an error
    /// that names the archive; never a panic.
    #[test]
    fn overwritten_bytes_never_panic(
        damage in proptest::collection::vec((0usize..40_000, proptest::prelude::any::<u8>()), 1..20),
    ) {
        let mut tar = tar_bytes(&entries());
        for (place, byte) in damage {
            // Mostly in the headers, which lie 512 bytes before each entry's records.
            let place = if byte % 2 == 0 { place } else { place / 6656 * 6656 + place % 512 };
            let place = place % tar.len();
            tar[place] = byte;
        }
        let (folder, source) = release(&gzip(&tar));
        match read(&source) {
            Ok(data) => proptest::prop_assert_eq!(data.train.len() + data.test.len(), 13),
            Err(error) => proptest::prop_assert!(error.to_string().contains("release.tar.gz"), "{}", error),
        }
        proptest::prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
