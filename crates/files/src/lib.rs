//! Files that appear whole or not at all, the digits that their checksums are compared by, their text made safe to print, and
//! which of a folder's files are images of which class.
//!
//! Every file that another process, or the next run, may read is written by [`write_atomically`]: a reader, or a kill at
//! any moment, finds the earlier file or the whole new one. Errors are plain [`std::io::Error`]s; the callers' typed errors
//! name the file.
//!
//! ```
//! use strata_files::{hexadecimal, write_atomically};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("digits.txt");
//! write_atomically(&path, |file| file.write_all(hexadecimal(&[0x0a, 0xff]).as_bytes()))?;
//! assert_eq!(std::fs::read_to_string(&path)?, "0aff");
//! # Ok::<(), std::io::Error>(())
//! ```

mod atomic;
mod credentials;
mod hexadecimal;
mod image_folder;
mod percent;
mod place;
mod remedy;
mod text;

pub use atomic::{has_other_names, is_temporary, put_in_place, remove_stale_temporaries, write_atomically};
pub use credentials::{hide_credentials, mask_credentials, without_credentials};
pub use hexadecimal::hexadecimal;
pub use image_folder::{ClassFile, IMAGE_ENDINGS, ImageFiles, ImageFolder};
pub use percent::percent_decoded;
pub use place::{open_regular, open_to_update, resolve_link};
pub use remedy::{remedy, too_many_open_files};
pub use text::{escape, escape_path, escape_truncated};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
