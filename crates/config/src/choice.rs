//! The config's named choices: each an enum with the names that the TOML uses.

use std::fmt;
use std::str::FromStr;

use crate::experiment::DeviceChoice;
use crate::limits::MAX_CUDA_ORDINAL;

/// A choice among names, for the one check that reads them all.
pub(crate) trait Choice: Copy + 'static {
    /// Every choice with its name, in the order to show.
    const CHOICES: &'static [(&'static str, Self)];
}

macro_rules! choices {
    ($(#[$doc:meta])* $vis:vis $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The name that the config uses.
            #[must_use]
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl Choice for $name {
            const CHOICES: &'static [(&'static str, Self)] = &[$(($text, Self::$variant),)+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choices! {
    /// The function between two layers (`model.activation`).
    pub Activation {
        /// max(0, x).
        Relu = "relu",
        /// x where x > 0, 0.01 x elsewhere.
        LeakyRelu = "leaky_relu",
        /// x Φ(x), Hendrycks and Gimpel 2016.
        Gelu = "gelu",
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// 1 / (1 + e⁻ˣ).
        Sigmoid = "sigmoid",
        /// x · sigmoid(x), also called swish.
        Silu = "silu",
    }
}

choices! {
    /// Which generator's draws a run follows (`rng`).
    pub RngScheme {
        /// PyTorch's CPU generator: split, initialisation and batch order equal PyTorch's for the same seed.
        Torch = "torch",
    }
}

choices! {
    /// What early stopping watches (`early_stopping.metric`).
    pub Metric {
        /// The validation loss; lower is better.
        ValLoss = "val_loss",
        /// The validation accuracy; higher is better.
        ValAcc = "val_acc",
    }
}

choices! {
    /// `dataset.kind`, before its own keys are read.
    pub(crate) DatasetName {
        /// The CIFAR-10 binary release.
        Cifar10 = "cifar10",
        /// Images drawn from a seed.
        Synthetic = "synthetic",
    }
}

choices! {
    /// `optimizer.kind`, before its own keys are read.
    pub(crate) OptimizerName {
        /// Stochastic gradient descent.
        Sgd = "sgd",
        /// Adam, Kingma and Ba 2015.
        Adam = "adam",
        /// AdamW, Loshchilov and Hutter 2019.
        AdamW = "adamw",
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

/// A device's name that is none of `auto`, `cpu`, `cuda` and `cuda:N`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{0}`: choose auto, cpu, cuda or cuda:N (N from 0 to 255)")]
pub struct ParseDeviceError(String);

impl FromStr for DeviceChoice {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => return Ok(Self::Auto),
            "cpu" => return Ok(Self::Cpu),
            "cuda" => return Ok(Self::Cuda(0)),
            _ => {}
        }
        // Digits only: `parse` alone would take `cuda:+1`.
        text.strip_prefix("cuda:")
            .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|ordinal| *ordinal <= MAX_CUDA_ORDINAL)
            .map(Self::Cuda)
            .ok_or_else(|| ParseDeviceError(text.chars().take(64).collect()))
    }
}
