//! A sweep's folder: its manifest, which never changes, and where everything else is.

use std::fs;
#[cfg(feature = "driver")]
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
#[cfg(feature = "driver")]
use strata_files::write_atomically;

use crate::error::SweepError;
use crate::spec::{Point, Sweep};

const SCHEMA: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The largest manifest read, in bytes: of a hundred thousand points of some keys.
const MAX_MANIFEST: u64 = 256 << 20;

/// A sweep's folder.
///
/// | file | what |
/// | --- | --- |
/// | `manifest.json` | the texts that the sweep was begun from, and its points where they are known from the start; never changed |
/// | `base.toml` | the base config, which members are started from |
/// | `journal.jsonl` | one line for each thing that happened, appended under a lock by every process that works on the sweep |
/// | `journal.lock` | the lock |
/// | `drivers/` | a locked file for each process at work |
/// | `logs/` | what each member printed, locked while its process lives |
/// | `p0012-s43/` | the run's folder of point 12 with seed 43 |
#[derive(Debug)]
pub struct SweepFolder {
    path: PathBuf,
    sweep: Sweep,
    points: Option<Vec<Point>>,
    created: String,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    schema: u32,
    name: String,
    created: String,
    sweep_file: PathBuf,
    sweep: String,
    base_file: PathBuf,
    base: String,
    /// What was laid over the base beyond what the sweep's text says.
    sets: Vec<String>,
    points: Option<Vec<Point>>,
}

impl SweepFolder {
    /// Begins `sweep` in the folder `path`, with the `points` that its check gave, or goes on with it where it was begun; `sets` are those that it was
    /// read with.
    ///
    /// # Errors
    /// [`SweepError::OtherSweep`] where the folder holds another one; the folder cannot be written.
    #[cfg(feature = "driver")]
    pub fn begin(path: &Path, sweep: &Sweep, sets: &[String], points: Option<Vec<Point>>) -> Result<Self, SweepError> {
        fs::create_dir_all(path).map_err(SweepError::io("make the sweep's folder", path))?;
        // Two that begin it at once: the first writes, the second finds it written.
        let lock = lock(path)?;
        let file = path.join(MANIFEST);
        if !file.exists() {
            let manifest = Manifest {
                schema: SCHEMA,
                name: sweep.name.clone(),
                created: strata_report::now(),
                sweep_file: sweep.file.clone(),
                sweep: sweep.text.clone(),
                base_file: sweep.base_file.clone(),
                base: sweep.base_text.clone(),
                sets: sets.to_vec(),
                points,
            };
            let base = path.join("base.toml");
            write(&base, sweep.base_text.as_bytes())?;
            let text = serde_json::to_vec(&manifest).map_err(|error| damaged(&file, &error))?;
            write(&file, &text)?;
        }
        drop(lock);
        let folder = Self::open(path)?;
        let same = |other: &Sweep| {
            (&other.text, &other.base_text, &other.sets) == (&sweep.text, &sweep.base_text, &sweep.sets)
        };
        if same(&folder.sweep) { Ok(folder) } else { Err(SweepError::OtherSweep { path: path.to_owned() }) }
    }

    /// Opens the sweep in the folder `path`.
    ///
    /// # Errors
    /// There is none, or its manifest is damaged.
    pub fn open(path: &Path) -> Result<Self, SweepError> {
        let file = path.join(MANIFEST);
        let size = fs::metadata(&file).map_err(SweepError::io("read the sweep's manifest", &file))?.len();
        if size > MAX_MANIFEST {
            return Err(SweepError::Damaged {
                path: file,
                line: None,
                reason: format!("{size} bytes, too large for a manifest"),
            });
        }
        let text = fs::read(&file).map_err(SweepError::io("read the sweep's manifest", &file))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(&file, &error))?;
        if manifest.schema != SCHEMA {
            let reason = format!("schema {}, written by another version of this program", manifest.schema);
            return Err(SweepError::Damaged { path: file, line: None, reason });
        }
        let mut sweep =
            Sweep::parse(&manifest.sweep_file, &manifest.sweep, &manifest.base_file, &manifest.base, &manifest.sets)?;
        sweep.name = manifest.name;
        let wrong = manifest.points.iter().flatten().any(|point| point.len() != sweep.keys.len());
        if wrong {
            return Err(SweepError::Damaged {
                path: file,
                line: None,
                reason: "a point lacks keys of the sweep".to_owned(),
            });
        }
        Ok(Self { path: path.to_owned(), sweep, points: manifest.points, created: manifest.created })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The sweep.
    #[must_use]
    pub fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// The points that were frozen at the start; none of a method that learns.
    #[must_use]
    pub fn points(&self) -> Option<&[Point]> {
        self.points.as_deref()
    }

    /// When it was begun, RFC 3339 in UTC.
    #[must_use]
    pub fn created(&self) -> &str {
        &self.created
    }

    /// The run's folder of the member of this name.
    #[must_use]
    pub fn run(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What a member printed.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(format!("{name}.log"))
    }

    /// The base config, which members are begun from.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        self.path.join("base.toml")
    }

    #[cfg(feature = "driver")]
    /// Takes the lock under which the journal is written; it is free again when the value is dropped, or its process dies.
    pub(crate) fn lock(&self) -> Result<File, SweepError> {
        lock(&self.path)
    }

    #[cfg(feature = "driver")]
    /// A folder below the sweep's, made where it is not there yet.
    pub(crate) fn make(&self, name: &str) -> Result<PathBuf, SweepError> {
        let folder = self.path.join(name);
        fs::create_dir_all(&folder).map_err(SweepError::io("make the folder", &folder))?;
        Ok(folder)
    }
}

#[cfg(feature = "driver")]
fn lock(path: &Path) -> Result<File, SweepError> {
    let path = path.join("journal.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(SweepError::io("open the journal's lock", &path))?;
    file.lock().map_err(SweepError::io("take the journal's lock", &path))?;
    Ok(file)
}

#[cfg(feature = "driver")]
fn write(path: &Path, bytes: &[u8]) -> Result<(), SweepError> {
    write_atomically(path, |file| file.write_all(bytes)).map_err(SweepError::io("write the file", path))
}

fn damaged(path: &Path, error: &serde_json::Error) -> SweepError {
    SweepError::Damaged { path: path.to_owned(), line: None, reason: error.to_string() }
}

/// The folder that `name` means: a sweep's folder, or the name of one in `runs`.
///
/// # Errors
/// [`SweepError::NoSweep`].
pub fn find_sweep(name: &Path, runs: &Path) -> Result<PathBuf, SweepError> {
    let below = runs.join(name);
    let found = [name, &below].into_iter().find(|folder| folder.join(MANIFEST).is_file());
    found.map(Path::to_owned).ok_or(SweepError::NoSweep { name: name.to_owned(), below })
}
