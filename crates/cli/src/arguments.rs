//! The command line of `experiment`, declared once: `cargo xtask` checks it before it builds, the program does what it says.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use strata_config::{parse_name, parse_threads};
use strata_spec::DeviceChoice;

/// A config, and what is laid over it.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// The config, a TOML file (configs/ has some; docs/config.md lists the keys).
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// Lay a value over the config's: section.key=value, in TOML. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub sets: Vec<String>,
    /// The folder that holds, or will hold, the data set's files; the system's cache by default.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Where a run computes; nothing on the CPU depends on it.
#[derive(Debug, Args)]
pub struct MachineArguments {
    /// Where to compute: auto, cpu, cuda or cuda:N; the config's by default.
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    /// Worker threads, 1 to 1024; the config's by default, else what the machine has.
    #[arg(long, value_parser = parse_threads)]
    pub threads: Option<NonZeroUsize>,
}

/// The arguments of `experiment`.
#[derive(Debug, Args)]
pub struct ExperimentArguments {
    /// What to train.
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Where.
    #[command(flatten)]
    pub machine: MachineArguments,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// What to call the run; the config's name by default, numbered where it is taken.
    #[arg(long, value_parser = parse_name)]
    pub name: Option<String>,
}
