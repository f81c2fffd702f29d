//! Errors of other crates as errors of training.

use strata_kernels::OutOfMemory;
use strata_model::ModelError;

use super::TrainError;

impl TrainError {
    /// A dfdx device's error, whose types differ by device.
    pub(crate) fn device(error: impl std::fmt::Debug + 'static) -> Self {
        match ModelError::device(error) {
            ModelError::Device(text) => Self::Device(text),
            other => other.into(),
        }
    }
}

impl From<ModelError> for TrainError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::OutOfMemory { bytes } => Self::OutOfMemory { bytes },
            other => Self::Model(other),
        }
    }
}

impl From<OutOfMemory> for TrainError {
    fn from(OutOfMemory { bytes }: OutOfMemory) -> Self {
        Self::OutOfMemory { bytes: Some(bytes) }
    }
}
