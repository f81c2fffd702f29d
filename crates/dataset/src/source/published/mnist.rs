//! MNIST (LeCun, Cortes and Burges), Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) and KMNIST (Clanuwat et al. 2018): grey images in IDX files.

use strata_spec::DatasetKind;

use crate::source::files::Found;
use crate::source::idx::{FILES, Idx};
use crate::source::{Layout, Origin, RemoteFile, Source};
use crate::{Dataset, DatasetError};

pub(super) const SOURCES: &[Source] = &[DIGITS, FASHION, KUZUSHIJI];

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

const KUZUSHIJI: Source = Source {
    kind: DatasetKind::Kmnist,
    origin: Origin::Files(&[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            sha256: "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            sha256: "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            sha256: "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            sha256: "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
    ]),
    archives: &[],
    layouts: &[Layout { folder: "KMNIST/raw", files: &FILES, required: 4, read: kuzushiji }],
};

const FIGURES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const CLOTHES: [&str; 10] =
    ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

const SYLLABLES: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

const fn of<'a>(name: &'a str, classes: &'a [&'a str]) -> Idx<'a> {
    Idx { name, classes, first_label: 0, by_columns: false }
}

fn digits(found: &Found) -> Result<Dataset, DatasetError> {
    of("mnist", &FIGURES).read(found)
}

fn fashion(found: &Found) -> Result<Dataset, DatasetError> {
    of("fashion_mnist", &CLOTHES).read(found)
}

fn kuzushiji(found: &Found) -> Result<Dataset, DatasetError> {
    of("kmnist", &SYLLABLES).read(found)
}
