//! The command line of `strata`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use strata_cli::{ConfigArguments, ExperimentArguments, MachineArguments};
use strata_experiment::ImagePart;

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
    Experiment(ExperimentArguments),
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
        /// Runs, by folder or name; all by default.
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

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run, by folder or name.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) machine: MachineArguments,
    /// The folder that holds the data set's files; the one the run was started with by default.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// Sizes, shape, classes, counts and pixel statistics.
    Info(ConfigArguments),
    /// Draw the batch that training sees first as a sheet, and list its labels.
    Grid {
        #[command(flatten)]
        config: ConfigArguments,
        /// The PNG file to write; one that is there is replaced, and keeps its earlier picture under its other names (hard links).
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Draw the images as the config's augmentation changes them in the first epoch.
        #[arg(long)]
        augmented: bool,
    },
    /// Show images with their labels, in the terminal as text: `dataset show CONFIG 0 1 --part test`.
    Show {
        #[command(flatten)]
        config: ConfigArguments,
        /// The images' places in the part, counted from 0.
        #[arg(value_name = "INDEX", required = true, num_args = 1..)]
        indices: Vec<usize>,
        /// The images to choose from: all training images in the data set's order, those of them that validate, or the test images.
        #[arg(long, value_enum, default_value = "train")]
        part: Part,
        /// A PNG file to write the images to, side by side.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    Train,
    Validation,
    Test,
}

impl From<Part> for ImagePart {
    fn from(part: Part) -> Self {
        match part {
            Part::Train => Self::Train,
            Part::Validation => Self::Validation,
            Part::Test => Self::Test,
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
