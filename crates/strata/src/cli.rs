//! The command line of `strata`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use strata_config::{parse_name, parse_threads};
use strata_spec::DeviceChoice;

/// Trains image classifiers from configs and records every run.
#[derive(Debug, Parser)]
#[command(name = "strata", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train what a config describes, evaluate it and record the run.
    Experiment(Experiment),
    /// Go on with a run that was stopped.
    Resume(Resume),
    /// List the recorded runs.
    Runs {
        /// The folder of all runs' folders.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        runs: PathBuf,
    },
    /// Show runs' hyperparameters and metrics side by side, best first.
    Compare {
        /// Runs, by folder or name; all unless told.
        #[arg(value_name = "RUN")]
        names: Vec<PathBuf>,
        /// The folder of all runs' folders.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        runs: PathBuf,
    },
    /// Look at a config's images.
    #[command(subcommand)]
    Dataset(Dataset),
}

/// A config, and what is laid over it.
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// The config, a TOML file.
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,
    /// Lay a value over the config's: section.key=value, in TOML. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) sets: Vec<String>,
    /// The folder that holds, or will hold, the data set's files; the system's cache unless told.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Experiment {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
    /// What to call the run; the config's name, numbered where it is taken, unless told.
    #[arg(long, value_parser = parse_name)]
    pub(crate) name: Option<String>,
}

/// Where a run computes; nothing on the CPU depends on it.
#[derive(Debug, Args)]
pub(crate) struct Machine {
    /// Where to compute: auto, cpu, cuda or cuda:N; the config's unless told.
    #[arg(long)]
    pub(crate) device: Option<DeviceChoice>,
    /// Worker threads, 1 to 1024; the config's, else what the machine has, unless told.
    #[arg(long, value_parser = parse_threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run, by folder or name.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// The folder that holds the data set's files; the one the run was started with unless told.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// Sizes, shape, classes, counts and pixel statistics.
    Info(Config),
    /// Draw the first training batch as a sheet, and list its labels.
    Grid {
        #[command(flatten)]
        config: Config,
        /// The PNG file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

impl Machine {
    /// Lays what was told over `experiment`.
    pub(crate) fn apply(&self, experiment: &mut strata_experiment::Experiment) {
        if let Some(device) = self.device {
            experiment.device = device;
        }
        if self.threads.is_some() {
            experiment.threads = self.threads;
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
