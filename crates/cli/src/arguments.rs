//! The command line of `experiment`, declared once: `cargo xtask` checks it before it builds, the program does what it says.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use strata_config::{parse_name, parse_threads};
use strata_spec::DeviceChoice;

use crate::seeds::{Seeds, parse_seeds};

/// A number of things of which there is one at least.
///
/// # Errors
/// What is expected, in words, unless 1 or more.
pub fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number, 1 or more".to_owned())
}

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

/// Where a run computes, and how it is shown; nothing on the CPU depends on it.
#[derive(Debug, Args)]
pub struct MachineArguments {
    /// Where to compute: auto, cpu, cuda or cuda:N; the config's by default.
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    /// Worker threads, 1 to 1024; the config's by default, else what RAYON_NUM_THREADS says, else what the machine has.
    #[arg(long, value_parser = parse_threads)]
    pub threads: Option<NonZeroUsize>,
    /// Print lines alone on a terminal too: no bars, no live view.
    #[arg(long)]
    pub plain: bool,
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
    /// Stop after so many epochs in all, as a signal would; `resume` goes on.
    #[arg(long, value_name = "EPOCHS", conflicts_with = "seeds", value_parser = parse_count)]
    pub stop_after: Option<NonZeroUsize>,
    /// What to call the run; the config's name by default, numbered where it is taken. With --seeds, the folder of its runs.
    #[arg(long, value_parser = parse_name)]
    pub name: Option<String>,
    /// Start from the weights of a run, by folder or name, or of a safetensors file that PyTorch or anybody saved, in place of drawn ones; with
    /// --seeds each of its runs does.
    #[arg(long, value_name = "RUN|FILE")]
    pub from: Option<PathBuf>,
    /// With --from: draw the last layer all the same, for other classes.
    #[arg(long, requires = "from")]
    pub new_last_layer: bool,
    /// Train it with several seeds in turn, 5 for the seeds 1 to 5 or a list as in 7,43, and tell mean and deviation. The runs are seed-1, seed-2 … in a
    /// folder of their own, the config's name and -seeds by default; the same command again leaves out those that are finished and goes on with the others.
    #[arg(long, value_name = "SEEDS", value_parser = parse_seeds)]
    pub seeds: Option<Seeds>,
}

impl ExperimentArguments {
    /// What is wrong with the arguments together.
    #[must_use]
    pub fn conflict(&self) -> Option<&'static str> {
        let sets_seed =
            self.config.sets.iter().any(|set| set.split_once('=').is_some_and(|(key, _)| key.trim() == "seed"));
        (sets_seed && self.seeds.is_some()).then_some("--set seed=… has no effect beside --seeds, which says the seeds")
    }
}
