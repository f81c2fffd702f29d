//! One owner a run: an advisory lock that the operating system drops with its process.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::error::ReportError;
use crate::text::clean;

/// The lock's file in a run's folder.
pub(crate) const LOCK: &str = "lock";

/// A listing holds the lock for an instant to see whether anybody does, so one refusal is not yet an owner.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// Who writes a run, as its lock file says. Every part may be unknown: the file may be half-written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// The process.
    pub pid: Option<u32>,
    /// The machine's name.
    pub host: Option<String>,
    /// Since when, RFC 3339 in UTC.
    pub since: Option<String>,
}

impl Owner {
    fn this_process() -> Self {
        Owner { pid: Some(std::process::id()), host: Some(host_name()), since: Some(clock::now()) }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pid, &self.host, &self.since) {
            (Some(pid), Some(host), Some(since)) => {
                write!(f, "process {pid} on {}, since {}", clean(host), clean(since))
            }
            _ => write!(f, "the lock file does not say who"),
        }
    }
}

/// This machine's name, or `unknown`.
pub fn host_name() -> String {
    let kernel =
        ["/proc/sys/kernel/hostname", "/etc/hostname"].into_iter().find_map(|path| std::fs::read_to_string(path).ok());
    kernel
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The lock on a run's folder, held until it is dropped or the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the run in `folder` and writes into it who holds it.
    pub(crate) fn take(folder: &Path) -> Result<Lock, ReportError> {
        let path = folder.join(LOCK);
        let fail = |source| ReportError::Io { action: "take the run's lock", path: path.clone(), source };
        // Never replaced by a rename: a lock belongs to the file, not to its name.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        for attempt in 1.. {
            match file.try_lock() {
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
        Ok(Lock { _file: file })
    }
}

/// What the lock file says of its owner; a half-written one says nothing.
fn read_owner(file: &mut File) -> Owner {
    let mut text = Vec::new();
    match file.take(4096).read_to_end(&mut text) {
        Ok(_) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(_) => Owner::default(),
    }
}

/// Whether some process holds the lock of the run in `folder`. A shared lock is tried, so listings do not see each other.
pub(crate) fn is_held(folder: &Path) -> bool {
    let path = folder.join(LOCK);
    // A pipe in the lock's place would block the open for ever.
    if !path.metadata().is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_and_the_next_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path()).unwrap();
        assert!(is_held(dir.path()));
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} on ", std::process::id())), "{error}");
        drop(held);
        assert!(!is_held(dir.path()));
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_dead_owners_file_blocks_nobody_and_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOCK);
        std::fs::write(&path, format!("{{\"pid\":1,\"host\":\"{}\"}}", "h".repeat(9000))).unwrap();
        let _held = Lock::take(dir.path()).unwrap();
        let owner: Owner = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(owner.pid, Some(std::process::id()));
        assert!(owner.host.is_some_and(|host| !host.starts_with("hhh")));
    }

    #[test]
    fn a_half_written_owner_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Lock::take(dir.path()).unwrap();
        std::fs::write(dir.path().join(LOCK), "{\"pid\":12").unwrap();
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains("does not say who"), "{error}");
    }

    /// A listing's probe holds a shared lock for an instant; the owner-to-be outlasts it.
    #[test]
    fn a_listing_at_the_same_moment_does_not_turn_the_owner_away() {
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
}
