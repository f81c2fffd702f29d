//! A `.tar.gz` or `.zip` archive of a data set's files, streamed: nothing it names is written to disk.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use strata_files::{escape_path, escape_truncated};

use super::Source;
use super::files::Found;
use super::zip::Zip;
use crate::DatasetError;
use crate::download::Watch;

/// The most bytes that are unpacked: the official releases have 184 to 187 million.
const LONGEST: u64 = 256 << 20;
/// What a gzipped file may have beyond its content.
const SLACK: u64 = 1 << 20;

/// Reads the files of the first of the source's layouts that is whole in an archive.
///
/// Entries are taken by their exact names, regular files only; all others are passed over. Names
/// in extension headers (longer than 100 bytes) are not looked at: no file wanted has such a one.
pub(super) fn read(
    source: &'static Source,
    file: File,
    path: &Path,
    watch: &mut Watch<'_>,
) -> Result<Found, DatasetError> {
    let mut file = file;
    if start_of(&mut file, path)? == *b"PK" {
        return pick(collect_zip(source, file, path, watch)?, path);
    }
    let unpacked = Unpacked {
        reader: MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file)),
        left: LONGEST,
        cancel: watch.cancel,
    };
    let found = collect(source, tar::Archive::new(unpacked), path);
    // A cancelled read surfaces as an error of the archive's.
    watch.check()?;
    pick(found?, path)
}

/// The archive's first two bytes; it is left at its beginning.
fn start_of(file: &mut File, path: &Path) -> Result<[u8; 2], DatasetError> {
    let mut start = [0; 2];
    let mut read = || {
        let mut bytes = Vec::new();
        (&mut *file).take(2).read_to_end(&mut bytes)?;
        start[..bytes.len()].copy_from_slice(&bytes);
        file.rewind()
    };
    read().map_err(|error| DatasetError::io("read", path, error))?;
    Ok(start)
}

/// The files of each layout in a ZIP archive, gzipped ones unpacked.
fn collect_zip(
    source: &'static Source,
    file: File,
    path: &Path,
    watch: &Watch<'_>,
) -> Result<Vec<Found>, DatasetError> {
    let broken = |text: String| problem(path, text);
    let mut zip = Zip::open(BufReader::new(file)).map_err(broken)?;
    let mut found: Vec<_> = source.layouts.iter().map(|layout| Found::new(layout, escape_path(path))).collect();
    for entry in zip.entries.clone() {
        watch.check()?;
        let place = found.iter_mut().find_map(|found| {
            let name = entry.name.strip_prefix(found.layout.folder)?.strip_prefix('/')?;
            let plain = name.strip_suffix(".gz").unwrap_or(name);
            let number = found.layout.files.iter().position(|member| member.name == plain)?;
            Some((found, number))
        });
        let Some((found, number)) = place else { continue };
        let member = &found.layout.files[number];
        if found.files[number].is_some() {
            return Err(broken(format!("it holds {} twice", member.name)));
        }
        let bytes = zip.read(&entry, member.longest + SLACK).map_err(broken)?;
        found.files[number] = Some(match entry.name.ends_with(".gz") && !member.name.ends_with(".gz") {
            true => super::files::read_gzip(member, bytes.as_slice(), path)?,
            false => bytes,
        });
        member.check_length(&found.name(number), found.bytes(number).map_or(0, <[u8]>::len) as u64)?;
    }
    Ok(found)
}

/// The files of the first layout that is whole.
fn pick(mut found: Vec<Found>, path: &Path) -> Result<Found, DatasetError> {
    if let Some(whole) = found.iter().position(Found::is_whole) {
        return Ok(found.swap_remove(whole));
    }
    // Of the layout that most is there of, the first of equals.
    let missing =
        found.iter().map(|found| found.missing().collect::<Vec<_>>()).min_by_key(Vec::len).unwrap_or_default();
    Err(problem(path, format!("it lacks {}", missing.join(", "))))
}

fn collect<R: Read>(
    source: &'static Source,
    mut archive: tar::Archive<R>,
    path: &Path,
) -> Result<Vec<Found>, DatasetError> {
    let broken = |error: io::Error| DatasetError::archive(path, &error);
    let mut found: Vec<_> = source.layouts.iter().map(|layout| Found::new(layout, escape_path(path))).collect();
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name);
        let place = found.iter_mut().find_map(|found| {
            let name = name.strip_prefix(found.layout.folder)?.strip_prefix('/')?;
            let number = found.layout.files.iter().position(|member| member.name == name)?;
            Some((found, number))
        });
        let Some((found, number)) = place else { continue };
        let (folder, member) = (found.layout.folder, &found.layout.files[number]);
        if found.files[number].is_some() {
            return Err(problem(path, format!("it holds {folder}/{} twice", member.name)));
        }
        let size = entry.size();
        member.check_length(&found.name(number), size)?;
        // The buffer grows with what is there, not with what the header claims.
        let mut bytes = Vec::new();
        let read = entry.by_ref().take(member.longest).read_to_end(&mut bytes);
        if (read.map_err(broken)? as u64) < size {
            return Err(problem(path, format!("it ends within {folder}/{}", member.name)));
        }
        found.files[number] = Some(bytes);
    }
    // The archive's checksum comes last, after tar's own end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(found)
}

fn problem(path: &Path, problem: String) -> DatasetError {
    DatasetError::Archive { path: path.to_owned(), problem }
}

impl DatasetError {
    /// What unpacking says.
    pub(super) fn archive(path: &Path, error: &io::Error) -> Self {
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it is truncated".to_owned(),
            // The reader quotes names as they stand in the archive.
            _ => escape_truncated(&error.to_string()),
        };
        problem(path, text)
    }
}

/// The unpacked bytes, up to a limit and until the caller has had enough.
struct Unpacked<'a, R> {
    reader: R,
    left: u64,
    cancel: &'a dyn Fn() -> bool,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.cancel)() {
            return Err(io::Error::other("cancelled"));
        }
        let read = self.reader.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(format!("it unpacks to more than {LONGEST} bytes")))?;
        Ok(read)
    }
}
