//! What to do about an error of the operating system.

use std::io::{Error, ErrorKind};

/// The remedy for a file of a run that could not be read or written, by the error's kind.
pub fn remedy(error: &Error) -> &'static str {
    if too_many_open_files(error) {
        return "close other programs, or allow more open files (ulimit -n)";
    }
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "free some space there",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make it writable and readable for you",
        ErrorKind::NotFound => "check the path",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists | ErrorKind::InvalidInput => {
            "something else is in its place: move it away"
        }
        ErrorKind::OutOfMemory => "close other programs, or use a machine with more memory",
        _ => "check the disk",
    }
}

/// Whether this process (EMFILE), or the whole system (ENFILE), has as many files open as it may.
pub fn too_many_open_files(error: &Error) -> bool {
    // Numbered alike on every Unix; the standard library gives these errors no kind.
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_open_files_are_not_blamed_on_the_disk() {
        let rows = [
            (Error::from_raw_os_error(24), cfg!(unix), "open files"),
            (ErrorKind::StorageFull.into(), false, "free some space"),
            (Error::other("?"), false, "check the disk"),
        ];
        for (error, too_many, part) in rows {
            assert_eq!(too_many_open_files(&error), too_many);
            assert!(remedy(&error).contains(part) || cfg!(not(unix)), "{error}");
        }
    }
}
