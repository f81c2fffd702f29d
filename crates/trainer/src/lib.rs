//! Training of classifiers: [`fit`] over phases, exact [`evaluate`], optimizers, early stopping, checkpoints, devices.
//!
//! The loop sees a network as a boxed [`Classifier`] (training step, validation step), its data as two [`Loader`]s, and
//! whoever watches as an [`Observer`]. It writes nothing and shows nothing itself.
//!
//! What a seed promises: on the CPU, the same plan, loaders and generator give the same weights to the bit, for any number of
//! threads, whether the run was stopped and resumed on the way or not. On a card sums end in atomic additions, whose order
//! is not fixed: losses agree to rounding, weights do not to the bit.

mod averaged_network;
mod averaging;
mod batch;
mod build;
mod checkpoint;
mod classifier;
mod cpu_classifier;
mod cpu_network;
mod decayed_kinds;
mod device;
mod early_stopping;
mod error;
mod fit;
mod observer;
mod optimizer;
mod pass;
mod plan;
mod progress;
mod rates;
mod schedule;
mod served;
mod step;
mod stored_row;
mod table;
mod tensor_classifier;
mod tensor_update;
mod threads;

pub use averaging::Averaging;
pub use batch::{Batch, Batches, LoadError, Loader, MixedLabels};
pub use build::{BuildClassifier, Buildable, ClassifierOptions, build};
pub use checkpoint::{Checkpoint, CheckpointHistory, Elapsed, HistoryMark};
pub use classifier::{Classifier, Score};
pub use cpu_classifier::CpuClassifier;
pub use cpu_network::CpuNetwork;
pub use decayed_kinds::DecayedKinds;
pub use device::{Device, check_precision};
pub use early_stopping::StoppingState;
pub use error::TrainError;
pub use fit::{Outcome, evaluate, fit};
pub use observer::{Event, Observer, StopAfter};
pub use optimizer::*;
pub use pass::{Amount, Pass};
pub use plan::Plan;
pub use progress::Progress;
pub use schedule::*;
pub use step::TrainingStep;
pub use strata_kernels::{CrossEntropy, Loss, MeanSquaredError};
pub use strata_metrics::{Direction, Metric, Outputs, SampleResult};
pub use strata_spec::{Clipping, Criterion, DeviceChoice, EarlyStopping, HistoryRow, Phase, ScheduleSpec};
pub use table::Table;
pub use tensor_classifier::{TensorClassifier, TensorNetwork};
pub use threads::Threads;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
