//! One file fetched by URL: resumed after a break, verified, and whole or not there at all.
//!
//! ```no_run
//! use std::path::Path;
//! use strata_dataset::download::Download;
//!
//! let download = Download {
//!     url: "https://host/weights.bin",
//!     sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
//!     target: Path::new("weights.bin"),
//!     longest: 1 << 20,
//!     may_download: true,
//! };
//! let (path, file) = download.fetch(&|| false, &mut |event| println!("{event:?}"))?;
//! # Ok::<(), strata_dataset::DatasetError>(())
//! ```

mod certificates;
mod fetch;
mod location;
mod lock;
mod partial;
mod transfer;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{DatasetError, digest};
use fetch::fetch;
use location::Location;
pub(crate) use lock::Lock;

/// What loading is at, for a progress bar.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchProgress {
    /// Another process downloads the same file; this one waits for it.
    Waiting {
        /// The file both want.
        path: PathBuf,
    },
    /// The server answers; comes again when a broken transfer is taken up anew.
    Started {
        /// The whole file's length in bytes, where the server tells it.
        total: Option<u64>,
        /// Bytes that an earlier, broken transfer has left.
        resumed_from: u64,
    },
    /// More of the file has arrived.
    Advanced {
        /// Bytes since the last event.
        bytes: u64,
    },
    /// The checksum is being computed.
    Verifying {
        /// The file.
        path: PathBuf,
    },
    /// Images of files are being brought to one size and packed.
    Packing {
        /// How many are.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// The images are being read.
    Reading {
        /// The archive, or the folder of data files.
        path: PathBuf,
    },
    /// All images are in memory.
    Done {
        /// Training images.
        train: usize,
        /// Test images.
        test: usize,
    },
}

/// The longest file taken, in bytes.
pub(crate) const LONGEST: u64 = 4 << 30;

/// How long to wait for what, and how often to try again.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// For a name to resolve, and for a connection (with its TLS handshake).
    pub(crate) connect: Duration,
    /// For the next bytes to arrive.
    pub(crate) stall: Duration,
    /// Before the first retry; twice as long before each further one.
    pub(crate) backoff: Duration,
    /// Transfers begun again after a break or a server's error.
    pub(crate) retries: u32,
    /// A server that sends fewer than `least` bytes in this time is as good as silent: a drop now and then would hold a run for days.
    pub(crate) window: Duration,
    /// Bytes.
    pub(crate) least: u64,
    /// The longest file taken, in bytes.
    pub(crate) longest: u64,
    /// Whether `HTTPS_PROXY` and its kin are heeded.
    pub(crate) proxy: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
            retries: 4,
            window: Duration::from_secs(60),
            least: 60 << 10,
            longest: LONGEST,
            proxy: true,
        }
    }
}

/// A file to have.
///
/// A download goes to `NAME.part` beside the target and is gone on with after a break, in the next process too; one process at a time makes
/// it. `HTTPS_PROXY` and its kin, `SSL_CERT_FILE`, `SSL_CERT_DIR` and the system's certificates are heeded.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// An `http://`, `https://` or `file://` URL. A user name, password and query in it are used, and reach no message and no file.
    pub url: &'a str,
    /// The file's SHA-256, 64 hexadecimal digits.
    pub sha256: &'a str,
    /// Where to have it; a `file://` URL is read in place.
    pub target: &'a Path,
    /// The most bytes that the file may have; of more than 4 GiB (2³² bytes), 4 GiB.
    pub longest: u64,
    /// Whether it may be downloaded where it is missing.
    pub may_download: bool,
}

