//! One process at a time may download a file.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;

use strata_files::open_to_update;

use super::partial::with_suffix;
use super::transfer::POLL;
use super::{FetchProgress, Watch};
use crate::DatasetError;

/// A lock on `NAME.lock`, which is removed with it. The system frees a dead process's lock.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// Locked for as long as it is open.
    _file: File,
}

impl Lock {
    /// Waits until this process holds the lock on `target`.
    pub(crate) fn hold(target: &Path, watch: &mut Watch<'_>) -> Result<Self, DatasetError> {
        let path = with_suffix(target, ".lock");
        let mut told = false;
        loop {
            let file = open_to_update(&path).map_err(|error| DatasetError::io("create", &path, error))?;
            match file.try_lock() {
                Ok(()) if is_same_file(&file, &path) => return Ok(Self { path, _file: file }),
                // Its last holder removed it between opening and locking: lock the next one.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(DatasetError::io("lock", &path, error));
                }
            }
            if !told {
                watch.tell(FetchProgress::Waiting { path: target.to_owned() });
                told = true;
            }
            watch.check()?;
            thread::sleep(POLL);
        }
    }
}

/// Whether the locked file is the one that others will open.
#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(locked), Ok(named)) => identity(locked) == identity(named),
        _ => false,
    }
}

/// Elsewhere the file is never removed.
#[cfg(not(unix))]
fn is_same_file(_: &File, _: &Path) -> bool {
    true
}

impl Drop for Lock {
    fn drop(&mut self) {
        if cfg!(unix)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(path = %self.path.display(), %error, "cannot remove the lock file");
        }
    }
}
