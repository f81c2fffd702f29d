//! Images of one's own: files in class-named folders, brought to one size and packed into a file of the cache once.

use std::path::Path;
use std::sync::Arc;

use strata_files::{ClassFile, ImageFolder};

use super::packed::{Pack, pack};
use crate::download::Watch;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// A folder of images, and what is asked of it.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    /// The folder with the classes' folders, or the parts'.
    pub(super) path: &'a Path,
    /// The size that each image is brought to.
    pub(super) shape: ImageShape,
    /// How many classes are expected.
    pub(super) classes: usize,
    /// How many images to train and validate on, and to test on, are expected.
    pub(super) counts: [usize; 2],
    /// What the images to test on are drawn by, where they have no part of their own.
    pub(super) seed: u64,
}

impl Folder<'_> {
    /// Packs the images, unless the cache has them, and opens the pack. `cache` is the folder of packs.
    pub(super) fn load(&self, cache: &Path, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let found = ImageFolder::read(self.path)
            .map_err(|error| DatasetError::ImageFolder { path: self.path.to_owned(), problem: error.to_string() })?;
        let classes = found.classes.clone();
        if let Some(left_out) = found.left_out() {
            tracing::warn!("{left_out}");
        }
        let [train, validation, test] = self.parts(found)?;
        let own_validation = Some(validation.len()).filter(|count| *count > 0);
        let (to_train, to_test) = (train.len() + validation.len(), test.len());
        let said = [
            ("classes", self.classes, classes.len()),
            ("images to train on", self.counts[0], to_train),
            ("images to test on", self.counts[1], to_test),
        ];
        if let Some(&(what, expected, found)) = said.iter().find(|(_, expected, found)| expected != found) {
            return Err(DatasetError::OtherCount { path: self.path.to_owned(), what, expected, found });
        }
        let files: Vec<ClassFile> = [train, validation, test].into_iter().flatten().collect();
        let wanted = Pack { folder: self.path, shape: self.shape, files: &files };
        let (file, start) = pack(&wanted, cache, watch)?;
        let part = |files: &[ClassFile], first: usize| {
            let labels = files.iter().map(|file| u8::try_from(file.label));
            let labels = labels.collect::<Result<Vec<u8>, _>>();
            let labels =
                labels.map_err(|_| DatasetError::value("classes", classes.len(), "a label is a byte: at most 256"))?;
            let start = start + first as u64 * self.shape.values() as u64;
            Images::in_file(self.shape, (Arc::clone(&file), start), labels, classes.len()).map(Arc::new)
        };
        let (train, test) = (part(&files[..to_train], 0)?, part(&files[to_train..], to_train)?);
        Ok(Dataset { name: "images".to_owned(), classes, train, validation: own_validation, test })
    }

    /// The files to train on, those of a validation part, and those to test on: of a part of their own or, in the order of the files, as many as are
    /// wanted of a permutation's end.
    fn parts(&self, found: ImageFolder) -> Result<[Vec<ClassFile>; 3], DatasetError> {
        let validation = found.validation.unwrap_or_default();
        if let Some(test) = found.test {
            return Ok([found.train, validation, test]);
        }
        let is_test = super::drawn_for_test(found.train.len(), self.counts[1], self.seed)?;
        let (test, train): (Vec<_>, Vec<_>) = found.train.into_iter().zip(is_test).partition(|(_, is_test)| *is_test);
        let files = |part: Vec<(ClassFile, bool)>| part.into_iter().map(|(file, _)| file).collect();
        Ok([files(train), validation, files(test)])
    }
}

#[cfg(test)]
mod tests;
