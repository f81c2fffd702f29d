//! What a broken transfer leaves: `NAME.part` and, beside it, what it is part of.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strata_files::{open_to_update, put_in_place, write_atomically};

use crate::DatasetError;

/// The longest note read back: a URL and two short headers.
const LONGEST_NOTE: u64 = 1 << 16;

/// What the bytes so far are the beginning of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartMetadata {
    pub(crate) url: String,
    /// The server's name for this version of the file: a strong entity tag or a date.
    pub(crate) validator: Option<String>,
    /// The whole file's length in bytes.
    pub(crate) total: Option<u64>,
}

/// The partial file, open for appending, and its note.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
    note_path: PathBuf,
    file: File,
    have: u64,
    note: PartMetadata,
}

/// `path` with more after its last dot.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Partial {
    /// Opens what an earlier transfer of `url` left, or begins anew where there is nothing of use.
    pub(crate) fn open(target: &Path, url: &str) -> Result<Self, DatasetError> {
        let path = with_suffix(target, ".part");
        let note_path = with_suffix(target, ".part.json");
        let file = open_to_update(&path).map_err(|error| DatasetError::io("create", &path, error))?;
        let have = file.metadata().map_err(|error| DatasetError::io("read", &path, error))?.len();
        let note = read_note(&note_path).filter(|note| note.url == url);
        let mut partial = Self { path, note_path, file, have, note: note.clone().unwrap_or_default() };
        let useless = note.is_none_or(|note| note.total.is_some_and(|total| have > total));
        if have > 0 && useless {
            partial.restart(PartMetadata::default())?;
        }
        Ok(partial)
    }

    pub(crate) fn have(&self) -> u64 {
        self.have
    }

    pub(crate) fn note(&self) -> &PartMetadata {
        &self.note
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets the bytes so far; those to come belong to `note`.
    ///
    /// The bytes go before the note changes: at no moment does a note stand by another's bytes.
    pub(crate) fn restart(&mut self, note: PartMetadata) -> Result<(), DatasetError> {
        self.file.set_len(0).map_err(|error| DatasetError::io("truncate", &self.path, error))?;
        self.have = 0;
        self.annotate(note)
    }

    /// Says more of what the bytes belong to.
    pub(crate) fn annotate(&mut self, note: PartMetadata) -> Result<(), DatasetError> {
        let io = |error| DatasetError::io("write", &self.note_path, error);
        let text = serde_json::to_vec(&note).map_err(|error| io(error.into()))?;
        write_atomically(&self.note_path, |file| file.write_all(&text)).map_err(io)?;
        self.note = note;
        Ok(())
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), DatasetError> {
        let io = |error| DatasetError::io("write", &self.path, error);
        // Where the last append failed half-way, its bytes are written over.
        self.file.seek(SeekFrom::Start(self.have)).map_err(io)?;
        self.file.write_all(bytes).map_err(io)?;
        self.have += bytes.len() as u64;
        Ok(())
    }

    /// The file itself, to verify.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the whole file in its place, where it appears at once, and hands back the open file.
    pub(crate) fn finish(self, target: &Path) -> Result<File, DatasetError> {
        put_in_place(&self.file, &self.path, target).map_err(|error| DatasetError::io("write", target, error))?;
        remove(&self.note_path);
        Ok(self.file)
    }

    /// Removes all of it.
    pub(crate) fn discard(&self) {
        remove(&self.note_path);
        remove(&self.path);
    }
}

/// None for a note that is missing or damaged: the transfer begins anew then.
fn read_note(path: &Path) -> Option<PartMetadata> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST_NOTE).read_to_end(&mut text)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove what is left of a download");
    }
}
