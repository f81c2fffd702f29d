//! Data sets: where each one's bytes come from, and what images and labels they are.
//!
//! A published data set is one file in `published/`: a [`Source`] that says in which layouts its files come and how they are read. To
//! add one, give it a name and a `Release` in `strata-spec`, put its file there, and let `cargo xtask docs` list the folder again.

mod archive;
mod arrays;
mod cifar;
mod files;
mod folder;
mod idx;
mod npy;
mod packed;
mod pickle;
mod published;
mod request;
mod synthetic;
mod zip;

use std::path::{Path, PathBuf};

use strata_rng::TorchRng;
use strata_spec::{DatasetKind, DatasetSpec};

pub use synthetic::Synthetic;

use crate::download::{FetchProgress, Limits, Watch, cache_folder};
use crate::{Dataset, DatasetError, ImageShape, Images};
use files::Found;
use request::Request;

/// The source of each published data set.
fn source(kind: DatasetKind) -> Option<&'static Source> {
    published::SOURCES.iter().copied().flatten().find(|source| source.kind == kind)
}

/// A published data set: what its files are called and how they are read.
#[derive(Debug)]
struct Source {
    /// Which it is; errors and records call it by that name.
    kind: DatasetKind,
    /// How it is downloaded.
    origin: Origin,
    /// Names that an archive of it may have in a folder, besides the one that is downloaded.
    archives: &'static [&'static str],
    /// The layouts in which its files come, the preferred one first.
    layouts: &'static [Layout],
}

/// What there is to download.
#[derive(Debug)]
enum Origin {
    /// One `.tar.gz` archive with the files of a layout in it; the spec says its checksum.
    Archive {
        /// Its name in a folder.
        name: &'static str,
        /// Its length in bytes, where it is the official one.
        bytes: u64,
    },
    /// The files of the first layout one by one, gzipped, with their checksums.
    Files(&'static [RemoteFile]),
}

/// A file to download.
#[derive(Debug)]
struct RemoteFile {
    name: &'static str,
    sha256: &'static str,
}

/// One set of files that hold the data set.
#[derive(Debug)]
struct Layout {
    /// The folder that they lie in, within an archive or a folder of the user's.
    folder: &'static str,
    /// The files; the first `required` of them must be there.
    files: &'static [Member],
    required: usize,
    /// What they hold.
    read: fn(&Found) -> Result<Dataset, DatasetError>,
}

/// A file of a layout.
#[derive(Debug)]
struct Member {
    name: &'static str,
    /// The most bytes that it may have, unpacked.
    longest: u64,
    /// The length of its records in bytes, of which there are at least one; 0 where it has none.
    record: usize,
}

/// Where a data set's files are or shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataFolder {
    /// In the system's cache folder, downloaded to it where they are missing.
    #[default]
    Cache,
    /// In this folder, downloaded to it where they are missing.
    Named(PathBuf),
    /// In this folder, or nowhere: nothing is put there.
    Existing(PathBuf),
}

impl DataFolder {
    /// The folder; none for the cache.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Cache => None,
            Self::Named(path) | Self::Existing(path) => Some(path),
        }
    }
}

