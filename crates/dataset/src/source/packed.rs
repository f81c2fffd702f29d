//! A pack: images that were read, turned and resized once, in one file of the cache, with a checksum over all of it.
//!
//! `strata packed images 1`, the key and a line break, then the images one after the other, then SHA-256 of all before. The key is SHA-256 of what the
//! pack is made from: the images' size, and each file's path, class, length and time of change. A pack of another key, or of bytes that are not those
//! of its checksum, is made again.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use strata_files::{ClassFile, remove_stale_temporaries, write_atomically};

use crate::download::{FetchProgress, Lock, Watch};
use crate::picture::decode_image;
use crate::pixel_file::PixelFile;
use crate::{DatasetError, ImageShape, digest};

/// The most bytes of packed images that wait to be written.
const WAITING: usize = 32 << 20;
/// A checksum's bytes.
const CHECKSUM: u64 = 32;

/// What a pack is made from.
#[derive(Debug)]
pub(super) struct Pack<'a> {
    pub(super) folder: &'a Path,
    pub(super) shape: ImageShape,
    pub(super) files: &'a [ClassFile],
}

/// Opens the pack in a folder of `cache`, made first where it is not there or is not what it should be; and where its images begin.
///
/// One process at a time makes it. On a disk that is full, or where a file is no image, nothing is left there.
pub(super) fn pack(
    wanted: &Pack<'_>,
    cache: &Path,
    watch: &mut Watch<'_>,
) -> Result<(Arc<PixelFile>, u64), DatasetError> {
    let header = wanted.header();
    let folder = wanted.folder_in(cache);
    let path = folder.join("images.packed");
    if let Some(file) = open(&path, &header, wanted.bytes(&header), watch)? {
        return Ok((Arc::new(file), header.len() as u64));
    }
    fs::create_dir_all(&folder).map_err(|error| DatasetError::io("make the folder", &folder, error))?;
    let lock = Lock::hold(&path, watch)?;
    // Another process may have made it while this one waited.
    if let Some(file) = open(&path, &header, wanted.bytes(&header), watch)? {
        return Ok((Arc::new(file), header.len() as u64));
    }
    remove_stale_temporaries(&folder);
    wanted.write(&path, &header, watch)?;
    drop(lock);
    match open(&path, &header, wanted.bytes(&header), watch)? {
        Some(file) => Ok((Arc::new(file), header.len() as u64)),
        None => Err(DatasetError::io("read back", &path, io::ErrorKind::InvalidData.into())),
    }
}

impl Pack<'_> {
    fn folder_in(&self, cache: &Path) -> PathBuf {
        let ImageShape { channels, height, width } = self.shape;
        let of_folder = digest::finish(Sha256::new_with_prefix(self.folder.as_os_str().as_encoded_bytes()));
        cache.join(format!("images-{}-{channels}x{height}x{width}", &of_folder[..16]))
    }

    /// The whole file's length.
    fn bytes(&self, header: &[u8]) -> u64 {
        header.len() as u64 + self.files.len() as u64 * self.shape.values() as u64 + CHECKSUM
    }

    fn header(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        let ImageShape { channels, height, width } = self.shape;
        for number in [channels, height, width, self.files.len()] {
            hash.update((number as u64).to_le_bytes());
        }
        for ClassFile { path, label } in self.files {
            // A file that cannot be asked is one that cannot be read: reading it says why.
            let (length, changed) = fs::metadata(path).map_or((u64::MAX, u128::MAX), |found| {
                let changed = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                (found.len(), changed.map_or(0, |time| time.as_nanos()))
            });
            let name = path.strip_prefix(self.folder).unwrap_or(path).as_os_str().as_encoded_bytes();
            for number in [*label as u64, length, changed as u64, (changed >> 64) as u64, name.len() as u64] {
                hash.update(number.to_le_bytes());
            }
            hash.update(name);
        }
        format!("strata packed images 1\n{}\n", digest::finish(hash)).into_bytes()
    }

    fn write(&self, path: &Path, header: &[u8], watch: &mut Watch<'_>) -> Result<(), DatasetError> {
        let at_once = (WAITING / self.shape.values()).clamp(1, 512);
        let (mut broken, mut stopped, mut done) = (Vec::new(), None, 0);
        let written = write_atomically(path, |out| {
            let mut hash = Sha256::new_with_prefix(header);
            out.write_all(header)?;
            for files in self.files.chunks(at_once) {
                if let Err(error) = watch.check() {
                    stopped = Some(error);
                    return Err(io::ErrorKind::Interrupted.into());
                }
                let images: Vec<_> = files.par_iter().map(|file| decode_image(&file.path, self.shape)).collect();
                for (image, file) in images.into_iter().zip(files) {
                    match image {
                        // All that cannot be read are told at once.
                        Err(reason) => broken.push((file.path.clone(), reason)),
                        Ok(_) if !broken.is_empty() => {}
                        Ok(image) => {
                            hash.update(&image);
                            out.write_all(&image)?;
                        }
                    }
                }
                done += files.len();
                watch.tell(FetchProgress::Packing { done, total: self.files.len() });
            }
            if !broken.is_empty() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            out.write_all(&hash.finalize())
        });
        match (stopped, broken.is_empty()) {
            (Some(error), _) => Err(error),
            (None, false) => Err(DatasetError::BrokenImages { images: self.files.len(), broken }),
            (None, true) => written.map_err(|error| DatasetError::io("write the packed images", path, error)),
        }
    }
}

/// The pack at `path`, where it is whole and of this header.
fn open(path: &Path, header: &[u8], bytes: u64, watch: &mut Watch<'_>) -> Result<Option<PixelFile>, DatasetError> {
    let failed = |error| DatasetError::io("read the packed images", path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut start = Vec::new();
    (&mut file).take(header.len() as u64).read_to_end(&mut start).map_err(failed)?;
    if start != header {
        tracing::info!(path = %path.display(), "the images are packed again: their files, or the size asked for, have changed");
        return Ok(None);
    }
    watch.tell(FetchProgress::Verifying { path: path.to_owned() });
    let length = file.metadata().map_err(failed)?.len();
    let mut checksum = Vec::new();
    if length == bytes {
        file.rewind().map_err(failed)?;
        let mut all = (&mut file).take(bytes - CHECKSUM);
        let found = digest::of_reader(&mut all, |_| watch.check().map_err(|_| io::ErrorKind::TimedOut.into()));
        watch.check()?;
        let (found, _) = found.map_err(failed)?;
        file.seek(SeekFrom::Start(bytes - CHECKSUM)).map_err(failed)?;
        file.read_to_end(&mut checksum).map_err(failed)?;
        if strata_files::hexadecimal(&checksum) == found {
            return Ok(Some(PixelFile { file, path: path.to_owned() }));
        }
    }
    tracing::warn!(path = %path.display(), "the packed images are damaged, and are packed again");
    Ok(None)
}
