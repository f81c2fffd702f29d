//! A sweep's folder: its manifest, which never changes, and where everything else is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use crate::spec::{Point, Sweep};

pub(crate) const SCHEMA: u32 = 1;
pub(crate) const MANIFEST: &str = "manifest.json";
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
    pub(crate) path: PathBuf,
    pub(crate) sweep: Sweep,
    pub(crate) points: Option<Vec<Point>>,
    pub(crate) created: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) schema: u32,
    pub(crate) name: String,
    pub(crate) created: String,
    pub(crate) sweep_file: PathBuf,
    pub(crate) sweep: String,
    pub(crate) base_file: PathBuf,
    pub(crate) base: String,
    /// What was laid over the base beyond what the sweep's text says.
    pub(crate) sets: Vec<String>,
    pub(crate) points: Option<Vec<Point>>,
}

impl SweepFolder {
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
}

pub(crate) fn damaged(path: &Path, error: &serde_json::Error) -> SweepError {
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
