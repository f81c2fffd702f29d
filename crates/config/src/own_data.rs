//! What there is of a data set of one's own, counted by names.

use std::path::Path;

use strata_files::ImageFolder;

/// What there is at `dataset.path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnData {
    pub(crate) classes: usize,
    /// To train on, or to divide.
    pub(crate) train: usize,
    /// Of a part of their own.
    pub(crate) validation: Option<usize>,
    /// Of a part of their own.
    pub(crate) test: Option<usize>,
}

impl OwnData {
    /// Of a folder of images.
    pub(crate) fn of_images(path: &Path) -> Result<Self, String> {
        let found = ImageFolder::read(path).map_err(|error| error.to_string())?;
        let count = |part: Option<Vec<_>>| part.map(|files| files.len());
        Ok(Self {
            classes: found.classes.len(),
            train: found.train.len(),
            validation: count(found.validation),
            test: count(found.test),
        })
    }
}
