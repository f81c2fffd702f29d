//! The binary format: data files of 3,073-byte records, and the list of class names.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use strata_files::{escape_path, escape_truncated};

use crate::download::{Watch, open_regular};
use crate::error::room_for;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// The data files: five of training images, then one of test images.
pub(super) const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// The class names, one a line.
pub(super) const NAMES: &str = "batches.meta.txt";
/// A data file's bytes in the official release, and the most that one may have.
pub(super) const LONGEST: u64 = 10_000 * RECORD as u64;
/// The most bytes of a list of class names.
pub(super) const LONGEST_NAMES: u64 = 1 << 16;

/// One label, then 1,024 red, 1,024 green and 1,024 blue values.
const RECORD: usize = 1 + 3 * 32 * 32;
const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Whether a data file can have this length: whole records, at least one and at most 10,000.
pub(super) fn check_length(file: &str, bytes: u64) -> Result<(), DatasetError> {
    if bytes == 0 || bytes > LONGEST || !bytes.is_multiple_of(RECORD as u64) {
        return Err(DatasetError::FileSize { file: file.to_owned(), bytes });
    }
    Ok(())
}

/// The data set of six data files' bytes, in [`FILES`]' order, and a list of names if there is one.
///
/// `place` is how an error names a file of the given name.
pub(super) fn assemble(
    files: [Vec<u8>; 6],
    names: Option<&[u8]>,
    place: impl Fn(&str) -> String,
) -> Result<Dataset, DatasetError> {
    let classes = match names {
        Some(names) => parse_names(names, &place(NAMES))?,
        None => CLASSES.map(str::to_owned).to_vec(),
    };
    let bytes = |files: &[Vec<u8>]| files.iter().map(Vec::len).sum::<usize>();
    let mut train = Part::with_room_for(bytes(&files[..5]))?;
    let mut test = Part::with_room_for(bytes(&files[5..]))?;
    for (number, (file, name)) in files.into_iter().zip(FILES).enumerate() {
        let part = if number < 5 { &mut train } else { &mut test };
        part.read(&file, &place(name))?;
    }
    Ok(Dataset {
        name: "cifar10".to_owned(),
        classes,
        train: Arc::new(train.images()?),
        test: Arc::new(test.images()?),
    })
}

/// Labels and pixels so far.
struct Part {
    labels: Vec<u8>,
    pixels: Vec<u8>,
}

impl Part {
    fn with_room_for(bytes: usize) -> Result<Self, DatasetError> {
        let records = bytes / RECORD;
        Ok(Self { labels: room_for(records, "labels")?, pixels: room_for(records * (RECORD - 1), "images")? })
    }

    fn read(&mut self, bytes: &[u8], file: &str) -> Result<(), DatasetError> {
        check_length(file, bytes.len() as u64)?;
        for (record, bytes) in bytes.chunks_exact(RECORD).enumerate() {
            let (&label, pixels) = (&bytes[0], &bytes[1..]);
            if usize::from(label) >= CLASSES.len() {
                return Err(DatasetError::Label { file: file.to_owned(), record, label, classes: CLASSES.len() });
            }
            self.labels.push(label);
            self.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }

    fn images(self) -> Result<Images, DatasetError> {
        Images::new(ImageShape::CIFAR, self.pixels, self.labels, CLASSES.len())
    }
}

fn parse_names(text: &[u8], file: &str) -> Result<Vec<String>, DatasetError> {
    let wrong = |problem: String| DatasetError::ClassNames { file: file.to_owned(), problem };
    let text = std::str::from_utf8(text)
        .map_err(|_| wrong("is not text; ten class names, one a line, are expected".to_owned()))?;
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() != CLASSES.len() {
        let found = names.len();
        return Err(wrong(format!("has {found} class names; ten, one a line, are expected")));
    }
    // They are printed and recorded: no name steers a terminal.
    if let Some(name) = names.iter().find(|name| escape_truncated(name) != **name) {
        return Err(wrong(format!(
            "names a class {}; a name is up to 200 printable characters",
            escape_truncated(name)
        )));
    }
    Ok(names)
}

/// Reads the data files of a folder that holds all six.
pub(super) fn read_folder(folder: &Path, watch: &Watch<'_>) -> Result<Dataset, DatasetError> {
    let place = |name: &str| escape_path(&folder.join(name));
    let mut files: [Vec<u8>; 6] = Default::default();
    for (file, name) in files.iter_mut().zip(FILES) {
        watch.check()?;
        let path = folder.join(name);
        let io = |error| DatasetError::io("read", &path, error);
        let opened = File::open(&path).map_err(io)?;
        // The length first: a file of another kind may be of any size.
        check_length(&place(name), opened.metadata().map_err(io)?.len())?;
        opened.take(LONGEST + 1).read_to_end(file).map_err(io)?;
    }
    watch.check()?;
    let path = folder.join(NAMES);
    let mut names = Vec::new();
    let names = match open_regular(&path, LONGEST_NAMES) {
        Ok(file) => {
            let io = |error| DatasetError::io("read", &path, error);
            file.take(LONGEST_NAMES).read_to_end(&mut names).map_err(io)?;
            Some(names.as_slice())
        }
        Err(DatasetError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    assemble(files, names, place)
}
