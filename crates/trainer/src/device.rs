//! Which device trains.

use strata_spec::DeviceChoice;

use crate::TrainError;

/// A device that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The CPU.
    Cpu,
    /// A card by its number.
    Cuda(usize),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl Device {
    /// The device that `choice` means here.
    ///
    /// # Errors
    /// [`TrainError::NoDevice`] where a card is asked for and this build has no CUDA or this machine no such card.
    pub fn choose(choice: DeviceChoice) -> Result<Self, TrainError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::Cpu),
            DeviceChoice::Cuda(ordinal) => probe(ordinal).map(|()| Self::Cuda(ordinal)),
            DeviceChoice::Auto => Ok(if probe(0).is_ok() { Self::Cuda(0) } else { Self::Cpu }),
        }
    }
}

#[cfg(not(feature = "cuda"))]
fn probe(ordinal: usize) -> Result<(), TrainError> {
    Err(no_cuda(ordinal))
}

/// Why a build for the CPU has no card.
#[cfg(not(feature = "cuda"))]
pub(crate) fn no_cuda(ordinal: usize) -> TrainError {
    TrainError::NoDevice {
        wanted: Device::Cuda(ordinal).to_string(),
        reason: "this program was built without CUDA, the feature `cuda` of its crates, which needs a CUDA toolkit"
            .into(),
    }
}

#[cfg(feature = "cuda")]
fn probe(ordinal: usize) -> Result<(), TrainError> {
    dfdx::tensor::Cuda::try_build(ordinal, 0).map(drop).map_err(|error| TrainError::NoDevice {
        wanted: Device::Cuda(ordinal).to_string(),
        reason: format!("the driver says {error:?}; `nvidia-smi` lists the cards"),
    })
}
