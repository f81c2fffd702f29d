//! Data sets by name, and whose draws a run follows.

use crate::named::named;

named! {
    /// Which data set, without its own settings.
    pub enum DatasetKind {
        Cifar10 = "cifar10", "CIFAR-10: 50,000 training and 10,000 test images [3, 32, 32] of ten classes";
        Cifar100 = "cifar100", "CIFAR-100: 50,000 training and 10,000 test images [3, 32, 32] of a hundred classes";
        Cifar100Coarse = "cifar100_coarse", "CIFAR-100 by its twenty coarse classes";
        Mnist = "mnist", "MNIST: 60,000 training and 10,000 test images [1, 28, 28] of the ten digits";
        FashionMnist = "fashion_mnist", "Fashion-MNIST: clothes in MNIST's format, ten classes";
        Kmnist = "kmnist", "KMNIST: cursive Japanese syllables in MNIST's format, ten classes";
        EmnistBalanced = "emnist_balanced", "EMNIST balanced: 112,800 training and 18,800 test images [1, 28, 28] of 47 digits and letters";
        EmnistLetters = "emnist_letters", "EMNIST letters: 124,800 training and 20,800 test images of 26 letters";
        EmnistDigits = "emnist_digits", "EMNIST digits: 240,000 training and 40,000 test images of the ten digits";
        EmnistByClass = "emnist_byclass", "EMNIST by class: 697,932 training and 116,323 test images of 62 digits and letters";
        Synthetic = "synthetic", "images drawn from a seed, ten classes in CIFAR-10's layout by default";
        Images = "images", "image files of one's own: a folder for each class";
        Arrays = "arrays", "NumPy arrays of one's own: images [N, height, width, channels] or rows of features [N, values], of uint8 or of floats, and a label for each";
    }
}

/// What is known of a published data set before any of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Where it lies: one archive, or the folder of its files.
    pub url: &'static str,
    /// The archive's SHA-256, 64 lower-case hexadecimal digits; none where there are several files, each with a checksum of its own.
    pub sha256: Option<&'static str>,
    /// The shape of an image: channels, rows, columns.
    pub shape: [usize; 3],
    /// Classes, at most 256.
    pub classes: usize,
    /// Training images, the validation part included.
    pub train_images: usize,
}

/// A division of EMNIST, all of which come in one archive.
const fn emnist(classes: usize, train_images: usize) -> Release {
    Release {
        url: "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        sha256: Some("fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),
        shape: [1, 28, 28],
        classes,
        train_images,
    }
}

