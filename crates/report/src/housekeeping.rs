//! What is taken from the folder of runs: checkpoints that nothing reads any more, whole runs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::ReportError;
use crate::folder::RunFolder;
use crate::names::{CONFIG, LOCK, RECORD};
use crate::read::read_record;
use crate::record::Status;

/// Removes the checkpoints of the finished run in the folder `run`, which nothing reads any more, and gives the bytes that they took; none where the run is not
/// finished and so may be resumed.
///
/// # Errors
///
/// [`ReportError::NotARun`] for any other folder, [`ReportError::Held`] where somebody trains the run; [`ReportError::Io`] where a file cannot be removed.
pub fn free_checkpoints(run: &Path) -> Result<Option<u64>, ReportError> {
    let folder = open(run)?;
    if read_record(run)?.status != Status::Finished {
        return Ok(None);
    }
    let mut freed = 0;
    // What a run has not written there stays, a copy that somebody keeps too.
    for path in [folder.last_checkpoint(), folder.best_checkpoint()] {
        match fs::symlink_metadata(&path).and_then(|found| fs::remove_file(&path).map(|()| found.len())) {
            Ok(bytes) => freed += bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(ReportError::io("remove the checkpoint", &path)(error)),
        }
    }
    // A folder that still holds something stays.
    let _ = fs::remove_dir(folder.checkpoints());
    Ok(Some(freed))
}

/// Removes the run in the folder `run` with all that is in there, and gives the bytes of its files. A link to a run goes with what it leads to. Where a kill interrupts it, what is
/// left is still a run's folder, which can be removed.
///
/// # Errors
///
/// [`ReportError::NotARun`] for any other folder, [`ReportError::Held`] where somebody trains the run; [`ReportError::Io`] where something cannot be removed.
pub fn remove_run(run: &Path) -> Result<u64, ReportError> {
    let folder = open(run)?;
    let real = run.canonicalize().map_err(ReportError::io("find the run's folder", run))?;
    let bytes = bytes_below(&real);
    // What makes it a run's folder, and the lock that others heed, go last.
    let (last, rest): (Vec<_>, Vec<_>) =
        entries(&real)?.into_iter().partition(|path| path.ends_with(CONFIG) || path.ends_with(LOCK));
    for path in rest {
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(ReportError::io("remove", &path))?;
    }
    for path in last.into_iter().filter(|path| path.ends_with(CONFIG)) {
        fs::remove_file(&path).map_err(ReportError::io("remove", &path))?;
    }
    // With nothing but the lock in it, the folder goes with the value that holds it.
    drop(folder);
    match fs::remove_dir(&real) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(ReportError::io("remove the run's folder", &real)(error));
        }
        _ => {}
    }
    if fs::symlink_metadata(run).is_ok_and(|found| found.is_symlink()) {
        fs::remove_file(run).map_err(ReportError::io("remove the link to the run", run))?;
    }
    Ok(bytes)
}

/// Takes over the run of which something is to be removed. A `config.toml` alone is not enough here.
fn open(run: &Path) -> Result<RunFolder, ReportError> {
    match RunFolder::is_at(run).map_err(ReportError::io("look into the run's folder", run))? {
        true => RunFolder::open(run),
        false => Err(ReportError::NotARun { path: run.to_owned(), missing: RECORD }),
    }
}

/// What is in a folder; nothing where there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let failed = || ReportError::io("look into the folder", folder);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed()(error)),
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn only_a_finished_runs_checkpoints_are_freed_and_a_held_run_stays() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(runs.path(), "a").unwrap();
        let run = folder.path().to_owned();
        folder.write_config("").unwrap();
        let mut record = Record::new("a", Vec::new());
        folder.write_record(&record).unwrap();
        fs::create_dir(folder.checkpoints()).unwrap();
        fs::write(folder.checkpoints().join("last.safetensors"), [0; 7]).unwrap();
        for mine in ["mine.txt", "epoch-1.safetensors"] {
            fs::write(folder.checkpoints().join(mine), "").unwrap();
        }
        assert!(matches!(free_checkpoints(&run), Err(ReportError::Held { .. })));
        assert!(matches!(remove_run(&run), Err(ReportError::Held { .. })));
        drop(folder);
        assert_eq!(free_checkpoints(&run).unwrap(), None, "it may be resumed");
        record.status = Status::Finished;
        RunFolder::open(&run).unwrap().write_record(&record).unwrap();
        assert_eq!(free_checkpoints(&run).unwrap(), Some(7));
        assert_eq!(free_checkpoints(&run).unwrap(), Some(0));
        assert_eq!(fs::read_dir(run.join("checkpoints")).unwrap().count(), 2);
        assert!(matches!(remove_run(runs.path()), Err(ReportError::NotARun { .. })));
        assert!(remove_run(&run).unwrap() > 0);
        assert!(!run.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_removed_runs_links_lead_to_files_that_stay() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(runs.path(), "a").unwrap();
        folder.write_config("").unwrap();
        let others = runs.path().join("others");
        fs::create_dir(&others).unwrap();
        fs::write(others.join("kept"), "").unwrap();
        std::os::unix::fs::symlink(&others, folder.path().join("link")).unwrap();
        let run = folder.path().to_owned();
        drop(folder);
        let link = runs.path().join("b");
        std::os::unix::fs::symlink(&run, &link).unwrap();
        remove_run(&link).unwrap();
        assert!(others.join("kept").exists() && !run.exists() && fs::symlink_metadata(&link).is_err());
    }
}
