//! A sibling temporary, fsync, then a rename.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the temporaries begin, so that those a killed process left can be told and removed.
const TEMPORARY: &str = ".strata-tmp-";

/// Names tried before a folder full of leftovers is called an error.
const MOST_TRIES: usize = 1 << 16;

/// Writes `path` so that a reader, or a kill at any moment, sees either the earlier file or the whole new one.
///
/// `write` gets a buffered writer over a temporary in the same folder; when it returns, the temporary is flushed,
/// fsynced and renamed over `path`, and the folder is fsynced. The file is as readable as the umask allows.
///
/// # Errors
///
/// What `write`, the disk or the rename says. The earlier file is then untouched and no temporary is left; only a failing
/// fsync of the folder comes after the rename, when the new file is in place.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut temporary = Temporary::create(folder_of(path))?;
    {
        let mut writer = BufWriter::new(&mut temporary.file);
        write(&mut writer)?;
        writer.flush()?;
    }
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, path)?;
    temporary.renamed = true;
    sync_folder(folder_of(path))
}

/// Makes `file`, which is open at `from`, durable and gives it the name `to` in the same file system, where it appears at
/// once.
///
/// # Errors
///
/// What the disk or the rename says.
pub fn put_in_place(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Whether a file's name is that of a temporary of [`write_atomically`].
pub fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Removes the temporaries that a killed process left in `folder`; for the one process that writes there.
pub fn remove_stale_temporaries(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if is_temporary(&entry.file_name()) {
            // A leftover that cannot be removed does no harm; the owner's own writes will say what is wrong.
            let _ = fs::remove_file(entry.path());
        }
    }
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
    fn create(folder: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut taken = None;
        for _ in 0..MOST_TRIES {
            let name = format!("{TEMPORARY}{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = folder.join(name);
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
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failing_writer_leaves_the_old_file_and_no_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write_atomically(&path, |w| w.write_all(b"old")).unwrap();
        let error = write_atomically(&path, |w| {
            w.write_all(&[b'n'; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["a.json"]);
    }

    #[test]
    fn a_panicking_writer_leaves_no_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert!(std::panic::catch_unwind(|| write_atomically(&path, |_| panic!("on purpose"))).is_err());
        assert_eq!(names(dir.path()), [""; 0]);
    }

    /// A reader during the writing, and bytes that only fill the buffer: old until the rename, whole after it.
    #[test]
    fn the_old_file_stands_until_the_whole_new_one_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b");
        write_atomically(&path, |w| w.write_all(b"old")).unwrap();
        write_atomically(&path, |w| {
            w.write_all(b"tail")?;
            assert_eq!(fs::read(&path).unwrap(), b"old");
            Ok(())
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"tail");
        assert_eq!(names(dir.path()), ["b"]);
    }

    #[test]
    fn a_folder_in_the_files_place_and_a_missing_folder_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomically(&path, |w| w.write_all(b"x")).is_err());
        assert_eq!(names(dir.path()), ["taken"]);
        let error = write_atomically(&dir.path().join("no/such"), |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn leftovers_neither_block_nor_stay() {
        let dir = tempfile::tempdir().unwrap();
        // The names that this process would use next, as a killed one of its number would have left them.
        for count in 0..200 {
            fs::write(dir.path().join(format!("{TEMPORARY}{}-{count}", process::id())), "left").unwrap();
        }
        let path = dir.path().join("c");
        write_atomically(&path, |w| w.write_all(b"whole")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        fs::write(dir.path().join(".other"), "").unwrap();
        remove_stale_temporaries(dir.path());
        assert_eq!(names(dir.path()), [".other", "c"]);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_the_umask_lets_them() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (plain, atomic) = (dir.path().join("plain"), dir.path().join("atomic"));
        fs::write(&plain, b"").unwrap();
        write_atomically(&atomic, |_| Ok(())).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&atomic), mode(&plain));
    }
}