impl Download<'_> {
    /// The verified file, open at its beginning, and where it is: at the target, downloaded to it unless it is there.
    ///
    /// `cancel` is asked every few milliseconds whether to stop; `progress` hears what happens.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Cancelled`] on request; a URL or a checksum that is none; [`DatasetError::Missing`] where it may not be downloaded;
    /// what the network or the disk says; [`DatasetError::Checksum`] for other bytes. A file that was there before stays.
    pub fn fetch(
        &self,
        cancel: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<(PathBuf, File), DatasetError> {
        self.fetch_within(&Limits::default(), &mut Watch { cancel, progress })
    }

    pub(crate) fn fetch_within(&self, limits: &Limits, watch: &mut Watch<'_>) -> Result<(PathBuf, File), DatasetError> {
        if !digest::is_sha256(self.sha256) {
            return Err(DatasetError::BadChecksum { value: self.sha256.to_owned() });
        }
        let sha256 = self.sha256.to_ascii_lowercase();
        let limits = Limits { longest: limits.longest.min(self.longest), ..limits.clone() };
        match Location::parse(self.url)? {
            Location::File(path) => {
                let file = open_verified(&path, &sha256, limits.longest, IN_PLACE, watch)?;
                Ok((path, file))
            }
            Location::Http => {
                if !self.may_download && !self.target.exists() {
                    return Err(DatasetError::Missing { path: self.target.to_owned() });
                }
                let wanted = Wanted { url: self.url, sha256: &sha256, target: self.target, limits: &limits };
                Ok((self.target.to_owned(), fetch(&wanted, watch)?))
            }
        }
    }

    /// Whether a URL can be one.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Url`] with what is wrong.
    pub fn check_url(url: &str) -> Result<(), DatasetError> {
        Location::parse(url).map(drop)
    }
}

/// The system's folder for downloads.
///
/// # Errors
///
/// [`DatasetError::NoCacheFolder`] where this user has no home folder.
pub fn cache_folder() -> Result<PathBuf, DatasetError> {
    use etcetera::base_strategy::{BaseStrategy as _, choose_native_strategy};
    let system = choose_native_strategy().map_err(|_| DatasetError::NoCacheFolder)?;
    Ok(system.cache_dir().join("strata"))
}

/// What to do with a file that a `file://` URL names and that is not the one wanted.
const IN_PLACE: &str = "it was left as it is: correct the file, the URL or the checksum";

/// A file to have at `target`, wherever it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a str,
    /// Lower-case hexadecimal.
    pub(crate) sha256: &'a str,
    pub(crate) target: &'a Path,
    pub(crate) limits: &'a Limits,
}

/// Who asks, how to tell it of progress, and whether it still wants an answer.
pub(crate) struct Watch<'a> {
    pub(crate) cancel: &'a dyn Fn() -> bool,
    pub(crate) progress: &'a mut dyn FnMut(FetchProgress),
}

impl Watch<'_> {
    pub(crate) fn check(&self) -> Result<(), DatasetError> {
        if (self.cancel)() { Err(DatasetError::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn tell(&mut self, progress: FetchProgress) {
        (self.progress)(progress);
    }
}

/// Opens a file and makes sure of its bytes; what is read from the handle is what was verified.
///
/// `path` is also what errors name.
pub(crate) fn open_verified(
    path: &Path,
    sha256: &str,
    longest: u64,
    remedy: &'static str,
    watch: &mut Watch<'_>,
) -> Result<File, DatasetError> {
    let mut file = open_regular(path, longest)?;
    let (found, bytes) = measure(&mut file, path, watch)?;
    if found != sha256 {
        return Err(DatasetError::Checksum {
            path: path.to_owned(),
            bytes,
            found,
            expected: sha256.to_owned(),
            remedy,
        });
    }
    Ok(file)
}

/// Opens a regular file of at most `longest` bytes.
pub(crate) fn open_regular(path: &Path, longest: u64) -> Result<File, DatasetError> {
    strata_files::open_regular(path, longest).map_err(|error| DatasetError::io("open", path, error))
}

/// SHA-256 and length of a whole file, which is left at its beginning.
fn measure(file: &mut File, path: &Path, watch: &mut Watch<'_>) -> Result<(String, u64), DatasetError> {
    watch.tell(FetchProgress::Verifying { path: path.to_owned() });
    let io = |error| DatasetError::io("read", path, error);
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let digest = digest::of_reader(file, |_| watch.check().map_err(|_| io::ErrorKind::TimedOut.into()));
    watch.check()?;
    let digest = digest.map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(digest)
}

#[cfg(test)]
mod tests;
