//! The command line of `strata`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use strata_cli::{ConfigArguments, ExperimentArguments, MachineArguments, SweepArguments, parse_count};
use strata_experiment::ImagePart;
use strata_report::{Filter, Format};
use strata_spec::{DatasetKind, Named};

use crate::export::Export;
use crate::predict::Predict;

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
    /// Train a finished run's config again, as a new run, and say whether weights and history are the same; if not, from which line of the history on.
    Reproduce(Reproduce),
    /// Free the checkpoints of finished runs, which nothing reads any more.
    Prune {
        /// Runs, by folder or name; all that are finished by default.
        #[arg(value_name = "RUN")]
        names: Vec<PathBuf>,
        /// The folder of all runs' folders.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        runs: PathBuf,
    },
    /// Remove runs with all that is in their folders; asks first.
    Remove {
        /// Runs, by folder or name.
        #[arg(value_name = "RUN", required = true)]
        names: Vec<PathBuf>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// The folder of all runs' folders.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        runs: PathBuf,
    },
    /// Run what a sweep's file says to try, or look at what came of it.
    Sweep(SweepArguments),
    /// List the recorded runs: those that match, sorted, or groups of them with their means.
    Runs(Runs),
    /// Show runs' hyperparameters and metrics side by side, best first.
    Compare {
        /// Runs, by folder or name; all by default.
        #[arg(value_name = "RUN")]
        names: Vec<PathBuf>,
        /// Write a page instead that a browser opens without a network: curves over each other, a table to sort and filter, groups over seeds, parallel
        /// coordinates, differences of configs.
        #[arg(long, value_name = "FILE", conflicts_with = "format")]
        html: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Show what was measured after each epoch.
    History {
        /// Runs, by folder or name.
        #[arg(value_name = "RUN", required = true)]
        names: Vec<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Evaluate runs' weights again: loss, accuracy, further metrics, each class, and which classes are taken for which; with --ensemble all of them together.
    Evaluate(Evaluate),
    /// Make a run's page again from its files: `report.html` in its folder, which a browser opens without a network.
    Report(Report),
    /// Put a note and tags on a run, in a file of their own beside its record.
    Note(Note),
    /// Look at a config's images.
    #[command(subcommand)]
    Dataset(Dataset),
    /// Classify image files by a run's weights.
    Predict(Predict),
    /// Make of runs what another program opens: `export onnx RUN --out model.onnx`.
    #[command(subcommand)]
    Export(Export),
}

/// Where runs are, and how their table is written.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// How the table is written: for people, or for other programs with every digit.
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = format)]
    pub(crate) format: Format,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
}

fn format(name: &str) -> Result<Format, String> {
    let names = || Format::ALL.map(Format::as_str).join(", ");
    Format::from_name(name).ok_or_else(|| format!("choose one of {}", names()))
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Runs that match, as in 'val_acc > 0.6 and optimizer == adamw': metrics, keys of configs, status, tags; may be given again. Of keys with several values
    /// (phases.lr, tags) one that matches is enough.
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) conditions: Vec<Filter>,
    /// The order: by a metric or a key of configs, the smallest first; the oldest run first by default.
    #[arg(long, value_name = "KEY")]
    pub(crate) sort: Option<String>,
    /// The largest first.
    #[arg(long, requires = "sort")]
    pub(crate) descending: bool,
    /// A row for each value of these keys, with the number of runs and the mean and deviation of each metric: optimizer.kind,seed.
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', conflicts_with = "sort")]
    pub(crate) group: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Runs, by folder or name, each evaluated in turn.
    #[arg(value_name = "RUN", required = true)]
    pub(crate) names: Vec<PathBuf>,
    /// Evaluate the mean of the runs' class probabilities, and tell each run's own accuracy beside it.
    #[arg(long)]
    pub(crate) ensemble: bool,
    /// Evaluate the mean of the class probabilities of both views of each image too, as it is and mirrored, after the plain figures.
    #[arg(long)]
    pub(crate) mirrored: bool,
    /// The images: train (those that were trained on), validation or test; or a folder of class-named folders of images, an .npz file or folder of arrays of a run on
    /// arrays, a folder of a published data set's files; or such a set by its name, as in cifar10, in the folder that --data names, else in the system's cache.
    #[arg(long, default_value = "test", value_name = "PART|DIR|SET", value_parser = evaluated)]
    pub(crate) on: Evaluated,
    /// Print it as JSON, with every digit.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) folders: Folders,
}

/// Where the images and the runs of a command on a recorded run are.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// The folder that holds the data set's files; the one the run was started with by default.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run, by folder or name.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Draw its plots as PNG files too: loss.png, accuracy.png and, where further metrics were measured, metrics.png.
    #[arg(long)]
    pub(crate) png: bool,
    #[command(flatten)]
    pub(crate) folders: Folders,
}

#[derive(Debug, Args)]
pub(crate) struct Note {
    /// The run, by folder or name.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// What is to be said of it; without a note and tags, what was said is shown.
    #[arg(value_name = "NOTE")]
    pub(crate) note: Option<String>,
    /// A tag to put on it; may be given again.
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// A tag that it has, to take off it; may be given again.
    #[arg(long = "untag", value_name = "TAG")]
    pub(crate) removed: Vec<String>,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
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
    /// Stop after so many epochs in all, as a signal would.
    #[arg(long, value_name = "EPOCHS", value_parser = parse_count)]
    pub(crate) stop_after: Option<NonZeroUsize>,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Reproduce {
    /// The run, by folder or name.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) machine: MachineArguments,
    #[command(flatten)]
    pub(crate) folders: Folders,
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

/// What weights are evaluated on.
#[derive(Clone, Debug)]
pub(crate) enum Evaluated {
    Part(Part),
    /// What is no part of the run's data.
    Path(PathBuf),
    /// A published data set.
    Published(DatasetKind),
}

/// A folder of the name of a part or of a published data set is written `./test`.
fn evaluated(text: &str) -> Result<Evaluated, String> {
    let published = DatasetKind::from_name(text).filter(|kind| kind.release().is_some());
    Ok(match (Part::from_str(text, false), published) {
        (Ok(part), _) => Evaluated::Part(part),
        (Err(_), Some(kind)) => Evaluated::Published(kind),
        (Err(_), None) => Evaluated::Path(text.into()),
    })
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
