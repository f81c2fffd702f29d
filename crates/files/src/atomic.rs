//! A sibling temporary, fsync, then a rename; what is no regular file is never replaced.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::place::{Place, place, resolve_link};

/// How the temporaries begin, so that those a killed process left can be told and removed.
const TEMPORARY: &str = ".strata-tmp-";

/// File names longer than this, in bytes, are left out of their temporaries' names, which have an end too.
const LONGEST_NAME: usize = 150;

/// Names tried before a folder full of leftovers is called an error.
const MOST_TRIES: usize = 1 << 16;

/// Writes `path` so that a reader, or a kill at any moment, sees either the earlier file or the whole new one.
///
/// `write` gets a buffered writer over a temporary in the same folder; when it returns, the temporary is flushed,
/// fsynced and renamed over `path`, and the folder is fsynced. The file is as readable as the umask allows; one that was
/// there keeps its permissions.
///
/// A link is followed, one to a file that does not exist yet too: the temporary and the new file are where the link points
/// to, and the link stays. A character device (`/dev/null`, a terminal) is written to as it is; a pipe, a socket and a block
/// device are refused. A file of several names (hard links) is replaced under this one; the others keep the earlier file.
///
/// # Errors
///
/// What `write`, the disk or the rename says; [`io::ErrorKind::InvalidInput`] for what cannot be written to. The earlier
/// file is then untouched and no temporary is left; only a failing fsync of the folder comes after the rename, when the new
/// file is in place.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (target, permissions) = match place(path)? {
        Place::Device => return write_to_device(path, write),
        Place::New(target) => (target, None),
        Place::File(target, permissions) => (target, Some(permissions)),
    };
    let mut temporary = Temporary::create(&target)?;
    {
        let mut writer = BufWriter::new(&mut temporary.file);
        write(&mut writer)?;
        writer.flush()?;
    }
    if let Some(permissions) = permissions {
        temporary.file.set_permissions(permissions)?;
    }
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, &target)?;
    temporary.renamed = true;
    sync_folder(folder_of(&target))
}

/// A device is written as it comes: it has no earlier content to keep.
fn write_to_device(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut device = BufWriter::new(File::options().write(true).open(path)?);
    write(&mut device)?;
    device.flush()
}

/// Makes `file`, which is open at `from`, durable and gives it the name `to` in the same file system, where it appears at
/// once. `to` is a regular file or does not exist; see [`resolve_link`](crate::resolve_link) for one that may be a link.
///
/// # Errors
///
/// What the disk or the rename says; [`io::ErrorKind::InvalidInput`], before anything is changed, where `to` is neither a
/// regular file nor free.
pub fn put_in_place(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file, and is not replaced"));
    }
    file.sync_all()?;
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Whether a file's name is that of a temporary of [`write_atomically`].
pub fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Removes the temporaries that a killed process left in `folder`, and those of the files that links in it lead to, where those lie; for the
/// one process that writes there.
pub fn remove_stale_temporaries(folder: &Path) {
    remove_files(folder, is_temporary);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_symlink())
            && let Ok(target) = resolve_link(&entry.path())
            && let Some(name) = target.file_name()
        {
            // What others write beside it stays.
            remove_files(folder_of(&target), |temporary| is_temporary_of(temporary, name));
        }
    }
}

fn remove_files(folder: &Path, is_leftover: impl Fn(&OsStr) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_leftover(&entry.file_name()) {
            // A leftover that cannot be removed does no harm; the owner's own writes will say what is wrong.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether `temporary` is the name of one for a file called `name`: process, count and that name, with `-` between.
fn is_temporary_of(temporary: &OsStr, name: &OsStr) -> bool {
    let parts = temporary.as_encoded_bytes().strip_prefix(TEMPORARY.as_bytes());
    parts.and_then(|parts| parts.splitn(3, |byte| *byte == b'-').nth(2)) == Some(name.as_encoded_bytes())
}

/// Whether the file at `path` has other names (hard links), so that a change in place would change what is found under those.
pub fn has_other_names(path: &Path) -> bool {
    #[cfg(unix)]
    let count = std::os::unix::fs::MetadataExt::nlink;
    #[cfg(not(unix))]
    let count = |_: &fs::Metadata| 1;
    fs::metadata(path).is_ok_and(|found| count(&found) > 1)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename or a new entry in `folder` durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    // A folder may let files be made in it and not be read itself.
    let folder = match File::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
        opened => opened?,
    };
    match folder.sync_all() {
        // Some file systems have no fsync for folders; there is nothing more to do on them.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// A new file of a name nobody else has, gone when it is dropped unless it has been renamed.
struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Temporary {
    /// Beside `target`.
    fn create(target: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut taken = None;
        for _ in 0..MOST_TRIES {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut name = OsString::from(format!("{TEMPORARY}{}-{number}", process::id()));
            if let Some(of) = target.file_name().filter(|of| of.len() <= LONGEST_NAME) {
                name.push("-");
                name.push(of);
            }
            let path = folder_of(target).join(name);
            // Never one that is there: another machine may share the folder, or a killed process of our number left it.
            match File::create_new(&path) {
                Ok(file) => return Ok(Self { path, file, renamed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(taken.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that ended the writing is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
