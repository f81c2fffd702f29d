//! What CIFAR-10 and CIFAR-100 share: records of labels and pixels, torchvision's pickles, lists of class names.

use std::sync::Arc;

use rayon::prelude::*;
use strata_files::escape_truncated;

use super::files::Found;
use super::pickle::Pickle;
use crate::error::room_for;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// 1,024 red, 1,024 green and 1,024 blue values.
pub(super) const PIXELS: usize = 3 * 32 * 32;
/// The most bytes of a list of class names.
pub(super) const LONGEST_NAMES: u64 = 1 << 16;
/// What a pickle may need beside its pixels: labels and file names.
pub(super) const LONGEST_REST: u64 = 16 << 20;

/// One of CIFAR's data sets.
#[derive(Debug)]
pub(super) struct Cifar {
    /// What it is called.
    pub(super) name: &'static str,
    /// The classes' names, where no file says them.
    pub(super) classes: &'static [&'static str],
    /// The first files of a layout are training images, the next one is test images, the last one names the classes.
    pub(super) training_files: usize,
    /// Bytes before a record's pixels.
    pub(super) label_bytes: usize,
    /// Which of them is the label.
    pub(super) label: usize,
    /// The labels' key in a pickle.
    pub(super) labels_key: &'static str,
    /// The names' key in a pickle.
    pub(super) names_key: &'static str,
}

impl Cifar {
    /// The data set of binary files: labels and pixels, one record after the other, and names, one a line.
    pub(super) fn read_records(&self, found: &Found) -> Result<Dataset, DatasetError> {
        let names = self.training_files + 1;
        let classes = match found.bytes(names) {
            Some(text) => self.parse_names(text, &found.name(names))?,
            None => self.classes.iter().map(|&name| name.to_owned()).collect(),
        };
        self.assemble(found, classes, |part, bytes, file| {
            let records = bytes.chunks_exact(self.label_bytes + PIXELS).map(|record| record.split_at(self.label_bytes));
            let (labels, pixels): (Vec<_>, Vec<_>) = records.unzip();
            part.extend(labels.iter().map(|labels| labels[self.label].into()), &pixels, file)
        })
    }

    /// The data set of pickles as torchvision reads them: a dictionary with the pixels as an array `[N, 3072]` and a list of labels in each.
    pub(super) fn read_pickles(&self, found: &Found) -> Result<Dataset, DatasetError> {
        let names = self.training_files + 1;
        let wrong = |file: &str, problem: String| DatasetError::Pickle { file: file.to_owned(), problem };
        let classes = match found.bytes(names) {
            Some(bytes) => {
                let file = found.name(names);
                let pickle = Pickle::read(bytes).map_err(|problem| wrong(&file, problem))?;
                let list = pickle.texts(self.names_key).map_err(|problem| wrong(&file, problem))?;
                self.check_names(list, &file)?
            }
            None => self.classes.iter().map(|&name| name.to_owned()).collect(),
        };
        self.assemble(found, classes, |part, bytes, file| {
            let pickle = Pickle::read(bytes).map_err(|problem| wrong(file, problem))?;
            let labels = pickle.integers(self.labels_key).map_err(|problem| wrong(file, problem))?;
            let pixels = pickle.bytes_of_array("data", PIXELS).map_err(|problem| wrong(file, problem))?;
            if pixels.len() != labels.len().saturating_mul(PIXELS) {
                let problem = format!("it has {} labels and {} bytes of pixels", labels.len(), pixels.len());
                return Err(wrong(file, problem));
            }
            part.extend(labels.iter().copied(), &pixels.chunks_exact(PIXELS).collect::<Vec<_>>(), file)
        })
    }

    fn assemble(
        &self,
        found: &Found,
        classes: Vec<String>,
        mut read: impl FnMut(&mut Part, &[u8], &str) -> Result<(), DatasetError>,
    ) -> Result<Dataset, DatasetError> {
        let mut part = |files: std::ops::Range<usize>| {
            let bytes: usize = files.clone().filter_map(|number| found.bytes(number)).map(<[u8]>::len).sum();
            let mut part = Part::with_room_for(bytes / PIXELS, self.classes.len())?;
            for number in files {
                if let Some(bytes) = found.bytes(number) {
                    read(&mut part, bytes, &found.name(number))?;
                }
            }
            Images::new(ImageShape::CIFAR, part.pixels.into_flattened(), part.labels, part.classes).map(Arc::new)
        };
        let count = self.training_files;
        let (train, test) = (part(0..count)?, part(count..count + 1)?);
        Ok(Dataset { name: self.name.to_owned(), classes, train, validation: None, test })
    }

    fn parse_names(&self, text: &[u8], file: &str) -> Result<Vec<String>, DatasetError> {
        let Ok(text) = std::str::from_utf8(text) else {
            let problem = format!("is not text; {} class names, one a line, are expected", self.classes.len());
            return Err(DatasetError::ClassNames { file: file.to_owned(), problem });
        };
        let names = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        self.check_names(names.collect(), file)
    }

    fn check_names(&self, names: Vec<String>, file: &str) -> Result<Vec<String>, DatasetError> {
        let wrong = |problem: String| DatasetError::ClassNames { file: file.to_owned(), problem };
        let (found, expected) = (names.len(), self.classes.len());
        if found != expected {
            return Err(wrong(format!("has {found} class names; {expected} are expected")));
        }
        // They are printed and recorded: no name steers a terminal.
        if let Some(name) = names.iter().find(|name| escape_truncated(name) != **name) {
            let name = escape_truncated(name);
            return Err(wrong(format!("names a class {name}; a name is up to 200 printable characters")));
        }
        Ok(names)
    }
}

/// Labels and pixels so far.
struct Part {
    labels: Vec<u8>,
    pixels: Vec<[u8; PIXELS]>,
    classes: usize,
}

impl Part {
    fn with_room_for(images: usize, classes: usize) -> Result<Self, DatasetError> {
        Ok(Self { labels: room_for(images, "labels")?, pixels: room_for(images, "images")?, classes })
    }

    /// Adds a file's images, each of whose `pixels` are [`PIXELS`] bytes. Most of the time goes into memory that is new, so all threads copy.
    fn extend(&mut self, labels: impl Iterator<Item = i64>, pixels: &[&[u8]], file: &str) -> Result<(), DatasetError> {
        let classes = self.classes;
        for (record, label) in labels.enumerate() {
            match u8::try_from(label) {
                Ok(label) if usize::from(label) < classes => self.labels.push(label),
                _ => return Err(DatasetError::Label { file: file.to_owned(), record, label, classes }),
            }
        }
        self.pixels.par_extend(pixels.par_iter().map(|pixels| {
            let mut image = [0; PIXELS];
            image.copy_from_slice(pixels);
            image
        }));
        Ok(())
    }
}
