//! What can go wrong with data, each with its place and the remedy.

mod parts;

use std::io;
use std::path::PathBuf;

use strata_files::escape_path;

pub(crate) use self::parts::room_for;
use self::parts::{first_of, wanted_size};

/// Why images cannot be had, split or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The caller asked to stop.
    #[error("stopped before the data was read")]
    Cancelled,

    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", escape_path(path))]
    Io {
        /// What was tried, as it follows "cannot".
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// What was named as the folder of the data set's files is none.
    #[error("{} is not a folder", escape_path(path))]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },

    /// The data set's files are not where they must be, and nothing may be downloaded.
    #[error("{} is not there, and is not downloaded", escape_path(path))]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
    },

    /// A transform whose values are not functions of single bytes, for a device that holds the images and looks values up.
    #[error(
        "this transform cannot be used where the device holds the images: its values are not those of single bytes"
    )]
    NotATable,

    /// Changes of images that cannot be done to values that were made before.
    #[error(
        "these changes of images cannot be done to values that were made before: only mirroring and mixing whole images can"
    )]
    NotOfValues,

    /// A transform of images of another shape.
    #[error("the transform is of images of {expected:?}, and these are {found:?}")]
    OtherShape {
        /// Channels, rows, columns that the transform is of.
        expected: [usize; 3],
        /// Those of the images.
        found: [usize; 3],
    },

    /// There is not enough memory.
    #[error("cannot allocate {bytes} bytes for {what}")]
    Memory {
        /// What was to be kept there.
        what: &'static str,
        /// How much of it.
        bytes: usize,
    },

    /// The machine names no home folder, so there is no cache folder either.
    #[error("this user has no home folder to keep a download in")]
    NoCacheFolder,

    /// A URL that cannot be fetched from.
    #[error("the URL {url:?} {problem}; it must be an http://, https:// or file:// URL")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },

    /// A checksum that is none.
    #[error("the checksum {value:?} is not a SHA-256: 64 hexadecimal digits are expected")]
    BadChecksum {
        /// The checksum as given.
        value: String,
    },

    /// The file did not come: after the retries, or where none would help.
    #[error("cannot download {url}: {problem}; {remedy}, or put the file by hand at {}", escape_path(target))]
    Download {
        /// The URL asked for.
        url: String,
        /// What happened.
        problem: String,
        /// What may help.
        remedy: &'static str,
        /// Where the file would be looked for.
        target: PathBuf,
    },

    /// A file whose bytes are not those expected.
    #[error(
        "{} ({bytes} bytes) has the wrong checksum: SHA-256 {found}, expected {expected}; {remedy}",
        escape_path(path)
    )]
    Checksum {
        /// The file (or the URL's partial download, by now removed).
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
        /// Its SHA-256.
        found: String,
        /// The SHA-256 asked for.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },

    /// An archive that cannot be read through.
    #[error("{} is not a readable .tar.gz or .zip archive: {problem}", escape_path(path))]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A data file that is no whole number of records.
    #[error("{file} has {bytes} bytes: {}; fetch the file again", wanted_size(*record, *longest))]
    FileSize {
        /// The data file; within an archive, the archive's path and the entry's name.
        file: String,
        /// Its length in bytes.
        bytes: u64,
        /// The bytes of a record; 0 where the file has none.
        record: u64,
        /// The most bytes that it may have.
        longest: u64,
    },

    /// A pickle that is not one of images and labels.
    #[error("{file} is not a pickle of plain images and labels: {problem}")]
    Pickle {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },

    /// An IDX file that is not one of images or labels.
    #[error("{file} is not an IDX file of bytes: {problem}")]
    Idx {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },

    /// Images that are not those of the data set that was asked for.
    #[error("the images are {found:?} of {classes} classes, and not {expected:?} as those of the data set")]
    Shape {
        /// Channels, rows, columns.
        found: [usize; 3],
        /// Their classes.
        classes: usize,
        /// The shape that was expected.
        expected: [usize; 3],
    },

    /// A data set that is made and not published, asked for as a published one.
    #[error("{name} is no published data set")]
    NotPublished {
        /// What was asked for.
        name: String,
    },

    /// A label that names no class.
    #[error(
        "{file}, record {record} (counted from 0): label {label}, but labels are 0 to {}; the file \
         is damaged or of another data set", classes - 1
    )]
    Label {
        /// The data file, or what the images were made from.
        file: String,
        /// The record's index in it.
        record: usize,
        /// The label found.
        label: i64,
        /// How many classes there are.
        classes: usize,
    },

    /// A list of class names that does not fit.
    #[error("{file}: {problem}")]
    ClassNames {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },

    /// Images whose sizes disagree, or an index beyond them, or a count out of range.
    #[error("{name} = {value}: {problem}")]
    Value {
        /// The value's name.
        name: &'static str,
        /// The value.
        value: u64,
        /// What would be right.
        problem: String,
    },

    /// A number out of its range.
    #[error("{name} = {value}: {problem}")]
    Number {
        /// The number's name.
        name: &'static str,
        /// The number.
        value: f64,
        /// What would be right.
        problem: String,
    },

    /// A file that is no image that could be read.
    #[error("{}: {reason}", escape_path(path))]
    ImageFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },

    /// A folder whose files are not those of a data set.
    #[error("{problem}")]
    ImageFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong, with the place.
        problem: String,
    },

    /// Samples of floats, where bytes are asked for.
    #[error("the samples are floats, and no images of bytes")]
    NotBytes,
    /// An array that is not one of images or labels.
    #[error("{file}: {problem}")]
    Array {
        /// The file; within an archive, the archive's path and the entry's name.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A data set that is published or made, asked for as one's own.
    #[error("{name} is no data set of one's own")]
    NotOwn {
        /// What was asked for.
        name: String,
    },
    /// Image files that cannot be read: none is left out without a word.
    #[error(
        "{} of {images} image files cannot be read: {}; take away or mend them",
        broken.len(),
        first_of(broken)
    )]
    BrokenImages {
        /// How many files there are.
        images: usize,
        /// Those that cannot be read, each with its reason.
        broken: Vec<(PathBuf, String)>,
    },
    /// A data set that has changed since its config was written.
    #[error("{} has {found} {what}, and {expected} are expected", escape_path(path))]
    OtherCount {
        /// The folder or file.
        path: PathBuf,
        /// What was counted.
        what: &'static str,
        /// As the spec says.
        expected: usize,
        /// As it is.
        found: usize,
    },
    /// A picture that could not be encoded.
    #[error("cannot encode {}: {problem}", escape_path(path))]
    Picture {
        /// The picture's file.
        path: PathBuf,
        /// The encoder's reason.
        problem: String,
    },
}