/// Reads a data set, fetching it first where it is not there; or makes it, where it is synthetic.
///
/// A folder that holds a published data set's files is used as it is, whatever their bytes: the binary release's, itself or in
/// a folder of the release's name, or torchvision's pickles of CIFAR, which are read without running anything. So is an archive that is
/// named in the folder's place, and `cifar-10-python.tar.gz` in the folder. Otherwise the release is verified and read: from a `file://` URL in place,
/// else from the folder, downloaded to it if it is missing there. A download is resumed after a break, and one process at
/// a time makes it. Nothing that an archive names is ever written to disk.
///
/// `cancel` is asked every few milliseconds whether to stop; `progress` hears what happens.
///
/// ```no_run
/// use strata_dataset::{DataFolder, load};
/// use strata_spec::{DatasetKind, DatasetSpec};
///
/// let spec = DatasetSpec::published(DatasetKind::Cifar10).unwrap();
/// let data = load(&spec, &DataFolder::Cache, &|| false, &mut |_| {})?;
/// assert_eq!(data.train.len(), 50_000);
/// assert_eq!(data.train.class_counts(), [5_000; 10]);
///
/// // From another address, with the checksum of what is there.
/// let sha256 = Some("091cd93e2a80663e7b8cf831036cd28928b5ce5c0f3306eb271a78f2b1bfe5ff".to_owned());
/// let url = "file:///data/first-images.tar.gz".to_owned();
/// let spec = DatasetSpec::Published { kind: DatasetKind::Cifar10, url, sha256 };
/// let data = load(&spec, &DataFolder::Cache, &|| false, &mut |event| println!("{event:?}"))?;
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
///
/// # Errors
///
/// [`DatasetError::Cancelled`] on request; otherwise what is wrong with the source, the network, the archive or a data file,
/// with the file's name. Files that were there before are never removed.
pub fn load(
    spec: &DatasetSpec,
    folder: &DataFolder,
    cancel: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<Dataset, DatasetError> {
    load_within(spec, folder, &Limits::default(), &mut Watch { cancel, progress })
}

/// The published data sets whose files or archive lie in `folder`, by the names of these: several where they have the same names.
#[must_use]
pub fn published_in(folder: &Path) -> Vec<DatasetKind> {
    let found = published::SOURCES.iter().copied().flatten().filter(|source| source.lies_in(folder));
    found.map(|source| source.kind).collect()
}

/// Reads `x_test` and `y_test` of the arrays at `path`, an `.npz` archive or a folder of `.npy` files: samples of `shape` and labels of so many `classes`.
///
/// # Errors
///
/// As [`load`]; [`DatasetError::ImageFolder`] where there are no such arrays.
pub fn load_test_arrays(
    path: &Path,
    shape: ImageShape,
    classes: usize,
    cancel: &dyn Fn() -> bool,
) -> Result<Images, DatasetError> {
    let arrays = arrays::Arrays { path, shape, classes, counts: [0; 2], seed: 0 };
    arrays.load_test(&mut Watch { cancel, progress: &mut |_| {} })
}

fn load_within(
    spec: &DatasetSpec,
    folder: &DataFolder,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Dataset, DatasetError> {
    watch.check()?;
    let data = match spec {
        &DatasetSpec::Synthetic { train, test, seed, shape: [channels, height, width], classes } => {
            let shape = ImageShape { channels, height, width };
            Synthetic { seed, train, test, shape, classes }.generate_unless(watch.cancel)?
        }
        &DatasetSpec::Own { kind, ref path, shape: [channels, height, width], classes, train, test, seed } => {
            let shape = ImageShape { channels, height, width };
            let (path, counts) = (folder.path().unwrap_or(Path::new(path)), [train, test]);
            match kind {
                DatasetKind::Images => {
                    folder::Folder { path, shape, classes, counts, seed }.load(&cache_folder()?, watch)?
                }
                DatasetKind::Arrays => arrays::Arrays { path, shape, classes, counts, seed }.load(watch)?,
                other => return Err(DatasetError::NotOwn { name: other.to_string() }),
            }
        }
        DatasetSpec::Published { kind, url, sha256 } => {
            let Some(source) = source(*kind) else {
                return Err(DatasetError::NotPublished { name: kind.to_string() });
            };
            let request = Request { source, url, sha256: sha256.as_deref(), folder, limits };
            let data = request.load(watch)?;
            check_shape(spec, &data)?;
            data
        }
    };
    watch.tell(FetchProgress::Done { train: data.train.len(), test: data.test.len() });
    Ok(data)
}

/// Which of so many images are tested on, where there is no part of them: `wanted`, of the end of a permutation drawn by `seed`.
fn drawn_for_test(count: usize, wanted: usize, seed: u64) -> Result<Vec<bool>, DatasetError> {
    if wanted == 0 || wanted >= count || u32::try_from(count).is_err() {
        return Err(DatasetError::value("test", wanted, format!("there are {count} images to draw from")));
    }
    let mut is_test = vec![false; count];
    for place in &TorchRng::new(seed).permutation(count)[count - wanted..] {
        is_test[*place as usize] = true;
    }
    Ok(is_test)
}

/// What is read is what the spec has promised, or a network would be built for other images.
fn check_shape(spec: &DatasetSpec, data: &Dataset) -> Result<(), DatasetError> {
    for images in [&data.train, &data.test] {
        let shape = images.shape();
        let found = [shape.channels, shape.height, shape.width];
        if found != spec.shape() || images.classes() != spec.classes() {
            return Err(DatasetError::Shape { found, classes: images.classes(), expected: spec.shape() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
