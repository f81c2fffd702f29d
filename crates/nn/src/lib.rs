//! Strata as one library. Each of its crates but `strata-sweep` and those of the program is here under its short name, and [`prelude`] has
//! what most programs use.
//!
//! ```
//! use strata_nn::prelude::*;
//!
//! // Four numbers in, three classes out; each width is written once, and layers that do not fit do not compile.
//! let options = ClassifierOptions {
//!     activation: Activation::Gelu,
//!     seed: 43,
//!     ..ClassifierOptions::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.0 })
//! };
//! let mut classifier = build::<mlp!(4, 16, 3), 4, 3>(options)?;
//! classifier.initialise(&mut TorchRng::new(43))?;
//! assert_eq!(classifier.architecture().parameters(), 4 * 16 + 16 + 16 * 3 + 3);
//! # Ok::<(), TrainError>(())
//! ```
//!
//! The program `strata` is not here: nothing in this library reads a command line, prints, or heeds a signal, but for
//! [`experiment::Display`], whose business it is.

pub use dfdx;
pub use strata_config as config;
pub use strata_dataset as dataset;
pub use strata_experiment as experiment;
pub use strata_export as export;
pub use strata_files as files;
pub use strata_kernels as kernels;
pub use strata_metrics as metrics;
pub use strata_model as model;
pub use strata_pages as pages;
pub use strata_report as report;
pub use strata_rng as rng;
pub use strata_spec as spec;
pub use strata_trainer as trainer;

/// What most programs use: networks, training, data in memory, records, and all that a loss, metric, optimizer, schedule, loader or observer of
/// your own names.
pub mod prelude {
    pub use strata_experiment::{Config, ExperimentError, OwnRun, Recorder, Resumption, Runner};
    pub use strata_kernels::{ElementwiseRule, LossSum, Targets, UpdateRule, largest};
    pub use strata_metrics::Metric;
    pub use strata_model::{Activation, Architecture, Predictor, Samples, Usage, mlp, net, own_layer};
    pub use strata_report::{Record, RunFolder, compare_table, list_runs, read_record, runs_table};
    pub use strata_rng::TorchRng;
    pub use strata_spec::{
        Criterion, EarlyStopping, HistoryRow, Named, NetworkSpec, OptimizerSpec, Phase, Precision, ScheduleSpec,
    };
    pub use strata_trainer::{
        Averaging, Batch, Batches, Classifier, ClassifierOptions, Clipping, Device, Direction, Event, LoadError,
        Loader, Loss, Observer, Optimizer, Outcome, Outputs, Pass, Plan, Progress, Schedule, ScheduledStep, Sgd, Step,
        StopAfter, Table, TrainError, TrainingStep, build, evaluate, fit,
    };
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
