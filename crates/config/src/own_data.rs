//! What a config leaves to the data at `dataset.path`: how many classes and images there are. Names are read and no image.

use std::path::Path;

use strata_files::ImageFolder;
use strata_spec::DatasetKind;

use crate::error::ConfigError;
use crate::keys;
use crate::values::Values;
use crate::written::Written;

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
    /// Looks at the path, where the config has one and does not say itself what is there: a resolved one says it, so a run is resumed, listed and
    /// compared without its data.
    pub(crate) fn find(written: &Written<'_, '_>, values: &Values) -> Result<Option<Self>, ConfigError> {
        let says_all = [keys::CLASSES.path(), keys::TEST.path(), keys::TRAIN.path(), keys::VALIDATION.path()];
        let Some(path) = values.get(&keys::PATH) else { return Ok(None) };
        if says_all.iter().all(|key| written.at(key).is_some()) {
            return Ok(None);
        }
        let found = match values.get(&keys::DATASET) {
            Some(DatasetKind::Images) => Self::of_images(Path::new(&path)),
            _ => return Ok(None),
        };
        found.map(Some).map_err(|problem| {
            let place = keys::PATH.path();
            match written.at(place) {
                Some(value) => written.document.wrong(value.span(), place, problem),
                None => written.document.missing(place, problem),
            }
        })
    }

    fn of_images(path: &Path) -> Result<Self, String> {
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
