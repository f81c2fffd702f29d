//! A run's folder: made, locked and written here, so that a kill at any moment leaves it readable.

mod history;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use strata_files::{is_temporary, remove_stale_temporaries, write_atomically};

use crate::change::{MAX_CHANGE, is_name_of_change, name_of_change};
use crate::error::ReportError;
use crate::history::HistoryEntry;
use crate::json::write_record_json;
use crate::lock::Lock;
use crate::names::{CONFIG, LOCK, MAX_NAME, PARENT, RECORD, name_of};
use crate::plot;
use crate::record::{ParentRecord, Record};

/// Runs of one name beyond this many are refused rather than counted for ever.
const MAX_SAME_NAME: u32 = 100_000;

/// A run's folder, owned by this process until the value is dropped.
///
/// | file | what |
/// | --- | --- |
/// | `config.toml` | the resolved config, written first |
/// | `parent.json` | the weights that it started from, where they were not drawn; before the config |
/// | `history.jsonl` | a line an epoch, the initial evaluation first; equal runs have equal bytes |
/// | `timing.jsonl` | a line an epoch: seconds, images/s, when |
/// | `record.json` | the [`Record`] |
/// | `loss.svg`, `accuracy.svg`, `metrics.svg` | the plots, the last where further metrics were measured |
/// | `model.safetensors`, `checkpoints/` | written by others, at [`model_path`](Self::model_path) and [`checkpoints`](Self::checkpoints) |
/// | `change-….diff` | what the sources were beyond their commit, where they were |
/// | `lock` | who writes the run |
///
/// ```
/// use strata_report::{HistoryEntry, HistoryRow, Record, RunFolder, Status, read_history, read_record};
///
/// let runs = tempfile::tempdir()?;
/// let folder = RunFolder::create(runs.path(), "seed")?;
/// folder.write_config("seed = 43\n")?;
/// let mut record = Record::new(&folder.name(), vec!["strata".into(), "experiment".into()]);
/// folder.write_record(&record)?;
///
/// let initial = HistoryRow::initial(2.308, 0.103);
/// folder.append_history(&initial)?;
/// record.history.push(HistoryEntry::new(initial.clone(), 0.4));
/// record.status = Status::Finished;
/// folder.write_plots(&record.history)?;
/// folder.write_record(&record)?;
///
/// assert_eq!(read_history(folder.path())?.entries, [initial]);
/// assert_eq!(read_record(folder.path())?.status, Status::Finished);
/// // The name is taken now: the next run of this name gets a number.
/// assert_eq!(RunFolder::create(runs.path(), "seed")?.name(), "seed-2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: Option<Lock>,
}

impl RunFolder {
    /// Makes the folder `runs/name`, or `name-2`, `name-3` … where that is taken, and takes its lock.
    ///
    /// Making a folder is atomic, so two processes never get the same one.
    ///
    /// # Errors
    ///
    /// [`ReportError::InvalidName`] unless `name` is 1 to 100 letters, digits, `.`, `_` or `-` and does not start with
    /// `.`; [`ReportError::Io`] where the folder or its lock cannot be made.
    pub fn create(runs: &Path, name: &str) -> Result<RunFolder, ReportError> {
        check_name(name)?;
        make_runs(runs)?;
        if let Some(folder) = Self::make(runs.join(name))? {
            return Ok(folder);
        }
        for number in 2..=MAX_SAME_NAME {
            if let Some(folder) = Self::make(runs.join(format!("{name}-{number}")))? {
                return Ok(folder);
            }
        }
        Err(ReportError::Taken { path: runs.join(name) })
    }

    /// Makes the folder `runs/name` and nothing else, for a name that the user chose.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and [`ReportError::Taken`] where the folder exists.
    pub fn create_exact(runs: &Path, name: &str) -> Result<RunFolder, ReportError> {
        check_name(name)?;
        make_runs(runs)?;
        let path = runs.join(name);
        Self::make(path.clone())?.ok_or(ReportError::Taken { path })
    }

