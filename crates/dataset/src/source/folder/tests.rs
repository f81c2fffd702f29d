//! Folders of images that Pillow wrote: packed, read back, damaged, changed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::download::FetchProgress;
use crate::read_image;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 9, width: 12 };

/// Files of every kind that Pillow's golden values are of, in the classes `a` and `б`, in turn.
fn files_in(root: &Path, classes: [&str; 2], skip: usize) -> usize {
    let golden: Vec<Value> = serde_json::from_str(include_str!("../../picture/golden.json")).unwrap();
    for (number, entry) in golden.iter().enumerate().skip(skip) {
        let text = entry["file"].as_str().unwrap();
        let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
        let folder = root.join(classes[number % 2]);
        fs::create_dir_all(&folder).unwrap();
        // What a file is, its content says.
        fs::write(folder.join(format!("{number:02}.png")), (0..text.len() / 2).map(byte).collect::<Vec<u8>>()).unwrap();
    }
    golden.len() - skip
}

struct Case {
    root: tempfile::TempDir,
    cache: tempfile::TempDir,
    counts: [usize; 2],
}

impl Case {
    fn new() -> Self {
        let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let count = files_in(root.path(), ["a", "б"], 0);
        Self { root, cache, counts: [count - 3, 3] }
    }

    /// The data set, and how often images were packed.
    fn load(&self) -> (Result<Dataset, DatasetError>, usize) {
        let folder = Folder { path: self.root.path(), shape: SHAPE, classes: 2, counts: self.counts, seed: 7 };
        let mut packed = 0;
        let mut progress = |event| {
            if let FetchProgress::Packing { done, total } = event {
                packed += usize::from(done == total);
            }
        };
        let loaded = folder.load(self.cache.path(), &mut Watch { cancel: &|| false, progress: &mut progress });
        (loaded, packed)
    }

    fn pack(&self) -> PathBuf {
        let folder = fs::read_dir(self.cache.path()).unwrap().next().unwrap().unwrap().path();
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "nothing else is left: {files:?}");
        files[0].clone()
    }
}

#[test]
fn packed_images_are_those_of_the_files() {
    let case = Case::new();
    let (data, packed) = case.load();
    let data = data.unwrap();
    assert_eq!((data.classes.as_slice(), packed), (["a".to_owned(), "б".to_owned()].as_slice(), 1));
    assert_eq!((data.train.len(), data.test.len(), data.validation), (case.counts[0], 3, None));
    // Every file is in one part, once, with its class.
    let mut found: Vec<(u8, Vec<u8>)> = Vec::new();
    for part in [&data.train, &data.test] {
        found.extend((0..part.len()).map(|i| (part.labels()[i], part.image(i).unwrap().into_owned())));
    }
    let listed = ImageFolder::read(case.root.path()).unwrap().train;
    let mut expected: Vec<_> =
        listed.iter().map(|file| (file.label as u8, read_image(&file.path, SHAPE).unwrap())).collect();
    found.sort();
    expected.sort();
    assert!(found == expected);
    // All the ways to read them agree.
    let pixels = data.train.pixels().unwrap().into_owned();
    let in_memory = Images::new(SHAPE, pixels, data.train.labels().to_vec(), 2).unwrap();
    assert_eq!(in_memory.channel_statistics().unwrap(), data.train.channel_statistics().unwrap());
    let same = Dataset { train: Arc::new(in_memory), ..data.clone() };
    assert_eq!(same.sha256().unwrap(), data.sha256().unwrap());
    assert!(data.train.between(1..data.train.len() + 1).is_err());
}

#[test]
fn a_pack_is_made_once_and_again_where_it_is_damaged_or_a_file_has_changed() {
    let case = Case::new();
    let first = case.load().0.unwrap().sha256().unwrap();
    assert_eq!(case.load().1, 0, "it is there");
    let bytes = fs::read(case.pack()).unwrap();
    // Another key, another pixel, another checksum; a byte too few, one too many; nothing at all.
    for place in [40, 200, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        fs::write(case.pack(), damaged).unwrap();
        let (data, packed) = case.load();
        assert_eq!((data.unwrap().sha256().unwrap(), packed), (first.clone(), 1), "byte {place}");
    }
    for damaged in [&bytes[..bytes.len() - 1], &[bytes.as_slice(), b"x"].concat(), &[]] {
        fs::write(case.pack(), damaged).unwrap();
        let (data, packed) = case.load();
        assert_eq!((data.unwrap().sha256().unwrap(), packed), (first.clone(), 1), "{} bytes", damaged.len());
    }
    let (from, to) = (case.root.path().join("a/06.png"), case.root.path().join("a/02.png"));
    fs::copy(from, to).unwrap();
    let (data, packed) = case.load();
    assert_eq!(packed, 1);
    assert_ne!(data.unwrap().sha256().unwrap(), first);
}

#[test]
fn files_that_are_no_images_are_all_named_and_leave_nothing() {
    let case = Case::new();
    fs::write(case.root.path().join("a/02.png"), "no image").unwrap();
    fs::write(case.root.path().join("б/05.png"), "").unwrap();
    let error = case.load().0.unwrap_err();
    assert!(matches!(&error, DatasetError::BrokenImages { broken, .. } if broken.len() == 2), "{error}");
    let text = error.to_string();
    assert!(text.contains("a/02.png: it is none of PNG") && text.contains("05.png: the file is empty"), "{text}");
    let folder = fs::read_dir(case.cache.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn counts_that_have_changed_are_told() {
    let case = Case { counts: [4, 3], ..Case::new() };
    let error = case.load().0.unwrap_err().to_string();
    assert!(error.contains("images to train on, and 4 are expected"), "{error}");
    let case = Case { counts: [0, 1_000], ..Case::new() };
    assert!(case.load().0.unwrap_err().to_string().contains("to draw from"));
}

#[test]
fn parts_of_their_own_are_taken_as_they_are() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let train = files_in(&root.path().join("train"), ["a", "б"], 0);
    let validation = files_in(&root.path().join("val"), ["a", "б"], 5);
    let test = files_in(&root.path().join("test"), ["a", "б"], 9);
    let counts = [train + validation, test];
    let folder = Folder { path: root.path(), shape: SHAPE, classes: 2, counts, seed: 0 };
    let data = folder.load(cache.path(), &mut Watch { cancel: &|| false, progress: &mut |_| {} }).unwrap();
    assert_eq!((data.train.len(), data.validation, data.test.len()), (train + validation, Some(validation), test));
    let listed = ImageFolder::read(root.path()).unwrap().test.unwrap();
    let last = read_image(&listed[test - 1].path, SHAPE);
    assert_eq!(*data.test.image(test - 1).unwrap(), last.unwrap());
}
