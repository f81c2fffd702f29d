//! Where to compute, and in which numbers.

use std::fmt;
use std::str::FromStr;

use crate::named::named;
use crate::ranges::CUDA_ORDINAL;

/// A device as a person names it: `auto`, `cpu`, `cuda`, `cuda:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceChoice {
    /// The first CUDA card where the build and the machine have one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA card of this ordinal, 0 to 255; it is an error if there is none.
    Cuda(usize),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseDeviceError(String);

impl fmt::Display for ParseDeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown device `{}`: choose auto, cpu, cuda or cuda:N (N from 0 to 255)", self.0)
    }
}

impl std::error::Error for ParseDeviceError {}

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
            .filter(|ordinal| CUDA_ORDINAL.contains(*ordinal))
            .and_then(|ordinal| usize::try_from(ordinal).ok())
            .map(Self::Cuda)
            .ok_or_else(|| ParseDeviceError(text.chars().take(64).collect()))
    }
}

named! {
    /// The numbers that the products of dense layers are computed with. Weights, sums, normalisation, loss and updates are in 32-bit floats either way.
    #[derive(Default)]
    pub enum Precision {
        #[default]
        F32 = "f32", "32-bit floats";
        Bf16 = "bf16", "operands rounded to bfloat16, eight bits of precision; the same bits on every processor; \
            a step is no faster than in f32 on an Intel Xeon with AVX-512 BF16, and takes half as long again without the instruction";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_parse_what_they_display() {
        for device in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(0), DeviceChoice::Cuda(255)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for wrong in ["", "gpu", "cuda:", "cuda:256", "cuda:-1", "cuda: 1", "CPU", "cuda:99999999999999999999"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }
}
