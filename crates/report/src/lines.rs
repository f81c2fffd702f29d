//! Files of one JSON value a line: appended whole, read with a torn last line dropped, cut back without rewriting a byte.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ReportError, remedy_of_lines};
use crate::history::MAX_HISTORY;

/// The longest line read, in bytes, its newline included.
pub(crate) const MAX_LINE: u64 = 1 << 20;

/// The whole lines of a file, and what was left of a line that a kill cut off.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Lines<T> {
    /// One entry a whole line.
    pub entries: Vec<T>,
    /// A note on the cut-off last line that was dropped, where there was one.
    pub torn: Option<String>,
    /// The entry of that line where nothing but its newline is missing: a program writes none so, but an editor may.
    pub(crate) unended: Option<T>,
}

/// Opens a file for reading if it is one: a pipe would block for ever.
pub(crate) fn open_regular(path: &Path) -> Result<File, ReportError> {
    let fail = ReportError::io("read the file", path);
    let no_file = || io::Error::new(io::ErrorKind::AlreadyExists, "it is not a regular file");
    let checked =
        std::fs::metadata(path).and_then(|meta| if meta.is_file() { File::open(path) } else { Err(no_file()) });
    checked.map_err(fail)
}

/// Calls `each` with the number (from 1) and the bytes of every whole line, newline excluded; returns the bytes that
/// follow the last newline, which a kill or a full disk cut off.
fn for_each_line(
    path: &Path,
    mut each: impl FnMut(usize, &[u8]) -> Result<(), ReportError>,
) -> Result<Vec<u8>, ReportError> {
    let mut reader = BufReader::new(open_regular(path)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        (&mut reader)
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)
            .map_err(ReportError::io("read the file", path))?;
        if line.len() as u64 > MAX_LINE {
            return Err(ReportError::TooLarge { path: path.to_path_buf(), line: Some(number), limit: MAX_LINE });
        }
        match line.split_last() {
            Some((b'\n', whole)) => each(number, whole)?,
            _ => break,
        }
    }
    Ok(line)
}

/// Reads every whole line of `path`.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>, ReportError> {
    let mut entries = Vec::new();
    let rest = for_each_line(path, |number, line| {
        if number > MAX_HISTORY {
            return Err(ReportError::TooMany { path: path.to_path_buf(), limit: MAX_HISTORY });
        }
        entries.push(parse(path, number, line)?);
        Ok(())
    })?;
    let torn = (!rest.is_empty()).then(|| {
        let (number, bytes) = (entries.len() + 1, rest.len());
        format!("line {number}: cut off after {bytes} bytes; dropped")
    });
    Ok(Lines { entries, torn, unended: serde_json::from_slice(&rest).ok() })
}

/// The value of line `number` of `path`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, number: usize, line: &[u8]) -> Result<T, ReportError> {
    serde_json::from_slice(line).map_err(|e| ReportError::Malformed {
        path: path.to_path_buf(),
        line: Some(number),
        message: without_position(&e),
        remedy: remedy_of_lines(path),
    })
}

/// serde_json's message without its " at line 1 column 7": the line is the file's, not the value's.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) if error.line() > 0 => format!("{}, column {}", &text[..at], error.column()),
        _ => text,
    }
}

