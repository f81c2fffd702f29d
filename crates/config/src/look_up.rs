//! What a config leaves to the data at `dataset.path`: how many classes and images there are. Names are read and no image.

use std::path::Path;

use strata_spec::DatasetKind;

use crate::error::ConfigError;
use crate::keys;
use crate::own_data::OwnData;
use crate::values::Values;
use crate::written::Written;

/// Looks at `data`, else at the path, where the config has one and does not say itself what is there: a resolved one says it, so a run is resumed, listed and
/// compared without its data.
pub(crate) fn own_data(
    written: &Written<'_, '_>,
    values: &Values,
    data: Option<&Path>,
) -> Result<Option<OwnData>, ConfigError> {
    let says_all = [keys::CLASSES.path(), keys::TEST.path(), keys::TRAIN.path(), keys::VALIDATION.path()];
    let Some(path) = values.get(&keys::PATH) else { return Ok(None) };
    if says_all.iter().all(|key| written.at(key).is_some()) {
        return Ok(None);
    }
    let found = match values.get(&keys::DATASET) {
        Some(DatasetKind::Images) => OwnData::of_images(data.unwrap_or(Path::new(&path))),
        _ => return Ok(None),
    };
    found.map(Some).map_err(|problem| {
        if data.is_some() {
            return ConfigError::Data { problem };
        }
        let place = keys::PATH.path();
        match written.at(place) {
            Some(value) => written.document.wrong(value.span(), place, problem),
            None => written.document.missing(place, problem),
        }
    })
}