impl DatasetKind {
    /// What is known of the data set, where it is a published one.
    #[must_use]
    pub fn release(self) -> Option<&'static Release> {
        Some(match self {
            Self::Cifar10 => &Release {
                url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                sha256: Some("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
                shape: [3, 32, 32],
                classes: 10,
                train_images: 50_000,
            },
            Self::Cifar100 => &Release {
                url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                sha256: Some("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
                shape: [3, 32, 32],
                classes: 100,
                train_images: 50_000,
            },
            Self::Mnist => &Release {
                url: "https://ossci-datasets.s3.amazonaws.com/mnist/",
                sha256: None,
                shape: [1, 28, 28],
                classes: 10,
                train_images: 60_000,
            },
            Self::FashionMnist => &Release {
                url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                sha256: None,
                shape: [1, 28, 28],
                classes: 10,
                train_images: 60_000,
            },
            Self::Cifar100Coarse => &Release {
                url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                sha256: Some("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
                shape: [3, 32, 32],
                classes: 20,
                train_images: 50_000,
            },
            Self::Kmnist => &Release {
                url: "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                sha256: None,
                shape: [1, 28, 28],
                classes: 10,
                train_images: 60_000,
            },
            Self::EmnistBalanced => &const { emnist(47, 112_800) },
            Self::EmnistLetters => &const { emnist(26, 124_800) },
            Self::EmnistDigits => &const { emnist(10, 240_000) },
            Self::EmnistByClass => &const { emnist(62, 697_932) },
            Self::Synthetic | Self::Images | Self::Arrays => return None,
        })
    }
}

/// Which images, with what says where they come from.
#[derive(Debug, Clone, PartialEq)]
pub enum DatasetSpec {
    /// A published data set: one whose kind has a [`Release`].
    Published {
        /// Which.
        kind: DatasetKind,
        /// The address of the archive, or of the folder of files: `https://`, `http://` or `file://`.
        url: String,
        /// The archive's SHA-256, 64 lower-case hexadecimal digits; none where the release has none.
        sha256: Option<String>,
    },
    /// Images drawn from a seed.
    Synthetic {
        /// Training images, the validation part included, [`ranges::SYNTHETIC`](crate::ranges::SYNTHETIC).
        train: usize,
        /// Test images, [`ranges::SYNTHETIC`](crate::ranges::SYNTHETIC).
        test: usize,
        /// The images' own seed, apart from the run's: other runs see the same images.
        seed: u64,
        /// The shape of an image: channels, rows, columns; at most [`ranges::WIDTH`](crate::ranges::WIDTH) values.
        shape: [usize; 3],
        /// Classes, [`ranges::CLASSES`](crate::ranges::CLASSES).
        classes: usize,
    },
    /// Images of one's own.
    Own {
        /// In which form they come.
        kind: DatasetKind,
        /// The folder or file.
        path: String,
        /// The shape of every image: channels (1 or 3 of image files, which are brought to that size), rows, columns.
        shape: [usize; 3],
        /// Classes, [`ranges::CLASSES`](crate::ranges::CLASSES).
        classes: usize,
        /// Images to train and validate on.
        train: usize,
        /// Images to test on: those of the test part or, where there is none, as many of the others, drawn by `seed`.
        test: usize,
        /// What the test images are drawn by, apart from the run's own seed: other runs are tested on the same.
        seed: u64,
    },
}

impl DatasetSpec {
    /// The published data set as it was published; none for a kind without a [`Release`].
    ///
    /// ```
    /// use strata_spec::{DatasetKind, DatasetSpec};
    ///
    /// let mnist = DatasetSpec::published(DatasetKind::Mnist).unwrap();
    /// assert_eq!((mnist.shape(), mnist.inputs(), mnist.classes()), ([1, 28, 28], 784, 10));
    /// ```
    #[must_use]
    pub fn published(kind: DatasetKind) -> Option<Self> {
        let release = kind.release()?;
        Some(Self::Published { kind, url: release.url.to_owned(), sha256: release.sha256.map(str::to_owned) })
    }

    /// Which data set it is.
    #[must_use]
    pub fn kind(&self) -> DatasetKind {
        match self {
            Self::Published { kind, .. } | Self::Own { kind, .. } => *kind,
            Self::Synthetic { .. } => DatasetKind::Synthetic,
        }
    }

    /// Training images that there are to split.
    #[must_use]
    pub fn train_images(&self) -> usize {
        match self {
            Self::Published { kind, .. } => kind.release().map_or(0, |release| release.train_images),
            Self::Synthetic { train, .. } | Self::Own { train, .. } => *train,
        }
    }

    /// Images to test on; none of a published data set, whose files say it.
    #[must_use]
    pub fn test_images(&self) -> Option<usize> {
        match self {
            Self::Published { .. } => None,
            Self::Synthetic { test, .. } | Self::Own { test, .. } => Some(*test),
        }
    }

    /// The shape of an image: channels, rows, columns.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        match self {
            // Only a kind with a release is published.
            Self::Published { kind, .. } => kind.release().map_or([0; 3], |release| release.shape),
            Self::Synthetic { shape, .. } | Self::Own { shape, .. } => *shape,
        }
    }

    /// Values of one sample: the network's first width.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.shape().iter().product()
    }

    /// Classes: the network's last width.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self {
            Self::Published { kind, .. } => kind.release().map_or(0, |release| release.classes),
            Self::Synthetic { classes, .. } | Self::Own { classes, .. } => *classes,
        }
    }
}

named! {
    /// Which generator's draws a run follows.
    #[derive(Default)]
    pub enum RngScheme {
        #[default]
        Torch = "torch", "PyTorch's CPU generator: split, initialisation and batch order equal PyTorch's for the same seed";
    }
}
