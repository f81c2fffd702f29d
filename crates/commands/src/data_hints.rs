//! What to type where a data set's files are not what they should be.

use std::io::ErrorKind;

use strata_dataset::{DataFolder, DatasetError};
use strata_files::too_many_open_files;

use crate::asked::Asked;

const NAME_A_FOLDER: &str = "--data is to name the folder that holds, or shall hold, the data set's files";

/// What to do about images that could not be had from `folder`.
pub(crate) fn hint(error: &DatasetError, folder: &DataFolder, asked: Asked) -> Option<&'static str> {
    let is_named = folder.path().is_some();
    let source = match error {
        DatasetError::NotAFolder { .. } => return Some(NAME_A_FOLDER),
        DatasetError::NoCacheFolder => return Some("name a folder for the download with --data"),
        DatasetError::Missing { .. } => {
            return Some(
                "the run was started with this folder, and nothing is downloaded to it again: mount its disk or put the \
                 files back, or name another folder with --data",
            );
        }
        DatasetError::Download { .. } if asked == Asked::Resume => {
            return Some(
                "a run keeps no password and no query of dataset.url: where it needs them, fetch the file before the resume by `cargo xtask dataset info \
                 CONFIG --set dataset.url=URL`; or --data names a folder that has it",
            );
        }
        DatasetError::Url { .. } | DatasetError::Download { .. } => {
            return Some("dataset.url names it, and --data a folder that has it");
        }
        DatasetError::BadChecksum { .. } => return Some("dataset.sha256 is to be that of the archive"),
        DatasetError::Checksum { .. } => return Some("dataset.url and dataset.sha256 say what is expected"),
        DatasetError::Archive { .. } if !is_named => return Some("dataset.url names it: correct one of them"),
        DatasetError::Archive { .. }
        | DatasetError::FileSize { .. }
        | DatasetError::Label { .. }
        | DatasetError::ClassNames { .. }
        | DatasetError::Pickle { .. }
        | DatasetError::Shape { .. }
        | DatasetError::Array { .. }
        | DatasetError::Idx { .. } => return Some("put that file right, or name another folder with --data"),
        DatasetError::ImageFolder { .. } | DatasetError::OtherCount { .. } => {
            return Some("dataset.path names the images, unless --data does");
        }
        DatasetError::BrokenImages { broken, .. } if broken.len() > 3 => {
            return Some("`cargo xtask dataset info CONFIG` lists them all");
        }
        DatasetError::Memory { what, .. } if what.contains("array") => {
            return Some("arrays are read into memory: image files (dataset.kind = \"images\") are not");
        }
        DatasetError::Memory { what, .. } if what.starts_with("synthetic training") => {
            return Some("lower dataset.train");
        }
        DatasetError::Memory { what, .. } if what.starts_with("synthetic test") => return Some("lower dataset.test"),
        DatasetError::Memory { .. } => return Some("close other programs, or use a machine with more memory"),
        DatasetError::Io { source, action, .. } if action.ends_with("the packed images") => {
            return match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    Some("free some space there, or name another folder for the cache in XDG_CACHE_HOME")
                }
                _ => Some("XDG_CACHE_HOME names another folder for the cache"),
            };
        }
        DatasetError::Io { source, .. } => source,
        _ => return None,
    };
    if too_many_open_files(source) {
        return Some(strata_files::remedy(source));
    }
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some("free some space there, or name another folder with --data; what came is kept, and gone on from")
        }
        _ if !is_named => {
            Some("dataset.url names it, unless it is in the system's cache folder; --data names another folder")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("make it readable and writable for you, or name another folder with --data")
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            Some(NAME_A_FOLDER)
        }
        _ => Some("put that file right, or name another folder with --data"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_hints_name_the_folder_that_was_given() {
        let error = |kind: ErrorKind| DatasetError::Io { action: "open", path: "a".into(), source: kind.into() };
        let named = DataFolder::Named("data".into());
        assert_eq!(hint(&error(ErrorKind::NotFound), &named, Asked::Experiment), Some(NAME_A_FOLDER));
        assert!(hint(&error(ErrorKind::NotFound), &DataFolder::Cache, Asked::Reading).unwrap().contains("dataset.url"));
        let full =
            DatasetError::Io { action: "write", path: "a".into(), source: std::io::Error::from_raw_os_error(24) };
        assert!(hint(&full, &named, Asked::Experiment).unwrap().contains("open files"));
        assert!(hint(&DatasetError::Missing { path: "a".into() }, &named, Asked::Resume).unwrap().contains("--data"));
    }
}
