//! EMNIST (Cohen et al. 2017): handwritten digits and letters in MNIST's format, four of its divisions. The archive holds the images column by
//! column; here they stand upright.

use strata_spec::DatasetKind;

use crate::source::files::Found;
use crate::source::idx::Idx;
use crate::source::{Layout, Member, Origin, Source};
use crate::{Dataset, DatasetError};

pub(super) const SOURCES: &[Source] = &[BALANCED_SOURCE, LETTERS_SOURCE, DIGITS_SOURCE, ALL_SOURCE];

/// Digits, capital letters and small letters that differ from theirs, in the labels' order.
#[rustfmt::skip]
const BALANCED: [&str; 47] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "d", "e", "f", "g", "h", "n", "q", "r", "t",
];
#[rustfmt::skip]
const ALL: [&str; 62] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];
#[rustfmt::skip]
const LETTERS: [&str; 26] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The archive, with the files in a folder `gzip`, or in the one that torchvision unpacks them to.
const fn source(kind: DatasetKind, layouts: &'static [Layout]) -> Source {
    Source {
        kind,
        origin: Origin::Archive { name: "emnist-gzip.zip", bytes: 1 << 30 },
        archives: &["gzip.zip"],
        layouts,
    }
}

const fn images(name: &'static str, most: u64) -> Member {
    Member { name, longest: most * 784 + 16, record: 0 }
}

const fn labels(name: &'static str, most: u64) -> Member {
    Member { name, longest: most + 8, record: 0 }
}

const fn layout(
    folder: &'static str,
    files: &'static [Member],
    read: fn(&Found) -> Result<Dataset, DatasetError>,
) -> Layout {
    Layout { folder, files, required: 4, read }
}

const BALANCED_SOURCE: Source = source(
    DatasetKind::EmnistBalanced,
    &[layout("gzip", &BALANCED_FILES, balanced), layout("EMNIST/raw", &BALANCED_FILES, balanced)],
);
const BALANCED_FILES: [Member; 4] = [
    images("emnist-balanced-train-images-idx3-ubyte", 112_800),
    labels("emnist-balanced-train-labels-idx1-ubyte", 112_800),
    images("emnist-balanced-test-images-idx3-ubyte", 18_800),
    labels("emnist-balanced-test-labels-idx1-ubyte", 18_800),
];

fn balanced(found: &Found) -> Result<Dataset, DatasetError> {
    Idx { name: "emnist_balanced", classes: &BALANCED, first_label: 0, by_columns: true }.read(found)
}

const LETTERS_SOURCE: Source = source(
    DatasetKind::EmnistLetters,
    &[layout("gzip", &LETTERS_FILES, letters), layout("EMNIST/raw", &LETTERS_FILES, letters)],
);
const LETTERS_FILES: [Member; 4] = [
    images("emnist-letters-train-images-idx3-ubyte", 124_800),
    labels("emnist-letters-train-labels-idx1-ubyte", 124_800),
    images("emnist-letters-test-images-idx3-ubyte", 20_800),
    labels("emnist-letters-test-labels-idx1-ubyte", 20_800),
];

fn letters(found: &Found) -> Result<Dataset, DatasetError> {
    Idx { name: "emnist_letters", classes: &LETTERS, first_label: 1, by_columns: true }.read(found)
}

const DIGITS_SOURCE: Source = source(
    DatasetKind::EmnistDigits,
    &[layout("gzip", &DIGITS_FILES, digits), layout("EMNIST/raw", &DIGITS_FILES, digits)],
);
const DIGITS_FILES: [Member; 4] = [
    images("emnist-digits-train-images-idx3-ubyte", 240_000),
    labels("emnist-digits-train-labels-idx1-ubyte", 240_000),
    images("emnist-digits-test-images-idx3-ubyte", 40_000),
    labels("emnist-digits-test-labels-idx1-ubyte", 40_000),
];

fn digits(found: &Found) -> Result<Dataset, DatasetError> {
    Idx { name: "emnist_digits", classes: &DIGITS, first_label: 0, by_columns: true }.read(found)
}

const ALL_SOURCE: Source = source(
    DatasetKind::EmnistByClass,
    &[layout("gzip", &ALL_FILES, byclass), layout("EMNIST/raw", &ALL_FILES, byclass)],
);
const ALL_FILES: [Member; 4] = [
    images("emnist-byclass-train-images-idx3-ubyte", 697_932),
    labels("emnist-byclass-train-labels-idx1-ubyte", 697_932),
    images("emnist-byclass-test-images-idx3-ubyte", 116_323),
    labels("emnist-byclass-test-labels-idx1-ubyte", 116_323),
];

fn byclass(found: &Found) -> Result<Dataset, DatasetError> {
    Idx { name: "emnist_byclass", classes: &ALL, first_label: 0, by_columns: true }.read(found)
}
