//! What the sources of a run were beyond their commit: a file beside the record, as `git diff` writes it.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::ReportError;
use crate::lines::open_regular;

/// The largest change that is kept and read, in bytes.
pub(crate) const MAX_CHANGE: usize = 1 << 20;

/// The name of the file that holds `text`: equal changes of several parts of a run are one file.
pub(crate) fn name_of_change(text: &str) -> String {
    let hash = strata_files::hexadecimal(&Sha256::digest(text.as_bytes()));
    format!("change-{}.diff", hash.get(..8).unwrap_or(&hash))
}

/// Whether a record may name this file: none outside of the run's folder.
pub(crate) fn is_name_of_change(name: &str) -> bool {
    let digits = name.strip_prefix("change-").and_then(|rest| rest.strip_suffix(".diff"));
    digits.is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Reads the uncommitted change that the environment of a part of the run in the folder `run` names
/// ([`Environment::change`](crate::Environment::change)); what is no UTF-8 in it is replaced.
///
/// # Errors
///
/// [`ReportError::Io`] where it cannot be read or is not the name of such a file, [`ReportError::TooLarge`] beyond 1 MiB.
pub fn read_change(run: &Path, name: &str) -> Result<String, ReportError> {
    let path = run.join(name);
    if !is_name_of_change(name) {
        let source =
            std::io::Error::new(std::io::ErrorKind::InvalidInput, "no run keeps its change in a file of this name");
        return Err(ReportError::io("read the file", &path)(source));
    }
    let mut text = Vec::new();
    let read = open_regular(&path)?.take(MAX_CHANGE as u64 + 1).read_to_end(&mut text);
    read.map_err(ReportError::io("read the file", &path))?;
    match text.len() <= MAX_CHANGE {
        true => Ok(String::from_utf8_lossy(&text).into_owned()),
        false => Err(ReportError::TooLarge { path, line: None, limit: MAX_CHANGE as u64 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunFolder;

    #[test]
    fn a_change_is_kept_once_and_read_by_its_name_alone() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(runs.path(), "a").unwrap();
        let name = folder.write_change("+one\n").unwrap();
        assert_eq!(folder.write_change("+one\n").unwrap(), name);
        assert_ne!(folder.write_change("+two\n").unwrap(), name);
        assert_eq!(read_change(folder.path(), &name).unwrap(), "+one\n");
        std::fs::write(runs.path().join("change-00000000.diff"), "secret").unwrap();
        for outside in
            ["../change-00000000.diff", "/etc/passwd", "record.json", "change-0000000.diff", "change-0000/000.diff"]
        {
            assert!(read_change(folder.path(), outside).is_err(), "{outside}");
        }
        folder.write_config("").unwrap();
    }
}
