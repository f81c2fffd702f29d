//! The images that a config names.

use std::path::Path;

use strata_config::Config;
use strata_dataset::{DataFolder, Dataset, DatasetError, Images, Split};
use strata_model::Predictor;
use strata_rng::TorchRng;
use strata_spec::DatasetSpec;
use strata_trainer::TrainError;

use crate::display::Display;
use crate::{ExperimentError, Stop};

/// Fetches or makes the images.
pub(crate) fn load(
    experiment: &Config,
    folder: &DataFolder,
    display: &mut Display,
    stop: &Stop,
) -> Result<Dataset, ExperimentError> {
    load_of(&experiment.dataset.kind, folder, display, stop)
}

/// As [`load`], of images that no config names.
pub(crate) fn load_of(
    spec: &DatasetSpec,
    folder: &DataFolder,
    display: &mut Display,
    stop: &Stop,
) -> Result<Dataset, ExperimentError> {
    let read = |display: &mut Display| {
        strata_dataset::load(spec, folder, &|| stop.is_requested(), &mut |progress| display.fetching(&progress))
    };
    // What is made and not read asks seldom whether it is still wanted.
    let dataset = if spec.kind().release().is_some() { read(display) } else { stop.while_at_once(|| read(display))? };
    display.clear();
    dataset.map_err(|source| match source {
        DatasetError::Cancelled => ExperimentError::InterruptedEarly,
        source => ExperimentError::Data { source: Box::new(source), folder: folder.clone(), kind: spec.kind() },
    })
}

/// The folder that a user has named, or the cache.
pub(crate) fn named(folder: Option<&Path>) -> DataFolder {
    folder.map_or(DataFolder::Cache, |folder| DataFolder::Named(folder.to_owned()))
}

/// As [`named`] or, where the user has named none, the one that a run was trained with: nothing is downloaded to it, since where the files are gone from it
/// its disk may not be mounted.
pub(crate) fn named_or_recorded(named: Option<&Path>, recorded: Option<&Path>) -> DataFolder {
    match (named, recorded) {
        (None, Some(folder)) => DataFolder::Existing(folder.to_owned()),
        (folder, _) => self::named(folder),
    }
}

/// Divides the training images: the first draws of a run, unless there is a validation part already. The generator is given as the network's parameters find it.
pub(crate) fn split(experiment: &Config, dataset: &Dataset) -> Result<(Split, TorchRng), ExperimentError> {
    let mut rng = TorchRng::new(experiment.seed);
    let (count, wanted) = (dataset.train.len(), experiment.dataset.validation);
    let mut split = match dataset.validation {
        Some(own) if own != wanted => {
            return Err(ExperimentError::ValidationPart { own, wanted });
        }
        Some(own) => Split::of_parts(count, own)?,
        None => Split::random(count, wanted, &mut rng)?,
    };
    if let Some(limit) = experiment.dataset.limit {
        if dataset.validation.is_some() {
            // Its images are in the classes' order, of which the first would be of one class.
            split.train = rng.permutation(split.train.len());
        }
        split.train.truncate(limit);
    }
    Ok((split, rng))
}

/// What a network sees of the samples `batch` of `images`, one after the other, and their labels.
pub(crate) fn inputs_and_labels(
    predictor: &Predictor,
    images: &Images,
    batch: &[u32],
) -> Result<(Vec<f32>, Vec<u8>), ExperimentError> {
    let labels = batch.iter().map(|index| images.labels()[*index as usize]).collect();
    if images.values().is_none() {
        return Ok((predictor.features(&pixels_of(images, batch)?).map_err(TrainError::from)?, labels));
    }
    let of_sample = |index: &u32| images.values_of(*index as usize).unwrap_or_default();
    let values: Vec<f32> = batch.iter().flat_map(of_sample).copied().collect();
    Ok((predictor.features_of_values(&values).map_err(TrainError::from)?, labels))
}

/// The bytes of the samples `batch` of `images`, one after the other.
pub(crate) fn pixels_of(images: &Images, batch: &[u32]) -> Result<Vec<u8>, ExperimentError> {
    let mut bytes = Vec::with_capacity(batch.len() * images.shape().values());
    for index in batch {
        bytes.extend_from_slice(&images.image(*index as usize)?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of arrays it is found where they are read, after the config was checked.
    #[test]
    fn a_validation_part_of_its_own_is_told_with_what_to_write() {
        let text =
            "phases = [{ epochs = 1, lr = 0.1 }]\n[dataset]\nkind = \"synthetic\"\ntrain = 100\n[model]\nhidden = []\n";
        let config = |set: &[&str]| {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            Config::parse(text, Path::new("own.toml"), &set).unwrap()
        };
        let of = |config: &Config| {
            let mut dataset = load(config, &DataFolder::Cache, &mut Display::default(), &Stop::default())
                .map_err(|e| e.to_string())?;
            dataset.validation = Some(20);
            split(config, &dataset).map(|(split, _)| split.validation.len()).map_err(|error| {
                assert_eq!(error.exit_code(), 2);
                error.to_string()
            })
        };
        let told = of(&config(&[])).unwrap_err();
        assert!(told.contains("of 20 images, and dataset.validation is 10 (a tenth of the training images"), "{told}");
        assert!(told.ends_with("write dataset.validation = 20"), "{told}");
        assert_eq!(of(&config(&["dataset.validation=20"])), Ok(20));
    }
}
