//! Arrays of one's own: images of bytes and their labels, in `.npy` files of a folder or in one `.npz` archive.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use strata_files::escape_path;

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

/// Images and labels of a part.
#[derive(Default)]
struct Part {
    pixels: Vec<u8>,
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
        if let Some(validation) = validation {
            train.pixels.extend(validation.pixels);
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
        let images = |part: Part| Images::new(self.shape, part.pixels, part.labels, self.classes).map(Arc::new);
        Ok(Dataset {
            name: "arrays".to_owned(),
            classes: (0..self.classes).map(|class| class.to_string()).collect(),
            train: images(train)?,
            validation: own_validation,
            test: images(test)?,
        })
    }

    /// The arrays `x_` and `y_` of the first of these names that is there.
    fn part(&self, files: &mut Files, names: &[&str], watch: &Watch<'_>) -> Result<Option<Part>, DatasetError> {
        for name in names {
            watch.check()?;
            let [images, labels] = [format!("x_{name}"), format!("y_{name}")];
            match [files.read(&images)?, files.read(&labels)?] {
                [None, None] => {}
                [Some(images_found), Some(labels_found)] => {
                    let pixels = self.pixels(&images_found, &files.name(&images))?;
                    let labels =
                        self.labels(&labels_found, &files.name(&labels), pixels.len() / self.shape.values())?;
                    return Ok(Some(Part { pixels, labels }));
                }
                [Some(_), None] => return Err(wrong(files, &images, format!("there is no {labels} beside it"))),
                [None, Some(_)] => return Err(wrong(files, &labels, format!("there is no {images} beside it"))),
            }
        }
        Ok(None)
    }

    /// The images of an array, channel by channel.
    fn pixels(&self, file: &[u8], name: &str) -> Result<Vec<u8>, DatasetError> {
        let array = Npy::parse(file).map_err(|problem| DatasetError::Array { file: name.to_owned(), problem })?;
        let wrong = |problem: String| DatasetError::Array { file: name.to_owned(), problem };
        let ImageShape { channels, height, width } = self.shape;
        let Some(bytes) = array.bytes() else {
            return Err(wrong(format!("its values are {}; images are of uint8, 0 to 255", array.type_name())));
        };
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
        let mut pixels = room_for(bytes.len(), "the images of an array")?;
        for image in bytes.chunks_exact(self.shape.values()) {
            for channel in 0..channels {
                pixels.extend(image.iter().skip(channel).step_by(channels));
            }
        }
        Ok(pixels)
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
        let (count, wanted, values) = (train.labels.len(), self.counts[1], self.shape.values());
        let is_test = super::drawn_for_test(count, wanted, self.seed)?;
        let (mut left, mut test) = (Part::default(), Part::default());
        for (number, (image, label)) in train.pixels.chunks_exact(values).zip(&train.labels).enumerate() {
            let part = if is_test[number] { &mut test } else { &mut left };
            part.pixels.extend_from_slice(image);
            part.labels.push(*label);
        }
        *train = left;
        Ok(test)
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
                let Some(entry) = zip.entries.iter().find(|entry| entry.name == name).cloned() else {
                    return Ok(None);
                };
                let bytes = zip.read(&entry, LONGEST);
                let file = escape_path(path);
                bytes.map(Some).map_err(|problem| DatasetError::Array { file, problem })
            }
        }
    }
}

#[cfg(test)]
mod tests;
