//! One owner a run: an advisory lock that the operating system drops with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use crate::error::ReportError;
use crate::names::LOCK;
use crate::owner::{Owner, UNKNOWN, host_name};

/// A listing holds the lock for an instant to see whether anybody does, so one refusal is not yet an owner.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// The lock on a run's folder, held until it is dropped or the process dies.
///
/// Two are taken: on the file `lock`, and on the folder itself where the system lets a folder be locked (Linux does, but for network
/// file systems). So whoever removes the file of a living run, taking it for a stale one, does not make room for a second owner.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
    _folder: Option<File>,
}

impl Lock {
    /// Takes the lock of the run in `folder` and writes into it who holds it.
    pub(crate) fn take(folder: &Path) -> Result<Lock, ReportError> {
        let path = folder.join(LOCK);
        let fail = |source| ReportError::Io { action: "take the run's lock", path: path.clone(), source };
        // What a link leads to is somebody else's, and would be written over.
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(fail(io::Error::new(io::ErrorKind::AlreadyExists, "it is not a regular file")));
        }
        // Never replaced by a rename: a lock belongs to the file, not to its name.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        let opened = open_folder(folder);
        for attempt in 1.. {
            match try_both(&file, opened.as_ref()) {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < TRIES => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(ReportError::Held { path: folder.to_path_buf(), owner: read_owner(&mut file) });
                }
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
        let mut text = serde_json::to_vec(&Owner::this_process()).map_err(|e| fail(e.into()))?;
        text.push(b'\n');
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&text))
            .map_err(fail)?;
        Ok(Lock { _file: file, _folder: opened })
    }
}

/// The folder, to be locked; none where folders cannot be opened.
fn open_folder(folder: &Path) -> Option<File> {
    if cfg!(unix) { File::open(folder).ok() } else { None }
}

/// Both locks or neither.
fn try_both(file: &File, folder: Option<&File>) -> Result<(), TryLockError> {
    file.try_lock()?;
    match folder.map(File::try_lock) {
        Some(Err(TryLockError::WouldBlock)) => {
            // A listing that looks at this moment is not to see an owner.
            let _ = file.unlock();
            Err(TryLockError::WouldBlock)
        }
        // Not every file system locks folders; the file's lock has to do there.
        _ => Ok(()),
    }
}

/// What the lock file says of its owner; a half-written one says nothing, nor does one that is locked on a system where a lock keeps readers
/// out (Windows): the owner is unknown there.
fn read_owner(file: &mut File) -> Owner {
    let mut text = Vec::new();
    match file.take(4096).read_to_end(&mut text) {
        Ok(_) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(_) => Owner::default(),
    }
}

/// Whether some process holds the lock of the run in `folder`. A shared lock is tried, so listings do not see each other.
pub(crate) fn is_held(folder: &Path) -> bool {
    let held = |opened: File| matches!(opened.try_lock_shared(), Err(TryLockError::WouldBlock));
    lock_file(folder).is_some_and(held) || open_folder(folder).is_some_and(held)
}

/// The lock's file, to be looked at; none where there is none. A pipe in its place would block the open for ever.
fn lock_file(folder: &Path) -> Option<File> {
    let path = folder.join(LOCK);
    path.metadata().is_ok_and(|found| found.is_file()).then(|| File::open(path).ok()).flatten()
}

/// Who holds the lock of the run in `folder`, as far as its file says; none where nobody does.
///
/// What it says is a claim: [`Owner::is_here`] looks whether it is true.
#[must_use]
pub fn owner_of(folder: &Path) -> Option<Owner> {
    is_held(folder).then(|| lock_file(folder).map_or_else(Owner::default, |mut file| read_owner(&mut file)))
}

impl Owner {
    /// Whether this is a process of this machine that has the lock's file of the run in `folder` open.
    ///
    /// A file may name a process that is long gone, and whose number another one has by now: where the system tells what a process has open (Linux),
    /// that is looked at. Elsewhere the machine's name has to do.
    #[must_use]
    pub fn is_here(&self, folder: &Path) -> bool {
        let (Some(pid), Some(host)) = (self.pid, &self.host) else { return false };
        *host == host_name() && host != UNKNOWN && has_open(pid, &folder.join(LOCK))
    }
}

