//! MNIST (LeCun, Cortes and Burges) and Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): grey images in IDX files.

use strata_spec::DatasetKind;

use crate::source::files::Found;
use crate::source::idx::{FILES, read};
use crate::source::{Layout, Origin, RemoteFile, Source};
use crate::{Dataset, DatasetError};

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
