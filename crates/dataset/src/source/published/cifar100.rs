//! CIFAR-100: a hundred classes of colour photographs (Krizhevsky 2009), by their fine labels or by the twenty coarse ones.

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
    label: 1,
    labels_key: "fine_labels",
    names_key: "fine_label_names",
};

/// In label order, which is the alphabet's.
#[rustfmt::skip]
const COARSE_CLASSES: [&str; 20] = [
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices", "household_furniture",
    "insects", "large_carnivores", "large_man-made_outdoor_things", "large_natural_outdoor_scenes", "large_omnivores_and_herbivores",
    "medium_mammals", "non-insect_invertebrates", "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
];

const COARSE: Cifar = Cifar {
    name: "cifar100_coarse",
    classes: &COARSE_CLASSES,
    training_files: 1,
    label_bytes: 2,
    label: 0,
    labels_key: "coarse_labels",
    names_key: "coarse_label_names",
};

pub(super) const SOURCES: &[Source] = &[
    source(
        DatasetKind::Cifar100,
        &[
            layout("cifar-100-binary", &FINE_FILES, |found| CIFAR100.read_records(found)),
            layout("cifar-100-python", &PICKLES, |found| CIFAR100.read_pickles(found)),
        ],
    ),
    source(
        DatasetKind::Cifar100Coarse,
        &[
            layout("cifar-100-binary", &COARSE_FILES, |found| COARSE.read_records(found)),
            layout("cifar-100-python", &PICKLES, |found| COARSE.read_pickles(found)),
        ],
    ),
];

const fn source(kind: DatasetKind, layouts: &'static [Layout]) -> Source {
    let origin = Origin::Archive { name: "cifar-100-binary.tar.gz", bytes: 1 << 28 };
    Source { kind, origin, archives: &["cifar-100-python.tar.gz"], layouts }
}

const fn layout(
    folder: &'static str,
    files: &'static [Member],
    read: fn(&Found) -> Result<Dataset, DatasetError>,
) -> Layout {
    Layout { folder, files, required: 2, read }
}

const FINE_FILES: [Member; 3] = [TRAIN, TEST, names("fine_label_names.txt")];
const COARSE_FILES: [Member; 3] = [TRAIN, TEST, names("coarse_label_names.txt")];
const PICKLES: [Member; 3] = [pickle("train", 50_000), pickle("test", 10_000), names("meta")];
const TRAIN: Member = records("train.bin", 50_000);
const TEST: Member = records("test.bin", 10_000);

/// A data file: two labels and 3,072 pixels a record.
const fn records(name: &'static str, most: u64) -> Member {
    Member { name, longest: most * (2 + PIXELS as u64), record: 2 + PIXELS }
}

const fn pickle(name: &'static str, most: u64) -> Member {
    Member { name, longest: most * PIXELS as u64 + LONGEST_REST, record: 0 }
}

const fn names(name: &'static str) -> Member {
    Member { name, longest: LONGEST_NAMES, record: 0 }
}
