//! Arrays of one's own: images of bytes or of floats, or rows of features, and their labels, in `.npy` files of a folder or in one `.npz` archive.

mod samples;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use strata_files::escape_path;

use self::samples::Samples;
use super::npy::Npy;
use super::zip::Zip;
use crate::download::{FetchProgress, Watch};
use crate::error::room_for;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// The most bytes of an array: it is read into memory.
const LONGEST: u64 = 1 << 40;

/// Arrays, and what is expected of them.
#[derive(Debug)]
pub(super) struct Arrays<'a> {
    /// The folder or the archive.
    pub(super) path: &'a Path,
    /// The shape of an image.
    pub(super) shape: ImageShape,
    /// Classes.
    pub(super) classes: usize,
    /// How many images to train and validate on, and to test on, are expected.
    pub(super) counts: [usize; 2],
    /// What the images to test on are drawn by, where there is no test array.
    pub(super) seed: u64,
}

/// Samples and labels of a part.
struct Part {
    samples: Samples,
    labels: Vec<u8>,
}

impl Arrays<'_> {
    /// Reads `x_train`, `y_train` and, where they are there, `x_validation` (or `x_val`) and `x_test` with their labels.
    pub(super) fn load(&self, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        watch.tell(FetchProgress::Reading { path: self.path.to_owned() });
        let mut files = Files::open(self.path)?;
        let mut train = self.part(&mut files, &["train"], watch)?.ok_or_else(|| {
            let problem = format!("{} has no arrays x_train and y_train", escape_path(self.path));
            DatasetError::ImageFolder { path: self.path.to_owned(), problem }
        })?;
        let validation = self.part(&mut files, &["validation", "val"], watch)?;
        let test = match self.part(&mut files, &["test"], watch)? {
            Some(test) => test,
            None => self.draw(&mut train)?,
        };
        let own_validation = validation.as_ref().map(|part| part.labels.len());
        let train_type = train.samples.type_name();
        let other_type = |found: &str| DatasetError::Array {
            file: escape_path(self.path),
            problem: format!("x_train is of {train_type}, and another part of {found}: all are to be of one type"),
        };
        let test_type = test.samples.type_name();
        if test_type != train_type {
            return Err(other_type(test_type));
        }
        if let Some(validation) = validation {
            train.samples.append(validation.samples).map_err(other_type)?;
            train.labels.extend(validation.labels);
        }
        for (what, expected, found) in [
            ("images to train on", self.counts[0], train.labels.len()),
            ("images to test on", self.counts[1], test.labels.len()),
        ] {
            if expected != found {
                return Err(DatasetError::OtherCount { path: self.path.to_owned(), what, expected, found });
            }
        }
        let images = |part: Part| self.images(part).map(Arc::new);
        Ok(Dataset {
            name: "arrays".to_owned(),
            classes: (0..self.classes).map(|class| class.to_string()).collect(),
            train: images(train)?,
            validation: own_validation,
            test: images(test)?,
        })
    }

    /// The samples of the part to test on alone.
    pub(super) fn load_test(&self, watch: &mut Watch<'_>) -> Result<Images, DatasetError> {
        watch.tell(FetchProgress::Reading { path: self.path.to_owned() });
        let test = self.part(&mut Files::open(self.path)?, &["test"], watch)?;
        let problem = || format!("{} has no arrays x_test and y_test", escape_path(self.path));
        self.images(test.ok_or_else(|| DatasetError::ImageFolder { path: self.path.to_owned(), problem: problem() })?)
    }

    fn images(&self, part: Part) -> Result<Images, DatasetError> {
        let Part { samples, labels } = part;
        match samples {
            Samples::Bytes(pixels) => Images::new(self.shape, pixels, labels, self.classes),
            Samples::Floats(values) => Images::of_values(self.shape, values, labels, self.classes),
        }
    }

    /// The arrays `x_` and `y_` of the first of these names that is there.
    fn part(&self, files: &mut Files, names: &[&str], watch: &Watch<'_>) -> Result<Option<Part>, DatasetError> {
        for name in names {
            watch.check()?;
            let [images, labels] = [format!("x_{name}"), format!("y_{name}")];
            match [files.read(&images)?, files.read(&labels)?] {
                [None, None] => {}
                [Some(images_found), Some(labels_found)] => {
                    let samples = self.samples(&images_found, &files.name(&images))?;
                    let count = samples.len() / self.shape.values();
                    let labels = self.labels(&labels_found, &files.name(&labels), count)?;
                    return Ok(Some(Part { samples, labels }));
                }
                [Some(_), None] => return Err(wrong(files, &images, format!("there is no {labels} beside it"))),
                [None, Some(_)] => return Err(wrong(files, &labels, format!("there is no {images} beside it"))),
            }
        }
        Ok(None)
    }

    /// The samples of an array, channel by channel.
    fn samples(&self, file: &[u8], name: &str) -> Result<Samples, DatasetError> {
        let array = Npy::parse(file).map_err(|problem| DatasetError::Array { file: name.to_owned(), problem })?;
        let wrong = |problem: String| DatasetError::Array { file: name.to_owned(), problem };
        let ImageShape { channels, height, width } = self.shape;
        let fits = match array.shape.as_slice() {
            [_, rows, columns] => channels == 1 && [*rows, *columns] == [height, width],
            [_, rows, columns, last] => [*rows, *columns, *last] == [height, width, channels],
            [_, values] => [channels, height, width] == [1, 1, *values],
            _ => false,
        };
        if !fits {
            let found = &array.shape;
            return Err(wrong(format!(
                "its shape is {found:?}, and not [N, {height}, {width}, {channels}] as dataset.shape {:?} says ([N, height, width] for one channel, [N, values] for [1, 1, values])",
                [channels, height, width]
            )));
        }
        if let Some(bytes) = array.bytes() {
            return Ok(Samples::Bytes(samples::by_channel(bytes, self.shape)?));
        }
        let Some(floats) = array.floats() else {
            return Err(wrong(format!(
                "its values are {}; samples are of uint8 (0 to 255), float16, float32 or float64",
                array.type_name()
            )));
        };
        let mut values = room_for(array.shape.iter().product(), "the values of an array")?;
        for (place, value) in floats.enumerate() {
            // What is beyond 32 bits becomes infinite.
            if !(value as f32).is_finite() {
                return Err(DatasetError::not_finite(name, place / self.shape.values(), value));
            }
            values.push(value as f32);
        }
        Ok(Samples::Floats(samples::by_channel(&values, self.shape)?))
    }

    fn labels(&self, file: &[u8], name: &str, images: usize) -> Result<Vec<u8>, DatasetError> {
        let wrong = |problem: String| DatasetError::Array { file: name.to_owned(), problem };
        let array = Npy::parse(file).map_err(wrong)?;
        let is_list = matches!(array.shape.as_slice(), [_] | [_, 1]);
        let Some(integers) = array.integers().filter(|_| is_list) else {
            return Err(wrong(format!(
                "it is {} of shape {:?}; labels are integers [N]",
                array.type_name(),
                array.shape
            )));
        };
        let mut labels = room_for(images, "the labels of an array")?;
        for (record, label) in integers.enumerate() {
            match u8::try_from(label) {
                Ok(class) if usize::from(class) < self.classes => labels.push(class),
                _ => return Err(DatasetError::Label { file: name.to_owned(), record, label, classes: self.classes }),
            }
        }
        if labels.len() != images {
            return Err(wrong(format!("it has {} labels for {images} images", labels.len())));
        }
        Ok(labels)
    }

    /// Takes the images to test on out of those to train on: as many as are wanted, of a permutation's end, in their order.
    fn draw(&self, train: &mut Part) -> Result<Part, DatasetError> {
        let is_test = super::drawn_for_test(train.labels.len(), self.counts[1], self.seed)?;
        let test = train.samples.split_off(&is_test, self.shape.values());
        let mut is_test = is_test.into_iter();
        let (test_labels, labels) =
            std::mem::take(&mut train.labels).into_iter().partition(|_| is_test.next().unwrap_or_default());
        train.labels = labels;
        Ok(Part { samples: test, labels: test_labels })
    }
}

