//! What is written of a sweep's folder: the manifest, once, and the lock under which the journal is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use strata_files::write_atomically;

use crate::error::SweepError;
use crate::folder::{MANIFEST, Manifest, SCHEMA, SweepFolder, damaged};
use crate::spec::{Point, Sweep};

impl SweepFolder {
    /// Begins `sweep` in the folder `path`, with the `points` that its check gave, or goes on with it where it was begun; `sets` are those that it was
    /// read with.
    ///
    /// # Errors
    /// [`SweepError::OtherSweep`] where the folder holds another one; the folder cannot be written.
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
        Self::open_of(path, sweep)
    }

    /// The sweep in the folder `path`, as it would be begun with these `points`; where it was begun, as it stands. Nothing is written.
    ///
    /// # Errors
    /// [`SweepError::OtherSweep`] where the folder holds another one; as [`SweepFolder::open`].
    pub fn planned(path: &Path, sweep: &Sweep, points: Option<Vec<Point>>) -> Result<Self, SweepError> {
        match path.join(MANIFEST).exists() {
            true => Self::open_of(path, sweep),
            false => {
                let created = strata_report::now();
                Ok(Self { path: path.to_owned(), sweep: sweep.clone(), points, created })
            }
        }
    }

    /// Opens the folder `path`, which is to hold `sweep`.
    fn open_of(path: &Path, sweep: &Sweep) -> Result<Self, SweepError> {
        let folder = Self::open(path)?;
        let Sweep { text, base_text, sets, .. } = folder.sweep();
        match (text, base_text, sets) == (&sweep.text, &sweep.base_text, &sweep.sets) {
            true => Ok(folder),
            false => Err(SweepError::OtherSweep { path: path.to_owned() }),
        }
    }

    /// The same folder by another path to it.
    #[must_use]
    pub fn by(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// Takes the lock under which the journal is written; it is free again when the value is dropped, or its process dies.
    pub(crate) fn lock(&self) -> Result<File, SweepError> {
        lock(self.path())
    }

    /// A folder below the sweep's, made where it is not there yet.
    pub(crate) fn make(&self, name: &str) -> Result<PathBuf, SweepError> {
        let folder = self.path().join(name);
        fs::create_dir_all(&folder).map_err(SweepError::io("make the folder", &folder))?;
        Ok(folder)
    }
}

fn lock(path: &Path) -> Result<File, SweepError> {
    let path = path.join("journal.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(SweepError::io("open the journal's lock", &path))?;
    file.lock().map_err(SweepError::io("take the journal's lock", &path))?;
    Ok(file)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SweepError> {
    write_atomically(path, |file| file.write_all(bytes)).map_err(SweepError::io("write the file", path))
}
