//! Data sets: where each one's bytes come from, and what images and labels they are.
//!
//! A published data set is one file in `published/`: a [`Source`] that says in which layouts its files come and how they are read. To
//! add one, give it a name and a `Release` in `strata-spec`, put its file there, and let `cargo xtask docs` list the folder again.

mod archive;
mod cifar;
mod files;
mod idx;
mod pickle;
mod published;
mod synthetic;

use std::path::{Path, PathBuf};

use strata_files::hide_credentials;
use strata_spec::{DatasetKind, DatasetSpec};

pub use synthetic::Synthetic;

use crate::download::{Download, FetchProgress, Limits, Watch, cache_folder};
use crate::{Dataset, DatasetError, ImageShape, digest};
use files::{Found, is_file};

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

/// The URL of the file `name` in the folder that `url` names, whose query stays.
fn below(url: &str, name: &str) -> String {
    let (folder, query) = url.split_at(url.find('?').filter(|_| !url.starts_with("file:")).unwrap_or(url.len()));
    format!("{}/{name}{query}", folder.trim_end_matches('/'))
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

/// A published data set that is asked for.
struct Request<'a> {
    source: &'static Source,
    url: &'a str,
    sha256: Option<&'a str>,
    folder: &'a DataFolder,
    limits: &'a Limits,
}

impl Request<'_> {
    fn load(&self, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        if let Some(sha256) = self.sha256.filter(|sha256| !digest::is_sha256(sha256)) {
            return Err(DatasetError::BadChecksum { value: sha256.to_owned() });
        }
        Download::check_url(self.url)?;
        if let Some(path) = self.folder.path() {
            if is_file(path) && files::is_gzip(path)? {
                return self.archive_as_it_is(path, watch);
            }
            if let Some(path) = path.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
                return Err(DatasetError::NotAFolder { path: path.to_owned() });
            }
            if let Some(found) = self.source.in_folder(path, watch)? {
                return (found.layout.read)(&found);
            }
            for name in self.source.archives {
                let path = path.join(name);
                if is_file(&path) {
                    return self.archive_as_it_is(&path, watch);
                }
            }
        }
        match self.source.origin {
            Origin::Archive { name, bytes } => self.archive(name, bytes, watch),
            Origin::Files(files) => self.files(files, watch),
        }
    }

    /// An archive of the user's own, whose checksum nobody has asked for.
    fn archive_as_it_is(&self, path: &Path, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let file = files::open(path, crate::download::LONGEST)?;
        watch.tell(FetchProgress::Reading { path: path.to_owned() });
        let found = archive::read(self.source, file, path, watch)?;
        (found.layout.read)(&found)
    }

    fn archive(&self, name: &str, bytes: u64, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let Some(sha256) = self.sha256 else {
            return Err(DatasetError::BadChecksum { value: String::new() });
        };
        let sha256 = sha256.to_ascii_lowercase();
        let is_official = self.source.release_sha256() == Some(&sha256);
        let longest = if is_official { bytes } else { u64::MAX };
        let target = self.target(name, &sha256)?;
        let (path, file) = self.download(self.url, &sha256, &target, longest).fetch_within(self.limits, watch)?;
        watch.tell(FetchProgress::Reading { path: path.clone() });
        let found = archive::read(self.source, file, &path, watch)?;
        (found.layout.read)(&found)
    }

    /// The files of the first layout, each by its own checksum.
    fn files(&self, files: &'static [RemoteFile], watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let layout = &self.source.layouts[0];
        let mut found = Found::new(layout, hide_credentials(self.url));
        for file in files {
            let url = below(self.url, file.name);
            let target = self.target(file.name, file.sha256)?;
            let download = self.download(&url, file.sha256, &target, u64::MAX);
            let (path, open) = download.fetch_within(self.limits, watch)?;
            watch.tell(FetchProgress::Reading { path: path.clone() });
            found.take_gzip(file.name, open, &path)?;
        }
        (layout.read)(&found)
    }

    fn download<'b>(&'b self, url: &'b str, sha256: &'b str, target: &'b Path, longest: u64) -> Download<'b> {
        let may_download = !matches!(self.folder, DataFolder::Existing(_));
        Download { url, sha256, target, longest, may_download }
    }

    /// Where a file is looked for, and downloaded to.
    fn target(&self, name: &str, sha256: &str) -> Result<PathBuf, DatasetError> {
        if let Some(folder) = self.folder.path() {
            return Ok(folder.join(name));
        }
        // Another release is another file: switching between two downloads neither again.
        let short = &sha256[..12];
        let name = match name.strip_suffix(".tar.gz") {
            Some(stem) => format!("{stem}-{short}.tar.gz"),
            None => format!("{}-{short}-{name}", self.source.kind),
        };
        Ok(cache_folder()?.join(name))
    }
}

#[cfg(test)]
mod tests;
