//! SHA-256 in the lower-case hexadecimal that people compare.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use strata_files::hexadecimal;

/// The digest so far, as 64 hexadecimal digits.
pub(crate) fn finish(hash: Sha256) -> String {
    hexadecimal(&hash.finalize())
}

/// The digest of all that is left to read, and its length in bytes.
///
/// `step` is told the bytes of each piece read; an error of its ends the reading.
pub(crate) fn of_reader(
    reader: &mut impl Read,
    mut step: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((finish(hash), total)),
            Ok(read) => {
                hash.update(&buffer[..read]);
                total += read as u64;
                step(read as u64)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether this is a SHA-256 as people write it: 64 hexadecimal digits of either case.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
