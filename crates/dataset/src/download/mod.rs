//! One file fetched by URL: resumed after a break, verified, and whole or not there at all.

mod certificates;
mod fetch;
mod lock;
mod partial;
mod transfer;

pub(crate) use fetch::fetch;

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{DatasetError, digest};

/// What loading is at, for a progress bar.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
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

/// The longest archive taken, in bytes; the official one has 170 million.
const LONGEST: u64 = 4 << 30;

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

/// A file to have at `target`.
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
    pub(crate) progress: &'a mut dyn FnMut(Progress),
}

impl Watch<'_> {
    pub(crate) fn check(&self) -> Result<(), DatasetError> {
        if (self.cancel)() { Err(DatasetError::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn tell(&mut self, progress: Progress) {
        (self.progress)(progress);
    }
}

/// Opens a file and makes sure of its bytes; what is read from the handle is what was verified.
///
/// `path` is also what errors name.
pub(crate) fn open_verified(
    path: &Path,
    sha256: &str,
    remedy: &'static str,
    watch: &mut Watch<'_>,
) -> Result<File, DatasetError> {
    let mut file = open_regular(path, LONGEST)?;
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
    watch.tell(Progress::Verifying { path: path.to_owned() });
    let io = |error| DatasetError::io("read", path, error);
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let digest = digest::of_reader(file, |_| watch.check().map_err(|_| io::ErrorKind::TimedOut.into()));
    watch.check()?;
    let digest = digest.map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(digest)
}

/// Whether there is a file here; an unreadable folder counts as none, and fails when written to.
pub(crate) fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests;
