//! Errors whose exit code is not 1.

use std::fmt;

use strata_config::ConfigError;
use strata_sweep::SweepError;

/// An error that knows its exit code.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The user's mistake: exit code 2.
    Mistake(String),
    /// A mistake in a config: exit code 2.
    Config(ConfigError),
    /// What is wrong with a sweep.
    Sweep(SweepError),
    /// Interrupted by a signal: exit code 130.
    Interrupted,
}

impl Fault {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Mistake(_) | Self::Config(_) => 2,
            Self::Sweep(error) => error.exit_code(),
            Self::Interrupted => 130,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistake(message) => f.write_str(message),
            Self::Config(error) => error.fmt(f),
            Self::Sweep(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Fault {}
