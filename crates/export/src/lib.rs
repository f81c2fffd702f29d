//! A recorded run for other tools.
//!
//! [`RecordedRun::open`] reads a run's folder; an [`Exporter`] makes of it what another program opens, and [`EXPORTERS`] lists them all: ONNX,
//! TensorBoard, MLflow. Nothing is trained and no network is compiled: a run is its record, its history and its weights file.
//!
//! ```no_run
//! use strata_export::{Options, RecordedRun, exporter};
//!
//! let run = RecordedRun::open("runs/quickstart".as_ref())?;
//! exporter("onnx")?.export(&[run], "model.onnx".as_ref(), &Options::default())?;
//! # Ok::<(), strata_export::ExportError>(())
//! ```

mod error;
mod exporter;
mod flat;
mod format;
mod message;
mod place;
mod registry;
mod run;
#[cfg(test)]
mod testing;

pub use error::ExportError;
pub use exporter::{Destination, ExportOption, Exporter, Options};
pub use format::*;
pub use registry::exporter;
pub use run::{RecordedRun, weights_file};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
