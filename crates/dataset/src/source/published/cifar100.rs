//! CIFAR-100: a hundred classes of colour photographs (Krizhevsky 2009), by their fine labels.

use strata_spec::DatasetKind;

use crate::source::cifar::{Cifar, LONGEST_NAMES, LONGEST_REST, PIXELS};
use crate::source::files::Found;
use crate::source::{Layout, Member, Origin, Source};
use crate::{Dataset, DatasetError};

/// In label order, which is the alphabet's.
#[rustfmt::skip]
const CLASSES: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy", "bridge", "bus",
    "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab",
    "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom",
    "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail",
    "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

const CIFAR100: Cifar = Cifar {
    name: "cifar100",
    classes: &CLASSES,
    training_files: 1,
    // The coarse label of twenty, then the fine one.
    label_bytes: 2,
    labels_key: "fine_labels",
    names_key: "fine_label_names",
};

pub(super) const SOURCES: &[Source] = &[Source {
    kind: DatasetKind::Cifar100,
    origin: Origin::Archive { name: "cifar-100-binary.tar.gz", bytes: 1 << 28 },
    archives: &["cifar-100-python.tar.gz"],
    layouts: &[
        Layout {
            folder: "cifar-100-binary",
            files: &[
                records("train.bin", 50_000),
                records("test.bin", 10_000),
                Member { name: "fine_label_names.txt", longest: LONGEST_NAMES, record: 0 },
            ],
            required: 2,
            read: from_records,
        },
        Layout {
            folder: "cifar-100-python",
            files: &[
                pickle("train", 50_000),
                pickle("test", 10_000),
                Member { name: "meta", longest: LONGEST_NAMES, record: 0 },
            ],
            required: 2,
            read: from_pickles,
        },
    ],
}];

/// A data file: two labels and 3,072 pixels a record.
const fn records(name: &'static str, most: u64) -> Member {
    Member { name, longest: most * (2 + PIXELS as u64), record: 2 + PIXELS }
}

const fn pickle(name: &'static str, most: u64) -> Member {
    Member { name, longest: most * PIXELS as u64 + LONGEST_REST, record: 0 }
}

fn from_records(found: &Found) -> Result<Dataset, DatasetError> {
    CIFAR100.read_records(found)
}

fn from_pickles(found: &Found) -> Result<Dataset, DatasetError> {
    CIFAR100.read_pickles(found)
}
