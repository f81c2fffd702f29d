//! CIFAR-10's binary release, from a folder, an archive or the network.

mod archive;
mod location;
mod records;

use std::path::{Path, PathBuf};

use crate::download::{Limits, Progress, Wanted, Watch, fetch, is_file, open_verified};
use crate::{Dataset, DatasetError, digest};
use location::Location;

/// The official release and its checksum, as its page gives it: 170,052,171 bytes.
const URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
const SHA256: &str = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";
const BYTES: u64 = 170_052_171;
/// The archive's name in a folder of the user's.
const ARCHIVE: &str = "cifar-10-binary.tar.gz";
/// The archive's folder of data files.
const FOLDER: &str = "cifar-10-batches-bin";

/// Where CIFAR-10 comes from; by default the official release, kept in the system's cache folder.
///
/// ```no_run
/// use strata_dataset::{Cifar10Source, load_cifar10};
///
/// let source = Cifar10Source::default();
/// let data = load_cifar10(&source, &|| false, &mut |_| {})?;
/// assert_eq!(data.train.len(), 50_000);
/// assert_eq!(data.train.class_counts(), [5_000; 10]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cifar10Source {
    /// An `http://`, `https://` or `file://` URL of the `.tar.gz` archive.
    pub url: String,
    /// The archive's SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// A folder that holds the `.bin` files (itself or in `cifar-10-batches-bin`) or the archive,
    /// or that the archive is downloaded to; without one, the system's cache folder.
    pub folder: Option<PathBuf>,
    /// Whether the archive may be downloaded where it is missing.
    pub may_download: bool,
}

impl Default for Cifar10Source {
    fn default() -> Self {
        Self { url: URL.to_owned(), sha256: SHA256.to_owned(), folder: None, may_download: true }
    }
}

/// Reads CIFAR-10, fetching it first where it is not there.
///
/// A folder with all six `.bin` files is used as it is, whatever their bytes. Otherwise the
/// archive is verified and read: from a `file://` URL in place, else from the folder, downloaded
/// to it if it is missing there. A download is resumed after a break, and one process at a time
/// makes it. Nothing the archive names is ever written to disk.
///
/// `cancel` is asked every few milliseconds whether to stop; `progress` hears what happens.
///
/// # Errors
///
/// [`DatasetError::Cancelled`] on request; otherwise what is wrong with the source, the network,
/// the archive or a data file, with the file's name and the remedy. Files that were there before
/// are never removed.
pub fn load_cifar10(
    source: &Cifar10Source,
    cancel: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Dataset, DatasetError> {
    let mut watch = Watch { cancel, progress };
    load(source, &Limits::default(), &mut watch)
}

fn load(source: &Cifar10Source, limits: &Limits, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
    if !digest::is_sha256(&source.sha256) {
        return Err(DatasetError::BadChecksum { value: source.sha256.clone() });
    }
    let sha256 = source.sha256.to_ascii_lowercase();
    let location = Location::parse(&source.url)?;
    watch.check()?;

    if let Some(path) = source.folder.as_ref().filter(|path| path.exists() && !path.is_dir()) {
        return Err(DatasetError::NotAFolder { path: path.clone() });
    }
    if let Some(folder) = &source.folder
        && let Some(files) = data_folder(folder)?
    {
        watch.tell(Progress::Reading { path: files.clone() });
        return done(records::read_folder(&files, watch)?, watch);
    }

    let (path, file) = match location {
        Location::File(path) => {
            let remedy = "it was left as it is: correct the file, dataset.url or dataset.sha256";
            let file = open_verified(&path, &sha256, remedy, watch)?;
            (path, file)
        }
        Location::Http => {
            let target = archive_path(source.folder.as_deref(), &sha256)?;
            if !source.may_download && !is_file(&target) {
                return Err(DatasetError::Missing { path: target });
            }
            let mut limits = limits.clone();
            if sha256 == SHA256 {
                limits.longest = limits.longest.min(BYTES);
            }
            let wanted = Wanted { url: &source.url, sha256: &sha256, target: &target, limits: &limits };
            let file = fetch(&wanted, watch)?;
            (target, file)
        }
    };
    watch.tell(Progress::Reading { path: path.clone() });
    done(archive::read(file, &path, watch)?, watch)
}

fn done(data: Dataset, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
    watch.tell(Progress::Done { train: data.train.len(), test: data.test.len() });
    Ok(data)
}

/// The folder with all six data files: this one, or its sub-folder.
fn data_folder(folder: &Path) -> Result<Option<PathBuf>, DatasetError> {
    for candidate in [folder.to_owned(), folder.join(FOLDER)] {
        let missing: Vec<&str> = records::FILES.into_iter().filter(|name| !is_file(&candidate.join(name))).collect();
        if missing.is_empty() {
            return Ok(Some(candidate));
        }
        if missing.len() < records::FILES.len() {
            tracing::warn!(
                folder = %candidate.display(),
                missing = missing.join(", "),
                "not all of CIFAR-10's data files are here, so none is used"
            );
        }
    }
    Ok(None)
}

/// Where the archive is looked for, and downloaded to.
fn archive_path(folder: Option<&Path>, sha256: &str) -> Result<PathBuf, DatasetError> {
    use etcetera::base_strategy::{BaseStrategy as _, choose_native_strategy};
    if let Some(folder) = folder {
        return Ok(folder.join(ARCHIVE));
    }
    let system = choose_native_strategy().map_err(|_| DatasetError::NoCacheFolder)?;
    // Another release is another file: switching between two downloads neither again.
    let name = format!("cifar-10-binary-{}.tar.gz", &sha256[..12]);
    Ok(system.cache_dir().join("strata").join(name))
}

#[cfg(test)]
mod tests;
