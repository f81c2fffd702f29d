//! What to type where a data set's files are not what they should be.

use std::io::ErrorKind;

use strata_dataset::{DataFolder, DatasetError};
use strata_files::too_many_open_files;
use strata_spec::DatasetKind;

use crate::asked::Asked;

const NAME_A_FOLDER: &str = "--data is to name the folder that holds, or shall hold, the data set's files";

const FREE_THE_CACHE: &str = "free some space there, or name another folder for the cache in XDG_CACHE_HOME";
const ANOTHER_CACHE: &str = "XDG_CACHE_HOME names another folder for the cache";

/// What to do about images of the kind `kind` that could not be had from `folder`.
pub(crate) fn hint(error: &DatasetError, folder: &DataFolder, kind: DatasetKind, asked: Asked) -> Option<&'static str> {
    if let (DatasetKind::Images | DatasetKind::Arrays, Some(hint)) = (kind, of_own_data(error)) {
        return Some(hint);
    }
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

/// What to do about a user's own images or arrays: they have a path and no address, and what is made of them is kept in the cache.
fn of_own_data(error: &DatasetError) -> Option<&'static str> {
    match error {
        DatasetError::NotAFolder { .. } => Some("--data is to name the folder of the images, or the arrays"),
        DatasetError::NoCacheFolder => Some(ANOTHER_CACHE),
        DatasetError::Archive { .. } => Some("put that file right, or name another one in dataset.path or with --data"),
        DatasetError::Io { source, .. } if too_many_open_files(source) => None,
        DatasetError::Io { source, action, .. } if IN_THE_CACHE.contains(action) => match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Some(FREE_THE_CACHE),
            _ => Some(ANOTHER_CACHE),
        },
        DatasetError::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            Some("make it readable for you, or name others in dataset.path or with --data")
        }
        DatasetError::Io { .. } => Some("dataset.path names the data, unless --data does"),
        _ => None,
    }
}

/// What is done to files of the cache, where images of a user's own are packed.
const IN_THE_CACHE: [&str; 4] = ["make the folder", "read back", "write the packed images", "read the packed images"];

#[cfg(test)]
mod tests {
    use super::*;

    /// These kinds have no address.
    #[test]
    fn what_is_missing_of_a_users_own_data_is_looked_for_where_the_config_says() {
        let io = |action, kind: ErrorKind| DatasetError::Io { action, path: "a".into(), source: kind.into() };
        let hint = |error: DatasetError, folder: &DataFolder, kind| {
            let hint = hint(&error, folder, kind, Asked::Experiment).unwrap();
            assert!(!hint.contains("dataset.url"), "{hint}");
            hint
        };
        for folder in [DataFolder::Cache, DataFolder::Named("data".into())] {
            assert!(hint(io("open", ErrorKind::NotFound), &folder, DatasetKind::Arrays).contains("dataset.path"));
            let cache =
                ["make the folder", "write the packed images"].map(|action| io(action, ErrorKind::PermissionDenied));
            for error in cache {
                assert_eq!(hint(error, &folder, DatasetKind::Images), ANOTHER_CACHE);
            }
            let broken = DatasetError::Archive { path: "a.npz".into(), problem: "cut off".into() };
            assert!(hint(broken, &folder, DatasetKind::Arrays).contains("--data"));
        }
        assert_eq!(hint(DatasetError::NoCacheFolder, &DataFolder::Cache, DatasetKind::Images), ANOTHER_CACHE);
    }

    #[test]
    fn data_hints_name_the_folder_that_was_given() {
        let error = |kind: ErrorKind| DatasetError::Io { action: "open", path: "a".into(), source: kind.into() };
        let named = DataFolder::Named("data".into());
        assert_eq!(
            hint(&error(ErrorKind::NotFound), &named, DatasetKind::Cifar10, Asked::Experiment),
            Some(NAME_A_FOLDER)
        );
        assert!(
            hint(&error(ErrorKind::NotFound), &DataFolder::Cache, DatasetKind::Cifar10, Asked::Reading)
                .unwrap()
                .contains("dataset.url")
        );
        let full =
            DatasetError::Io { action: "write", path: "a".into(), source: std::io::Error::from_raw_os_error(24) };
        assert!(hint(&full, &named, DatasetKind::Cifar10, Asked::Experiment).unwrap().contains("open files"));
        assert!(
            hint(&DatasetError::Missing { path: "a".into() }, &named, DatasetKind::Cifar10, Asked::Resume)
                .unwrap()
                .contains("--data")
        );
    }
}
