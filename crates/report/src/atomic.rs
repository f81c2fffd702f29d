//! Files that appear whole or not at all: a sibling temporary, fsync, then a rename.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::ReportError;

/// How the temporaries begin, so that those a killed process left can be told and removed.
const TEMPORARY: &str = ".strata-tmp-";

/// Writes `path` so that a reader, or a kill at any moment, sees either the earlier file or the whole new one.
///
/// `write` gets a buffered writer over a temporary in the same folder; when it returns, the temporary is flushed,
/// fsynced and renamed over `path`, and the folder is fsynced.
///
/// # Errors
///
/// [`ReportError::Io`] where `write`, the disk or the rename fails. The earlier file is then untouched and no
/// temporary is left; only a failing fsync of the folder comes after the rename, when the new file is in place.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), ReportError> {
    let failed = |source| ReportError::Io { action: "write the file", path: path.to_path_buf(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    {
        // tempfile's default is for secrets (0600); a run's files are as readable as the umask allows.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder).map_err(failed)?;
    {
        let mut writer = BufWriter::new(temporary.as_file_mut());
        write(&mut writer).and_then(|()| writer.flush()).map_err(failed)?;
    }
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|e| failed(e.error))?;
    sync_folder(folder).map_err(failed)
}

/// Makes a rename or a new entry in `folder` durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match fs::File::open(folder)?.sync_all() {
        // Some file systems have no fsync for folders; there is nothing more to do on them.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

/// Removes the temporaries that a killed process left in `folder`; only the run's owner may call this.
pub(crate) fn remove_stale_temporaries(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            // A leftover that cannot be removed does no harm; the run's own writes will say what is wrong.
            let _ = fs::remove_file(entry.path());
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
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .unwrap_err();
        assert!(error.to_string().contains("free some space"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["a.json"]);
    }

    /// /dev/full's sibling cannot be made by renaming, so the flush of buffered bytes is what this exercises: a
    /// writer that only fills the buffer must still have every byte on the disk afterwards.
    #[test]
    fn what_stays_in_the_buffer_is_flushed_before_the_rename() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b");
        write_atomically(&path, |w| w.write_all(b"tail")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"tail");
    }

    #[test]
    fn a_folder_in_the_files_place_is_an_error_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomically(&path, |w| w.write_all(b"x")).is_err());
        assert_eq!(names(dir.path()), ["taken"]);
    }

    #[test]
    fn a_missing_folder_is_an_error_naming_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("no/such/record.json");
        let error = write_atomically(&path, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("record.json"), "{error}");
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
