//! Data sets by name, and whose draws a run follows.

use crate::named::named;

named! {
    /// Which data set, without its own settings.
    pub enum DatasetKind {
        Cifar10 = "cifar10", "CIFAR-10: 50,000 training and 10,000 test images [3, 32, 32] of ten classes";
        Cifar100 = "cifar100", "CIFAR-100: 50,000 training and 10,000 test images [3, 32, 32] of a hundred classes";
        Mnist = "mnist", "MNIST: 60,000 training and 10,000 test images [1, 28, 28] of the ten digits";
        FashionMnist = "fashion_mnist", "Fashion-MNIST: clothes in MNIST's format, ten classes";
        Synthetic = "synthetic", "images drawn from a seed, ten classes in CIFAR-10's layout by default";
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
            Self::Synthetic => return None,
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
            Self::Published { kind, .. } => *kind,
            Self::Synthetic { .. } => DatasetKind::Synthetic,
        }
    }

    /// Training images that there are to split.
    #[must_use]
    pub fn train_images(&self) -> usize {
        match self {
            Self::Published { kind, .. } => kind.release().map_or(0, |release| release.train_images),
            Self::Synthetic { train, .. } => *train,
        }
    }

    /// The shape of an image: channels, rows, columns.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        match self {
            // Only a kind with a release is published.
            Self::Published { kind, .. } => kind.release().map_or([0; 3], |release| release.shape),
            Self::Synthetic { shape, .. } => *shape,
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
            Self::Synthetic { classes, .. } => *classes,
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
