//! The images that a config names.

use std::io::ErrorKind;
use std::path::Path;

use strata_config::Experiment;
use strata_dataset::{Cifar10Source, Dataset, DatasetError, Synthetic, load_cifar10};
use strata_spec::DatasetSpec;

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
        DatasetSpec::Synthetic { train, test, seed } => {
            stop.while_at_once(|| Synthetic { seed: *seed, train: *train, test: *test }.generate())?
        }
        DatasetSpec::Cifar10 { url, sha256 } => {
            let source = Cifar10Source { url: url.clone(), sha256: sha256.clone(), folder: folder.map(Path::to_owned) };
            load_cifar10(&source, &|| stop.is_requested(), &mut |progress| display.fetching(&progress))
        }
    };
    display.clear();
    dataset.map_err(|error| match (error, &experiment.dataset.kind) {
        (DatasetError::Cancelled, _) => ExperimentError::InterruptedEarly,
        (source @ (DatasetError::Io { .. } | DatasetError::Archive { .. }), DatasetSpec::Cifar10 { url, .. })
            if folder.is_none() && url.starts_with("file://") =>
        {
            ExperimentError::Archive { url: url.clone(), source }
        }
        (other, _) => match remedy(&other, folder.is_some()) {
            Some(remedy) => ExperimentError::Place { source: other, remedy },
            None => other.into(),
        },
    })
}

/// What to do about a folder of images that could not be used.
fn remedy(error: &DatasetError, named: bool) -> Option<&'static str> {
    let DatasetError::Io { source, .. } = error else { return None };
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
            Some("--data is to name the folder that holds, or shall hold, the images' files")
        }
        _ if named => Some("put that file right, or name another folder with --data"),
        _ => None,
    }
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
