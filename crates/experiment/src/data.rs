//! The images that a config names.

use std::path::Path;

use strata_config::{DatasetKind, Experiment};
use strata_dataset::{Cifar10Source, Dataset, DatasetError, Synthetic, load_cifar10};

use crate::display::Display;
use crate::{ExperimentError, Stop};

/// Fetches or makes the images; `folder` is where CIFAR-10's files are or shall be.
pub(crate) fn load(
    experiment: &Experiment,
    folder: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<Dataset, ExperimentError> {
    let dataset = match &experiment.dataset.kind {
        DatasetKind::Synthetic { train, test, seed } => {
            Synthetic { seed: *seed, train: *train, test: *test }.generate()
        }
        DatasetKind::Cifar10 { url, sha256 } => {
            let source = Cifar10Source { url: url.clone(), sha256: sha256.clone(), folder: folder.map(Path::to_owned) };
            load_cifar10(&source, &|| stop.is_requested(), &mut |progress| display.fetching(&progress))
        }
    };
    display.fetched();
    dataset.map_err(|error| match (error, &experiment.dataset.kind) {
        (DatasetError::Cancelled, _) => ExperimentError::InterruptedEarly,
        (source @ (DatasetError::Io { .. } | DatasetError::Archive { .. }), DatasetKind::Cifar10 { url, .. })
            if folder.is_none() && url.starts_with("file://") =>
        {
            ExperimentError::Archive { url: url.clone(), source }
        }
        (source @ DatasetError::Io { .. }, _) if folder.is_some() => ExperimentError::Folder { source },
        (other, _) => other.into(),
    })
}
