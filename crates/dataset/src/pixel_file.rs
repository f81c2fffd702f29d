//! A file of pixels, read by position: by several threads at a time, and as little of it as is asked for.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::DatasetError;

/// An open file of images. Another file that takes its name later changes nothing for who holds this one.
#[derive(Debug)]
pub(crate) struct PixelFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

impl PixelFile {
    /// Fills `bytes` with those from `start` on.
    pub(crate) fn read(&self, start: u64, bytes: &mut [u8]) -> Result<(), DatasetError> {
        read_exact_at(&self.file, bytes, start).map_err(|error| DatasetError::io("read", &self.path, error))
    }
}

/// The same open file.
impl PartialEq for PixelFile {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for PixelFile {}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                start += read as u64;
            }
        }
    }
    Ok(())
}
