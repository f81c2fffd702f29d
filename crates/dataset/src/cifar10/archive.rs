//! The `.tar.gz` release, streamed: nothing it names is written to disk.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use strata_files::{escape_path, escape_truncated};

use super::{FOLDER, records};
use crate::download::Watch;
use crate::{Dataset, DatasetError};

/// The most bytes that are unpacked: the official release has 184 million.
const LONGEST: u64 = 256 << 20;

/// Reads the six data files, and the class names if they are there, out of an archive.
///
/// Entries are taken by their exact names, regular files only; all others are passed over. Names
/// in extension headers (longer than 100 bytes) are not looked at: no file wanted has such a one.
pub(super) fn read(file: File, path: &Path, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
    let unpacked = Unpacked {
        reader: MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file)),
        left: LONGEST,
        cancel: watch.cancel,
    };
    let found = collect(tar::Archive::new(unpacked), path);
    // A cancelled read surfaces as an error of the archive's.
    watch.check()?;
    let found = found?;

    let missing: Vec<String> = records::FILES
        .iter()
        .zip(&found.files)
        .filter(|(_, bytes)| bytes.is_none())
        .map(|(name, _)| format!("{FOLDER}/{name}"))
        .collect();
    if !missing.is_empty() {
        return Err(problem(path, format!("it lacks {}", missing.join(", "))));
    }
    let files = found.files.map(Option::unwrap_or_default);
    let place = |name: &str| format!("{}: {FOLDER}/{name}", escape_path(path));
    records::assemble(files, found.names.as_deref(), place)
}

#[derive(Default)]
struct Found {
    files: [Option<Vec<u8>>; 6],
    names: Option<Vec<u8>>,
}

fn collect<R: Read>(mut archive: tar::Archive<R>, path: &Path) -> Result<Found, DatasetError> {
    let broken = |error: io::Error| problem(path, describe(&error));
    let mut found = Found::default();
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name);
        let Some(name) = name.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let number = records::FILES.iter().position(|&file| file == name);
        let (slot, longest) = match number {
            Some(number) => (&mut found.files[number], records::LONGEST),
            None if name == records::NAMES => (&mut found.names, records::LONGEST_NAMES),
            None => continue,
        };
        if slot.is_some() {
            return Err(problem(path, format!("it holds {FOLDER}/{name} twice")));
        }
        let size = entry.size();
        if number.is_some() {
            let place = format!("{}: {FOLDER}/{name}", escape_path(path));
            records::check_length(&place, size)?;
        }
        // The buffer grows with what is there, not with what the header claims.
        let mut bytes = Vec::new();
        let read = entry.by_ref().take(longest).read_to_end(&mut bytes);
        if (read.map_err(broken)? as u64) < size.min(longest) {
            return Err(problem(path, format!("it ends within {FOLDER}/{name}")));
        }
        *slot = Some(bytes);
    }
    // The archive's checksum comes last, after tar's own end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(found)
}

fn problem(path: &Path, problem: String) -> DatasetError {
    DatasetError::Archive { path: path.to_owned(), problem }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is truncated".to_owned(),
        // The reader quotes names as they stand in the archive.
        _ => escape_truncated(&error.to_string()),
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
