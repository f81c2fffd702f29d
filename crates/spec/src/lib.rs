//! The nouns of an experiment, each once: what a config names and every other crate acts on.
//!
//! A leaf. There is no arithmetic here, no file and no parser of TOML: an [`Activation`] is a name with a sentence; what it computes is
//! in `strata-kernels`, where it is written in a file is `strata-config`'s. Who adds an activation, an optimizer or a data set begins here.
//!
//! ```
//! use strata_spec::{Activation, Named, ranges};
//!
//! assert_eq!(Activation::from_name("gelu"), Some(Activation::Gelu));
//! assert_eq!(Activation::Gelu.as_str(), "gelu");
//! assert!(Activation::Gelu.sentence().contains("Hendrycks"));
//! assert!(ranges::DROPOUT.contains(0.5) && !ranges::DROPOUT.contains(1.0));
//! assert_eq!(ranges::DROPOUT.to_string(), "from 0 up to but not including 1");
//! ```

mod activation;
mod augment;
mod averaging;
mod criterion;
mod dataset;
mod device;
mod history;
mod initialisation;
mod input;
mod loss;
mod named;
mod network;
mod optimizer;
pub mod ranges;
mod schedule;
mod training;

pub use activation::Activation;
pub use augment::{AugmentChange, AugmentKind, AugmentSpec, Edges};
pub use averaging::{AveragingKind, AveragingSpec};
pub use criterion::{Criterion, Direction};
pub use dataset::{DatasetKind, DatasetSpec, Release, RngScheme};
pub use device::{DeviceChoice, ParseDeviceError, Precision};
pub use history::HistoryRow;
pub use initialisation::{Initialisation, WeightInit};
pub use input::{InputKind, InputSpec};
pub use loss::{ClassWeights, LossKind, LossSpec};
pub use named::Named;
pub use network::{Argument, LayerKind, LayerList, LayerSpec, LayerTensor, NetworkError, NetworkSpec};
pub use optimizer::{DecayScope, OptimizerKind, OptimizerNumbers, OptimizerSpec};
pub use ranges::{Integers, Numbers};
pub use schedule::{ScheduleKind, ScheduleSpec};
pub use training::{Clipping, EarlyStopping, Phase};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
