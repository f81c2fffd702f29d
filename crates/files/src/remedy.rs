//! What to do about an error of the operating system.

use std::io::{Error, ErrorKind};

/// The remedy for a file of a run that could not be read or written, by the error's kind.
pub fn remedy(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "free some space there, or choose another folder with --runs"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "make it writable and readable for you, or choose another folder with --runs"
        }
        ErrorKind::NotFound => "check the path",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            "something else is in its place: move it away, or choose another folder with --runs"
        }
        _ => "check the disk, or choose another folder with --runs",
    }
}