/// `value` as one line of JSON, newline included.
pub(crate) fn to_line<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, ReportError> {
    let mut line = serde_json::to_vec(value).map_err(|e| ReportError::io("write a line", path)(e.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// Appends `value` as one line in one write, and waits until it is on the disk.
///
/// What a kill left of an earlier line is cut off first; a write that fails half-way is taken back.
pub(crate) fn append<T: Serialize>(path: &Path, value: &T) -> Result<(), ReportError> {
    let line = to_line(path, value)?;
    append_with(path, |file| file.write_all(&line).and_then(|()| file.sync_data()))
        .map_err(ReportError::io("append to the file", path))
}

/// As [`append`], but does not wait for the disk: a power cut may take the line.
pub(crate) fn append_soon<T: Serialize>(path: &Path, value: &T) -> Result<(), ReportError> {
    let line = to_line(path, value)?;
    append_with(path, |file| file.write_all(&line)).map_err(ReportError::io("append to the file", path))
}

/// The first `bytes` bytes of `path`; none where it is shorter or is not there.
pub(crate) fn beginning(path: &Path, bytes: u64) -> Result<Option<Vec<u8>>, ReportError> {
    if bytes > MAX_HISTORY as u64 * MAX_LINE {
        return Ok(None);
    }
    let file = match open_regular(path) {
        Err(ReportError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(bytes).read_to_end(&mut text).map_err(ReportError::io("read the file", path))?;
    Ok((text.len() as u64 == bytes).then_some(text))
}

/// Cuts `path` to its first `bytes` bytes and waits until that is on the disk.
pub(crate) fn cut(path: &Path, bytes: u64) -> Result<(), ReportError> {
    let cut = || {
        let file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() > bytes {
            file.set_len(bytes)?;
            file.sync_data()?;
        }
        Ok(())
    };
    cut().map_err(ReportError::io("cut the file", path))
}

/// The values of whole lines.
pub(crate) fn parse_all<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<Vec<T>, ReportError> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
    lines.map(|(number, line)| parse(path, number + 1, line.trim_ascii_end())).collect()
}

fn append_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let end = end_of_whole_lines(&mut file, length)?;
    if end < length {
        file.set_len(end)?;
    }
    file.seek(SeekFrom::Start(end))?;
    let written = write(&mut file);
    if written.is_err() {
        // The first error is the one to tell; should this fail too, readers drop the torn line.
        let _ = file.set_len(end);
    }
    written
}

/// The position just after the last newline.
fn end_of_whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    const BLOCK: u64 = 4096;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        if let Some(at) = block.iter().rposition(|&b| b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The bytes of the first lines of `path`, up to the first that `keep` does not hold for or that cannot be read.
pub(crate) fn head(path: &Path, keep: impl Fn(usize, &[u8]) -> bool) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut open = true;
    let read = for_each_line(path, |number, line| {
        open = open && keep(number, line);
        if open {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
        Ok(())
    });
    // What is kept is whole lines, however the reading ended.
    drop(read);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn numbers(path: &Path) -> Lines<u32> {
        read(path).unwrap()
    }

    #[test]
    fn a_torn_last_line_is_dropped_with_a_note_and_cut_off_by_the_next_append() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        fs::write(&path, b"1\n2\n{\"val").unwrap();
        let read = numbers(&path);
        assert_eq!(read.entries, [1, 2]);
        assert_eq!(read.torn.as_deref(), Some("line 3: cut off after 5 bytes; dropped"));
        append(&path, &3).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n3\n");
        assert_eq!(numbers(&path).torn, None);
    }

    #[test]
    fn a_torn_last_line_longer_than_a_block_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        fs::write(&path, format!("1\n{}", "x".repeat(10_000))).unwrap();
        append(&path, &2).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n");
        fs::write(&path, "x".repeat(10_000)).unwrap();
        append(&path, &7).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"7\n");
    }

    #[test]
    fn a_damaged_line_in_the_middle_names_file_line_and_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        fs::write(&path, b"1\n2x\n3\n").unwrap();
        let error = read::<u32>(&path).unwrap_err().to_string();
        assert!(error.contains("history.jsonl line 2: trailing characters, column 2; restore"), "{error}");
        assert!(error.contains("of a run that is not finished a resume mends it"), "{error}");
        fs::write(&path, b"1\n\n3\n").unwrap();
        assert!(read::<u32>(&path).unwrap_err().to_string().contains("line 2"));
    }

    #[test]
    fn a_line_over_a_mebibyte_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        fs::write(&path, format!("1\n{}", " ".repeat(MAX_LINE as usize + 1))).unwrap();
        assert!(matches!(read::<u32>(&path), Err(ReportError::TooLarge { line: Some(2), .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_as_history_file_is_refused() {
        assert!(read::<u32>(Path::new("/dev/zero")).is_err());
    }

    /// As on a full disk: some of the line is written, then no more.
    #[test]
    fn a_partial_append_is_rolled_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        append(&path, &1).unwrap();
        let full = append_with(&path, |file| {
            file.write_all(b"{\"val_l")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"1\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_while_appending_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let error = append(&path, &1).unwrap_err().to_string();
        assert!(error.contains("free some space"), "{error}");
    }
}
