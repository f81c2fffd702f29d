//! CIFAR-10: ten classes of colour photographs (Krizhevsky 2009), as binary files or as torchvision's pickles.

use strata_spec::DatasetKind;

use crate::source::cifar::{Cifar, LONGEST_NAMES, LONGEST_REST, PIXELS};
use crate::source::files::Found;
use crate::source::{Layout, Member, Origin, Source};
use crate::{Dataset, DatasetError};

const CIFAR10: Cifar = Cifar {
    name: "cifar10",
    classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    training_files: 5,
    label_bytes: 1,
    label: 0,
    labels_key: "labels",
    names_key: "label_names",
};

pub(super) const SOURCES: &[Source] = &[Source {
    kind: DatasetKind::Cifar10,
    origin: Origin::Archive { name: "cifar-10-binary.tar.gz", bytes: 170_052_171 },
    archives: &["cifar-10-python.tar.gz"],
    layouts: &[
        Layout {
            folder: "cifar-10-batches-bin",
            files: &[
                records("data_batch_1.bin"),
                records("data_batch_2.bin"),
                records("data_batch_3.bin"),
                records("data_batch_4.bin"),
                records("data_batch_5.bin"),
                records("test_batch.bin"),
                Member { name: "batches.meta.txt", longest: LONGEST_NAMES, record: 0 },
            ],
            required: 6,
            read: from_records,
        },
        Layout {
            folder: "cifar-10-batches-py",
            files: &[
                pickle("data_batch_1"),
                pickle("data_batch_2"),
                pickle("data_batch_3"),
                pickle("data_batch_4"),
                pickle("data_batch_5"),
                pickle("test_batch"),
                Member { name: "batches.meta", longest: LONGEST_NAMES, record: 0 },
            ],
            required: 6,
            read: from_pickles,
        },
    ],
}];

/// A data file: a label and 3,072 pixels a record, 10,000 of them in the release.
const fn records(name: &'static str) -> Member {
    Member { name, longest: 10_000 * (1 + PIXELS as u64), record: 1 + PIXELS }
}

const fn pickle(name: &'static str) -> Member {
    Member { name, longest: 10_000 * PIXELS as u64 + LONGEST_REST, record: 0 }
}

fn from_records(found: &Found) -> Result<Dataset, DatasetError> {
    CIFAR10.read_records(found)
}

fn from_pickles(found: &Found) -> Result<Dataset, DatasetError> {
    CIFAR10.read_pickles(found)
}
