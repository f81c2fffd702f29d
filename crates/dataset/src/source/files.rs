//! The files of a layout, as they are found in a folder.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use strata_files::escape_path;
use strata_spec::DatasetKind;

use super::{Layout, Member, Origin, Source, published};
use crate::download::{FetchProgress, Watch};
use crate::error::room_for;
use crate::{DatasetError, digest};

/// A gzipped file of labels has some thirty thousand bytes.
const LONGEST_LABELS: u64 = 1 << 20;

/// The bytes of a layout's files, in its order.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) layout: &'static Layout,
    pub(super) files: Vec<Option<Vec<u8>>>,
    /// What errors put before a file's name.
    place: String,
    /// Where a folder's file lies, or was downloaded to.
    paths: Vec<Option<PathBuf>>,
}

impl Found {
    pub(super) fn new(layout: &'static Layout, place: String) -> Self {
        let count = layout.files.len();
        Self { layout, files: vec![None; count], place, paths: vec![None; count] }
    }

    /// How an error names the file of this number.
    pub(super) fn name(&self, number: usize) -> String {
        match &self.paths[number] {
            Some(path) => escape_path(path),
            None => format!("{}: {}/{}", self.place, self.layout.folder, self.layout.files[number].name),
        }
    }

    /// The bytes of the file of this number; none where it is optional and not there.
    pub(super) fn bytes(&self, number: usize) -> Option<&[u8]> {
        self.files[number].as_deref()
    }

    /// Whether all files are here that must be.
    pub(super) fn is_whole(&self) -> bool {
        self.files[..self.layout.required].iter().all(Option::is_some)
    }

    /// The files that are missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = String> {
        let required = self.layout.files.iter().zip(&self.files).take(self.layout.required);
        required
            .filter(|(_, bytes)| bytes.is_none())
            .map(|(member, _)| format!("{}/{}", self.layout.folder, member.name))
    }

    /// Takes the file that was downloaded as `name`, which is a layout's file's name with `.gz` after it.
    pub(super) fn take_gzip(&mut self, name: &str, file: File, path: &Path) -> Result<(), DatasetError> {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        if let Some(number) = self.layout.files.iter().position(|member| member.name == plain) {
            self.files[number] = Some(read_gzip(&self.layout.files[number], file, path)?);
            self.paths[number] = Some(path.to_owned());
        }
        Ok(())
    }
}

impl Member {
    /// Whether the file can have this length.
    pub(super) fn check_length(&self, file: &str, bytes: u64) -> Result<(), DatasetError> {
        let record = self.record as u64;
        let is_whole = record == 0 || (bytes > 0 && bytes.is_multiple_of(record));
        if bytes > self.longest || !is_whole {
            let (file, longest) = (file.to_owned(), self.longest);
            return Err(DatasetError::FileSize { file, bytes, record, longest });
        }
        Ok(())
    }
}

impl Source {
    /// The SHA-256 of the official archive.
    pub(super) fn release_sha256(&self) -> Option<&'static str> {
        self.kind.release()?.sha256
    }

    /// Whether the files of a layout lie in `folder`, or in its sub-folder, or the archive does, by their names.
    pub(super) fn lies_in(&self, folder: &Path) -> bool {
        let is_whole = |layout: &Layout, folder: &Path| {
            layout.files[..layout.required].iter().all(|member| find(folder, member).is_some())
        };
        let is_layout = |layout: &Layout| is_whole(layout, folder) || is_whole(layout, &folder.join(layout.folder));
        let archive = match self.origin {
            Origin::Archive { name, .. } => Some(name),
            Origin::Files(_) => None,
        };
        let archives = self.archives.iter().copied().chain(archive);
        self.layouts.iter().any(is_layout) || archives.into_iter().any(|name| is_file(&folder.join(name)))
    }

    /// Another data set that released the file at `path`: MNIST's heirs have its files' names. Labels say it, and are short.
    fn released_by_another(&self, path: &Path) -> Result<Option<DatasetKind>, DatasetError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !matches!(self.origin, Origin::Files(_)) || !name.contains("labels") || !name.ends_with(".gz") {
            return Ok(None);
        }
        let hash = digest::of_reader(&mut open(path, LONGEST_LABELS)?, |_| Ok(()));
        let (sha256, _) = hash.map_err(|error| DatasetError::io("read", path, error))?;
        Ok(released_by(name, &sha256).filter(|kind| *kind != self.kind))
    }

    /// The files of the first layout that is whole in `folder`, or in its sub-folder.
    pub(super) fn in_folder(&self, folder: &Path, watch: &mut Watch<'_>) -> Result<Option<Found>, DatasetError> {
        for layout in self.layouts {
            for folder in [folder.to_owned(), folder.join(layout.folder)] {
                let files = layout.files[..layout.required].iter();
                let missing: Vec<&str> =
                    files.filter(|member| find(&folder, member).is_none()).map(|member| member.name).collect();
                if missing.is_empty() {
                    watch.tell(FetchProgress::Reading { path: folder.clone() });
                    for path in layout.files.iter().filter_map(|member| find(&folder, member)) {
                        if let Some(other) = self.released_by_another(&path)? {
                            let problem = format!("it is {other}'s, and not {}'s", self.kind);
                            return Err(DatasetError::Array { file: escape_path(&path), problem });
                        }
                    }
                    return read_folder(layout, &folder, watch).map(Some);
                }
                if missing.len() < layout.required {
                    tracing::warn!(
                        folder = escape_path(&folder),
                        missing = missing.join(", "),
                        "not all of the data set's files are here, so none is used"
                    );
                }
            }
        }
        Ok(None)
    }
}