fn wrong(files: &Files, name: &str, problem: String) -> DatasetError {
    DatasetError::Array { file: files.name(name), problem }
}

/// Where the arrays are.
enum Files {
    Folder(std::path::PathBuf),
    Archive(std::path::PathBuf, Zip<BufReader<File>>),
}

impl Files {
    fn open(path: &Path) -> Result<Self, DatasetError> {
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let file = strata_files::open_regular(path, LONGEST).map_err(|error| DatasetError::io("open", path, error))?;
        let zip = Zip::open(BufReader::new(file));
        let zip = zip.map_err(|problem| DatasetError::Array { file: escape_path(path), problem })?;
        Ok(Self::Archive(path.to_owned(), zip))
    }

    /// How errors call an array.
    fn name(&self, array: &str) -> String {
        match self {
            Self::Folder(folder) => escape_path(&folder.join(format!("{array}.npy"))),
            Self::Archive(path, _) => format!("{}: {array}.npy", escape_path(path)),
        }
    }

    /// The file of an array; none where there is none.
    fn read(&mut self, array: &str) -> Result<Option<Vec<u8>>, DatasetError> {
        let name = format!("{array}.npy");
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                if !path.try_exists().map_err(|error| DatasetError::io("look for", &path, error))? {
                    return Ok(None);
                }
                let io = |action, error| DatasetError::io(action, &path, error);
                let mut file = strata_files::open_regular(&path, LONGEST).map_err(|error| io("open", error))?;
                let length = file.metadata().map_err(|error| io("read", error))?.len();
                let mut bytes = room_for(usize::try_from(length).unwrap_or(usize::MAX), "an array")?;
                file.read_to_end(&mut bytes).map_err(|error| io("read", error))?;
                Ok(Some(bytes))
            }
            Self::Archive(path, zip) => {
                let failed = |problem| DatasetError::Array { file: escape_path(path), problem };
                let mut found = zip.entries.iter().filter(|entry| entry.name == name);
                let Some(entry) = found.next().cloned() else { return Ok(None) };
                // NumPy would take the last one.
                if found.next().is_some() {
                    return Err(failed(format!(
                        "{name} is in it more than once, and which one is meant cannot be told"
                    )));
                }
                zip.read(&entry, LONGEST).map(Some).map_err(failed)
            }
        }
    }
}

#[cfg(test)]
mod tests;