#[cfg(target_os = "linux")]
fn has_open(pid: u32, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    let Some(wanted) = place(path) else { return false };
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.into_iter().any(|file| place(&file.path()) == Some(wanted))
}

#[cfg(not(target_os = "linux"))]
fn has_open(_: u32, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of a process that is gone may be another's by now.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_owner_is_one_that_holds_the_lock_and_has_its_file_open() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(owner_of(dir.path()), None);
        let held = Lock::take(dir.path()).unwrap();
        let owner = owner_of(dir.path()).unwrap();
        assert!(owner.pid == Some(std::process::id()) && owner.is_here(dir.path()), "{owner}");
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let reused = Owner { pid: Some(other.id()), ..owner.clone() };
        let elsewhere = Owner { host: Some("another-machine".into()), ..owner.clone() };
        for owner in [reused, elsewhere, Owner::default()] {
            assert!(!owner.is_here(dir.path()), "{owner}");
        }
        other.kill().unwrap();
        other.wait().unwrap();
        drop(held);
        assert_eq!(owner_of(dir.path()), None, "its file stays, and says nothing");
    }

    #[test]
    fn a_second_locker_is_told_the_owner_and_gets_the_lock_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path()).unwrap();
        assert!(is_held(dir.path()));
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        let owner = format!("process {} on ", std::process::id());
        // Elsewhere a locked file cannot be read.
        assert!(error.contains(if cfg!(unix) { &owner } else { "does not say who" }), "{error}");
        drop(held);
        assert!(!is_held(dir.path()));
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_dead_owners_lock_file_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOCK);
        std::fs::write(&path, format!("{{\"pid\":1,\"host\":\"{}\"}}", "h".repeat(9000))).unwrap();
        drop(Lock::take(dir.path()).unwrap());
        let owner: Owner = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(owner.pid, Some(std::process::id()));
        assert!(owner.host.is_some_and(|host| !host.starts_with("hhh")));
    }

    /// Elsewhere a locked file cannot be written by others.
    #[cfg(unix)]
    #[test]
    fn a_half_written_lock_file_has_an_unknown_owner() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Lock::take(dir.path()).unwrap();
        std::fs::write(dir.path().join(LOCK), "{\"pid\":12").unwrap();
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains("does not say who"), "{error}");
    }

    /// A listing's probe holds a shared lock for an instant; the owner-to-be outlasts it.
    #[test]
    fn a_concurrent_listing_does_not_keep_a_run_from_locking() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK), "").unwrap();
        let probe = File::open(dir.path().join(LOCK)).unwrap();
        probe.try_lock_shared().unwrap();
        let path = dir.path().to_path_buf();
        let taker = std::thread::spawn(move || Lock::take(&path).map(drop));
        std::thread::sleep(PAUSE * 2);
        drop(probe);
        taker.join().unwrap().unwrap();
    }

    /// `rm lock`, as one does with what looks stale.
    #[cfg(target_os = "linux")]
    #[test]
    fn removing_the_lock_file_does_not_free_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path()).unwrap();
        std::fs::remove_file(dir.path().join(LOCK)).unwrap();
        assert!(is_held(dir.path()));
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains("another process is writing this run"), "{error}");
        drop(held);
        assert!(!is_held(dir.path()));
        Lock::take(dir.path()).unwrap();
    }

    /// In a folder from somebody else, `lock` may lead anywhere.
    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_as_lock_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        std::fs::write(&precious, "mine").unwrap();
        let run = dir.path().join("run");
        std::fs::create_dir(&run).unwrap();
        std::os::unix::fs::symlink(&precious, run.join(LOCK)).unwrap();
        let error = Lock::take(&run).unwrap_err().to_string();
        assert!(
            error.contains("lock: cannot take the run's lock: it is not a regular file; something else"),
            "{error}"
        );
        assert_eq!(std::fs::read(&precious).unwrap(), b"mine");
    }
}
