//! Data sets by name, and whose draws a run follows.

use crate::named::named;

named! {
    /// Which data set, without its own settings.
    pub enum DatasetKind {
        Cifar10 = "cifar10", "CIFAR-10's binary release: 50,000 training and 10,000 test images of ten classes";
        Synthetic = "synthetic", "images of ten classes drawn from a seed, in CIFAR-10's layout";
    }
}

/// Which images, with what says where they come from.
#[derive(Debug, Clone, PartialEq)]
pub enum DatasetSpec {
    /// CIFAR-10's binary release.
    Cifar10 {
        /// The archive's address: `https://`, `http://` or `file://`.
        url: String,
        /// The archive's SHA-256, 64 lower-case hexadecimal digits.
        sha256: String,
    },
    /// Images drawn from a seed.
    Synthetic {
        /// Training images, the validation part included, [`ranges::SYNTHETIC`](crate::ranges::SYNTHETIC).
        train: usize,
        /// Test images, [`ranges::SYNTHETIC`](crate::ranges::SYNTHETIC).
        test: usize,
        /// The images' own seed, apart from the run's: other runs see the same images.
        seed: u64,
    },
}

impl DatasetSpec {
    /// Where CIFAR-10's binary release lives.
    pub const CIFAR10_URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
    /// SHA-256 of CIFAR-10's binary release.
    pub const CIFAR10_SHA256: &str = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";
    /// Training images of CIFAR-10, the validation part included.
    pub const CIFAR10_TRAIN: usize = 50_000;

    /// Which data set it is.
    #[must_use]
    pub fn kind(&self) -> DatasetKind {
        match self {
            Self::Cifar10 { .. } => DatasetKind::Cifar10,
            Self::Synthetic { .. } => DatasetKind::Synthetic,
        }
    }

    /// Training images that there are to split.
    #[must_use]
    pub fn train_images(&self) -> usize {
        match self {
            Self::Cifar10 { .. } => Self::CIFAR10_TRAIN,
            Self::Synthetic { train, .. } => *train,
        }
    }

    /// Values of one sample: the network's first width.
    #[must_use]
    pub fn inputs(&self) -> usize {
        match self {
            Self::Cifar10 { .. } | Self::Synthetic { .. } => 3 * 32 * 32,
        }
    }

    /// Classes: the network's last width.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self {
            Self::Cifar10 { .. } | Self::Synthetic { .. } => 10,
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