/// The data set among whose files is one of this name and checksum.
pub(super) fn released_by(name: &str, sha256: &str) -> Option<DatasetKind> {
    let is_it = |source: &&Source| match source.origin {
        Origin::Files(files) => files.iter().any(|file| file.name == name && file.sha256 == sha256),
        Origin::Archive { .. } => false,
    };
    published::SOURCES.iter().copied().flatten().find(is_it).map(|source| source.kind)
}

/// A file of a layout in a folder, plain or gzipped.
fn find(folder: &Path, member: &Member) -> Option<PathBuf> {
    [folder.join(member.name), folder.join(format!("{}.gz", member.name))].into_iter().find(|path| is_file(path))
}

fn read_folder(layout: &'static Layout, folder: &Path, watch: &Watch<'_>) -> Result<Found, DatasetError> {
    let mut found = Found::new(layout, String::new());
    let members: Vec<(usize, &Member)> = layout.files.iter().enumerate().collect();
    // A file for each thread at a time: whether reading is still wanted is asked between them.
    for members in members.chunks(rayon::current_num_threads()) {
        watch.check()?;
        let read: Vec<_> = members.par_iter().map(|(_, member)| read_member(folder, member)).collect();
        for (&(number, _), read) in members.iter().zip(read) {
            match read {
                Ok((path, bytes)) => (found.files[number], found.paths[number]) = (Some(bytes), Some(path)),
                Err(DatasetError::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound && number >= layout.required => {}
                Err(error) => return Err(error),
            }
        }
    }
    watch.check()?;
    Ok(found)
}

/// Where a folder's file lies, and its bytes, unpacked.
fn read_member(folder: &Path, member: &Member) -> Result<(PathBuf, Vec<u8>), DatasetError> {
    let path = find(folder, member).unwrap_or_else(|| folder.join(member.name));
    let is_packed = path.extension().is_some_and(|end| end == "gz") && !member.name.ends_with(".gz");
    // The length first: a file of another kind may be of any size.
    let file = open(&path, if member.record > 0 && !is_packed { u64::MAX } else { member.longest })?;
    let bytes = if is_packed { read_gzip(member, file, &path)? } else { read_plain(member, file, &path)? };
    Ok((path, bytes))
}

fn read_plain(member: &Member, file: File, path: &Path) -> Result<Vec<u8>, DatasetError> {
    let io = |error| DatasetError::io("read", path, error);
    let length = file.metadata().map_err(io)?.len();
    member.check_length(&escape_path(path), length)?;
    // One byte more, so that the end is found without growing.
    let mut bytes = room_for(usize::try_from(length).map_or(usize::MAX, |length| length + 1), "a file")?;
    file.take(member.longest.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    member.check_length(&escape_path(path), bytes.len() as u64)?;
    Ok(bytes)
}

pub(super) fn read_gzip(member: &Member, file: impl Read, path: &Path) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let unpacked = MultiGzDecoder::new(file).take(member.longest.saturating_add(1)).read_to_end(&mut bytes);
    unpacked.map_err(|error| DatasetError::archive(path, &error))?;
    member.check_length(&escape_path(path), bytes.len() as u64)?;
    Ok(bytes)
}

/// Whether there is a file here; an unreadable folder counts as none, and fails when written to.
pub(super) fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Whether a file begins as gzip's or a ZIP archive's do.
pub(super) fn is_archive(path: &Path) -> Result<bool, DatasetError> {
    let mut start = Vec::new();
    let read = open(path, u64::MAX)?.take(2).read_to_end(&mut start);
    read.map_err(|error| DatasetError::io("read", path, error))?;
    Ok(start == [0x1f, 0x8b] || start == *b"PK")
}

/// Opens a regular file of at most `longest` bytes.
pub(super) fn open(path: &Path, longest: u64) -> Result<File, DatasetError> {
    strata_files::open_regular(path, longest).map_err(|error| DatasetError::io("open", path, error))
}
