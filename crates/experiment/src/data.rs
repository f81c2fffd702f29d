//! The images that a config names.

use std::io::ErrorKind;
use std::path::Path;

use strata_config::Config;
use strata_dataset::{Cifar10Source, Dataset, DatasetError, Split, Synthetic, load_cifar10};
use strata_files::too_many_open_files;
use strata_rng::TorchRng;
use strata_spec::DatasetSpec;

use crate::display::Display;
use crate::{ExperimentError, Stop};

/// Where a data set's files are or shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DataFolder<'a> {
    /// In the system's cache folder.
    Cache,
    /// In this folder, which the user has named: what is missing is downloaded to it.
    Named(&'a Path),
    /// In the folder that a run's record names. Where they are gone from it, a disk may not be mounted: nothing is put there.
    Recorded(&'a Path),
}

impl<'a> DataFolder<'a> {
    /// The folder that the user named, if there is one.
    pub(crate) fn named(folder: Option<&'a Path>) -> Self {
        folder.map_or(Self::Cache, Self::Named)
    }

    /// The folder; none for the cache.
    pub(crate) fn path(self) -> Option<&'a Path> {
        match self {
            Self::Cache => None,
            Self::Named(path) | Self::Recorded(path) => Some(path),
        }
    }
}

/// Fetches or makes the images.
pub(crate) fn load(
    experiment: &Config,
    folder: DataFolder<'_>,
    display: &mut Display,
    stop: &Stop,
) -> Result<Dataset, ExperimentError> {
    let dataset = match &experiment.dataset.kind {
        DatasetSpec::Synthetic { train, test, seed } => {
            stop.while_at_once(|| Synthetic { seed: *seed, train: *train, test: *test }.generate())?
        }
        DatasetSpec::Cifar10 { url, sha256 } => {
            let source = Cifar10Source {
                url: url.clone(),
                sha256: sha256.clone(),
                folder: folder.path().map(Path::to_owned),
                may_download: !matches!(folder, DataFolder::Recorded(_)),
            };
            load_cifar10(&source, &|| stop.is_requested(), &mut |progress| display.fetching(&progress))
        }
    };
    display.clear();
    dataset.map_err(|error| match (error, &experiment.dataset.kind) {
        (DatasetError::Cancelled, _) => ExperimentError::InterruptedEarly,
        (source @ (DatasetError::Io { .. } | DatasetError::Archive { .. }), DatasetSpec::Cifar10 { url, .. })
            if folder.path().is_none() && url.starts_with("file://") =>
        {
            ExperimentError::Archive { url: url.clone(), source }
        }
        (other, _) => match remedy(&other, folder) {
            Some(remedy) => ExperimentError::Place { source: other, remedy },
            None => other.into(),
        },
    })
}

/// What to do about images that could not be had.
fn remedy(error: &DatasetError, folder: DataFolder<'_>) -> Option<&'static str> {
    const NAME_A_FOLDER: &str = "--data is to name the folder that holds, or shall hold, the data set's files";
    let named = folder.path().is_some();
    let source = match error {
        DatasetError::NotAFolder { .. } => return Some(NAME_A_FOLDER),
        DatasetError::NoCacheFolder => return Some("name a folder for the download with --data"),
        DatasetError::Missing { .. } => {
            return Some(
                "the run was started with this folder, and nothing is downloaded to it again: mount its disk or put the \
                 files back, or name another folder with --data",
            );
        }
        DatasetError::Memory { what, .. } if what.starts_with("synthetic training") => {
            return Some("lower dataset.train");
        }
        DatasetError::Memory { what, .. } if what.starts_with("synthetic test") => return Some("lower dataset.test"),
        DatasetError::Memory { .. } => return Some("close other programs, or use a machine with more memory"),
        DatasetError::Io { source, .. } => source,
        _ => return None,
    };
    if too_many_open_files(source) {
        return Some(strata_files::remedy(source));
    }
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some("free some space there, or name another folder with --data; what came is kept, and gone on from")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("make it readable and writable for you, or name another folder with --data")
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists
            if named =>
        {
            Some(NAME_A_FOLDER)
        }
        _ if named => Some("put that file right, or name another folder with --data"),
        _ => None,
    }
}

/// Divides the training images: the first draws of a run. The generator is given as the network's parameters find it.
pub(crate) fn split(experiment: &Config, dataset: &Dataset) -> Result<(Split, TorchRng), ExperimentError> {
    let mut rng = TorchRng::new(experiment.seed);
    let split = Split::random(dataset.train.len(), experiment.dataset.validation, &mut rng)?;
    Ok((split, rng))
}

#[cfg(test)]
mod tests {
    /// Each crate has its own, since neither knows the other.
    #[test]
    fn a_configs_release_is_the_data_sets() {
        let release = strata_dataset::Cifar10Source::default();
        assert_eq!(
            (release.url.as_str(), release.sha256.as_str()),
            (strata_spec::DatasetSpec::CIFAR10_URL, strata_spec::DatasetSpec::CIFAR10_SHA256)
        );
    }
}
