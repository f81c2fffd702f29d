//! What a path leads to, and so how it may be written.

use std::fs::{self, File, FileType, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Links followed one after the other before they are called a loop, as Linux counts.
const MOST_LINKS: usize = 40;

/// What a path leads to, links followed.
#[derive(Debug)]
pub(crate) enum Place {
    /// Nothing yet: a file may be made at this path, which is no link.
    New(PathBuf),
    /// A regular file: its path, which is no link, and its permissions.
    File(PathBuf, Permissions),
    /// A character device.
    Device,
}

/// What `path` leads to.
///
/// # Errors
/// What the system says, and what can be neither written to nor replaced.
pub(crate) fn place(path: &Path) -> io::Result<Place> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Place::File(resolve_link(path)?, found.permissions())),
        Ok(found) if is_character_device(found.file_type()) => Ok(Place::Device),
        Ok(found) => Err(not_regular(&found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Place::New(resolve_link(path)?)),
        Err(error) => Err(error),
    }
}

/// The path of the file that `path` leads to, which is no link itself: that file, where it exists, or where a link says
/// that one shall be.
///
/// # Errors
/// A loop of links, and what the system says.
pub fn resolve_link(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_symlink() => {
                let link = fs::read_link(&target)?;
                // An absolute link replaces the folder that it is joined to.
                target = target.parent().unwrap_or(Path::new("")).join(link);
            }
            Ok(_) => return Ok(target),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(target),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links lead from one to the next"))
}

/// Opens a regular file for reading, of at most `longest` bytes. A pipe would block for ever, and a device never end.
///
/// # Errors
/// What the system says, [`ErrorKind::IsADirectory`] for a folder, [`ErrorKind::InvalidInput`] for what is neither, and
/// [`ErrorKind::InvalidData`] for a longer file.
pub fn open_regular(path: &Path, longest: u64) -> io::Result<File> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(not_regular(&found));
    }
    let bytes = found.len();
    if bytes > longest {
        let problem = format!("its {bytes} bytes are more than the {longest} that it may have");
        return Err(io::Error::new(ErrorKind::InvalidData, problem));
    }
    File::open(path)
}

/// Opens a regular file for reading and writing, and makes it where there is none.
///
/// # Errors
/// As [`open_regular`].
pub fn open_to_update(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(not_regular(&found)),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

fn not_regular(found: &Metadata) -> io::Error {
    if found.is_dir() {
        return ErrorKind::IsADirectory.into();
    }
    io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")
}

#[cfg(unix)]
fn is_character_device(kind: FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_char_device()
}

#[cfg(not(unix))]
fn is_character_device(_: FileType) -> bool {
    false
}
