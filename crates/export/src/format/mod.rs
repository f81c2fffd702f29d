//! What runs are exported as, each a file of this folder, whose list `cargo xtask docs` writes.

#![allow(unused_qualifications, reason = "every file has a constant of the same name")]

mod mlflow;
mod onnx;
mod tensorboard;

pub use mlflow::*;
pub use onnx::*;
pub use tensorboard::*;

use crate::Exporter;

/// Every exporter.
#[rustfmt::skip]
pub const EXPORTERS: &[&dyn Exporter] = &[
    mlflow::EXPORTER,
    onnx::EXPORTER,
    tensorboard::EXPORTER,
];
