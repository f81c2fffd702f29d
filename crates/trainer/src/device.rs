//! Which device trains.

use strata_spec::{DeviceChoice, Precision};

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

/// Whether `device` computes in `precision`.
///
/// # Errors
/// [`TrainError::OnlyOnCpu`] where it does not: a card computes in 32-bit floats.
pub fn check_precision(device: Device, precision: Precision) -> Result<(), TrainError> {
    match (device, precision) {
        (Device::Cpu, _) | (_, Precision::F32) => Ok(()),
        (Device::Cuda(_), Precision::Bf16) => Err(TrainError::OnlyOnCpu { what: "a product of bfloat16".into() }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cpu_computes_in_bfloat16() {
        assert!(check_precision(Device::Cpu, Precision::Bf16).is_ok());
        assert!(check_precision(Device::Cuda(1), Precision::F32).is_ok());
        let error = check_precision(Device::Cuda(1), Precision::Bf16).unwrap_err();
        assert!(matches!(error, TrainError::OnlyOnCpu { .. }), "{error}");
    }
}