    /// Whether a run is in the folder `path` for certain: a record, or a config and the lock that a run has had since before it. Other programs have a `config.toml`
    /// too, and only a person can tell whether one alone is what somebody kept of a run.
    ///
    /// # Errors
    ///
    /// Where that cannot be told: a folder that may not be looked into.
    pub fn is_at(path: &Path) -> io::Result<bool> {
        let has = |file: &str| match fs::metadata(path.join(file)) {
            Ok(found) => Ok(found.is_file()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        };
        Ok(has(RECORD)? || has(CONFIG)? && has(LOCK)?)
    }

    /// Takes over the run in the folder `path`, to go on with it. Temporaries of a killed process are removed.
    ///
    /// # Errors
    ///
    /// [`ReportError::NotARun`] where there is no `config.toml`, [`ReportError::Held`] where another process (or
    /// another value in this one) holds the run, [`ReportError::Io`] where the lock cannot be written.
    pub fn open(path: &Path) -> Result<RunFolder, ReportError> {
        if !path.join(CONFIG).is_file() {
            return Err(ReportError::NotARun { path: path.to_path_buf(), missing: CONFIG });
        }
        let folder = RunFolder { path: path.to_path_buf(), lock: Some(Lock::take(path)?) };
        remove_stale_temporaries(path);
        remove_stale_temporaries(&folder.checkpoints());
        Ok(folder)
    }

    /// Makes one folder and locks it; `None` where its name is taken.
    fn make(path: PathBuf) -> Result<Option<RunFolder>, ReportError> {
        match fs::create_dir(&path) {
            Ok(()) => {}
            // A kill or a full disk between making the folder and writing its config leaves a lock, what the config was to begin from, and nothing to keep.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && !holds_anything(&path) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(e) => return Err(ReportError::io("make the run's folder", &path)(e)),
        }
        // From here on the value's drop takes the folder away again if nothing gets written.
        let mut folder = RunFolder { path, lock: None };
        folder.lock = match Lock::take(&folder.path) {
            Ok(lock) => Some(lock),
            // Another process makes a run of it at this moment.
            Err(ReportError::Held { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if folder.path.join(CONFIG).exists() {
            return Ok(None);
        }
        remove_stale_temporaries(&folder.path);
        folder.remove_what_preceded_the_config()?;
        Ok(Some(folder))
    }

    /// Takes away what another run, which never got a config, was to begin from: this one may begin from something else.
    fn remove_what_preceded_the_config(&self) -> Result<(), ReportError> {
        let io = || ReportError::io("remove what is left in the folder", &self.path);
        for entry in fs::read_dir(&self.path).map_err(io())? {
            let name = entry.map_err(io())?.file_name();
            if precedes_the_config(&name) {
                fs::remove_file(self.path.join(name)).map_err(io())?;
            }
        }
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's real name, which is the run's.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Where checkpoints go; not made here.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Where the last checkpoint goes, which a resume goes on from.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("last.safetensors")
    }

    /// Where the best epoch's checkpoint goes: weights only.
    pub fn best_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// Where the weights go.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`]; an earlier file stays as it was.
    pub fn write_config(&self, toml: &str) -> Result<(), ReportError> {
        write(&self.path.join(CONFIG), |w| w.write_all(toml.as_bytes()))
    }

    /// Writes which weights the run starts from; to be called before [`write_config`](Self::write_config).
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`].
    pub fn write_parent(&self, parent: &ParentRecord) -> Result<(), ReportError> {
        write(&self.path.join(PARENT), |w| serde_json::to_writer_pretty(w, parent).map_err(io::Error::from))
    }

    /// Writes what the sources are beyond their commit, and gives the file's name for the record ([`Environment::change`](crate::Environment::change)). Of
    /// more than 1 MiB the end is left out.
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`].
    pub fn write_change(&self, text: &str) -> Result<String, ReportError> {
        let end = (0..=text.len().min(MAX_CHANGE)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let name = name_of_change(&text[..end]);
        write(&self.path.join(&name), |w| w.write_all(&text.as_bytes()[..end]))?;
        Ok(name)
    }

    /// Writes `record.json`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Io`]; an earlier record stays as it was.
    pub fn write_record(&self, record: &Record) -> Result<(), ReportError> {
        write(&self.path.join(RECORD), |w| write_record_json(w, record))
    }

    /// Draws `loss.svg` and `accuracy.svg`, and `metrics.svg` where further metrics were measured. The same history gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Plot`] and [`ReportError::Io`]; earlier plots stay as they were.
    pub fn write_plots(&self, history: &[HistoryEntry]) -> Result<(), ReportError> {
        for (file, svg) in plot::plots(history)? {
            write(&self.path.join(file), |w| w.write_all(svg.as_bytes()))?;
        }
        Ok(())
    }
}

impl Drop for RunFolder {
    /// A folder without a config and anything of use is no run: it goes again (its config could not be written).
    fn drop(&mut self) {
        if self.lock.is_some() && !holds_anything(&self.path) {
            // What cannot be removed stays in a folder that the next run of this name takes over.
            let _ = self.remove_what_preceded_the_config();
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Whether a folder holds more than a lock, a killed process's temporaries and what is written before a config, as far as can be seen.
fn holds_anything(folder: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(folder) else { return true };
    let is_nothing = |name: &OsStr| name == LOCK || is_temporary(name) || precedes_the_config(name);
    !entries.all(|entry| entry.is_ok_and(|entry| is_nothing(&entry.file_name())))
}

/// Whether a file of this name is written before the config, and is of no use without it.
fn precedes_the_config(name: &OsStr) -> bool {
    name == PARENT || name.to_str().is_some_and(is_name_of_change)
}

/// A file of the run, whole or not at all.
fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), ReportError> {
    write_atomically(path, write).map_err(ReportError::io("write the file", path))
}

fn make_runs(runs: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(runs).map_err(ReportError::io("make the folder of runs", runs))
}

/// Names are file names on every system and arguments of every shell.
fn check_name(name: &str) -> Result<(), ReportError> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.chars().count() > MAX_NAME {
        "is too long"
    } else if name.starts_with('.') {
        "starts with a dot"
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        "has a character that a run's name cannot have"
    } else {
        return Ok(());
    };
    Err(ReportError::InvalidName { name: name.to_owned(), reason })
}
