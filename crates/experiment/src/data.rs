//! The images that a config names.

use std::path::Path;

use strata_config::Config;
use strata_dataset::{DataFolder, Dataset, DatasetError, Split};
use strata_rng::TorchRng;

use crate::display::Display;
use crate::{ExperimentError, Stop};

/// Fetches or makes the images.
pub(crate) fn load(
    experiment: &Config,
    folder: &DataFolder,
    display: &mut Display,
    stop: &Stop,
) -> Result<Dataset, ExperimentError> {
    let spec = &experiment.dataset.kind;
    let read = |display: &mut Display| {
        strata_dataset::load(spec, folder, &|| stop.is_requested(), &mut |progress| display.fetching(&progress))
    };
    // What is made and not read asks seldom whether it is still wanted.
    let dataset = if spec.kind().release().is_some() { read(display) } else { stop.while_at_once(|| read(display))? };
    display.clear();
    dataset.map_err(|source| match source {
        DatasetError::Cancelled => ExperimentError::InterruptedEarly,
        source => ExperimentError::Data { source: Box::new(source), folder: folder.clone() },
    })
}

/// The folder that a user has named, or the cache.
pub(crate) fn named(folder: Option<&Path>) -> DataFolder {
    folder.map_or(DataFolder::Cache, |folder| DataFolder::Named(folder.to_owned()))
}

/// Divides the training images: the first draws of a run. The generator is given as the network's parameters find it.
pub(crate) fn split(experiment: &Config, dataset: &Dataset) -> Result<(Split, TorchRng), ExperimentError> {
    let mut rng = TorchRng::new(experiment.seed);
    let split = Split::random(dataset.train.len(), experiment.dataset.validation, &mut rng)?;
    Ok((split, rng))
}
