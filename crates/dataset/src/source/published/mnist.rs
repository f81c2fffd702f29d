//! MNIST (LeCun, Cortes and Burges) and Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): grey images in IDX files.

use std::sync::Arc;

use strata_spec::DatasetKind;

use crate::source::files::Found;
use crate::source::{Layout, Member, Origin, RemoteFile, Source};
use crate::{Dataset, DatasetError, ImageShape, Images};

/// Training images and their labels, test images and theirs.
const FILES: [Member; 4] = [
    Member { name: "train-images-idx3-ubyte", longest: 60_000 * 784 + 16, record: 0 },
    Member { name: "train-labels-idx1-ubyte", longest: 60_000 + 8, record: 0 },
    Member { name: "t10k-images-idx3-ubyte", longest: 10_000 * 784 + 16, record: 0 },
    Member { name: "t10k-labels-idx1-ubyte", longest: 10_000 + 8, record: 0 },
];

pub(super) const SOURCES: &[Source] = &[DIGITS, FASHION];

const DIGITS: Source = Source {
    kind: DatasetKind::Mnist,
    origin: Origin::Files(&[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ]),
    archives: &[],
    layouts: &[Layout { folder: "MNIST/raw", files: &FILES, required: 4, read: digits }],
};

const FASHION: Source = Source {
    kind: DatasetKind::FashionMnist,
    origin: Origin::Files(&[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ]),
    archives: &[],
    layouts: &[Layout { folder: "FashionMNIST/raw", files: &FILES, required: 4, read: fashion }],
};

const FIGURES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const CLOTHES: [&str; 10] =
    ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

fn digits(found: &Found) -> Result<Dataset, DatasetError> {
    read(found, "mnist", &FIGURES)
}

fn fashion(found: &Found) -> Result<Dataset, DatasetError> {
    read(found, "fashion_mnist", &CLOTHES)
}

fn read(found: &Found, name: &str, classes: &[&str]) -> Result<Dataset, DatasetError> {
    Ok(Dataset {
        name: name.to_owned(),
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        train: Arc::new(part(found, 0, 1, classes.len())?),
        test: Arc::new(part(found, 2, 3, classes.len())?),
    })
}

/// The images of one file and the labels of another.
fn part(found: &Found, images: usize, labels: usize, classes: usize) -> Result<Images, DatasetError> {
    let wrong = |number: usize, problem: String| DatasetError::Idx { file: found.name(number), problem };
    let idx = |number: usize, dimensions: usize| {
        parse(found.bytes(number).unwrap_or_default(), dimensions).map_err(|problem| wrong(number, problem))
    };
    let (shape, pixels) = idx(images, 3)?;
    let (count, labels_found) = idx(labels, 1)?;
    if shape[0] != count[0] {
        return Err(wrong(labels, format!("it has {} labels for {} images", count[0], shape[0])));
    }
    if shape[0] == 0 {
        return Err(wrong(images, "it has no images".to_owned()));
    }
    if let Some(record) = labels_found.iter().position(|&label| usize::from(label) >= classes) {
        let (file, label) = (found.name(labels), labels_found[record].into());
        return Err(DatasetError::Label { file, record, label, classes });
    }
    let shape = ImageShape { channels: 1, height: shape[1], width: shape[2] };
    Images::new(shape, pixels.to_vec(), labels_found.to_vec(), classes)
}

/// The sizes and the bytes of an IDX file of unsigned bytes: two zeros, the type 8, the number of dimensions, each size as a
/// big-endian `u32`, then the values.
fn parse(bytes: &[u8], dimensions: usize) -> Result<(Vec<usize>, &[u8]), String> {
    let expected = [0, 0, 8, dimensions as u8];
    let (magic, rest) = bytes.split_at_checked(4).ok_or("it is cut short")?;
    if magic != expected {
        return Err(format!(
            "it begins with the bytes {magic:?}, an IDX file of {dimensions} dimensions with {expected:?}"
        ));
    }
    let (sizes, values) = rest.split_at_checked(4 * dimensions).ok_or("it is cut short")?;
    let sizes: Vec<usize> = sizes.as_chunks::<4>().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    let total = sizes.iter().try_fold(1usize, |total, &size| total.checked_mul(size));
    if total != Some(values.len()) {
        return Err(format!("its sizes {sizes:?} are not those of its {} values", values.len()));
    }
    Ok((sizes, values))
}
