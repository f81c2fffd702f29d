//! What can end an experiment, and whose mistake it is.

use std::path::PathBuf;

use strata_config::ConfigError;
use strata_dataset::DatasetError;
use strata_files::escape_path;
use strata_report::ReportError;
use strata_trainer::TrainError;

/// An error of any part of an experiment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The config is wrong.
    #[error(transparent)]
    Config(#[from] Box<ConfigError>),
    /// The images could not be had.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The archive that the config's `file://` URL names could not be read.
    #[error("{source}; mend dataset.url = {url:?}, which names it, or the file")]
    Archive {
        /// `dataset.url`.
        url: String,
        /// What is wrong with it.
        source: DatasetError,
    },
    /// A file that the user can choose the place of could not be read or written.
    #[error("{source}; {remedy}")]
    Place {
        /// What is wrong with it.
        source: DatasetError,
        /// What to do.
        remedy: &'static str,
    },
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The run's folder could not be read or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The program was built without the network that the config asks for.
    #[error("this program was built without the network {widths:?}")]
    NoRow {
        /// The widths asked for.
        widths: Vec<usize>,
    },
    /// Worker threads could not be started.
    #[error("cannot start {threads} worker threads: {reason}")]
    Threads {
        /// As many as were asked for.
        threads: usize,
        /// Why not.
        reason: String,
    },
    /// There is no such run.
    #[error("no run {name:?}: neither {} nor {} is a run's folder", escape_path(here), escape_path(below))]
    NoRun {
        /// As it was named.
        name: PathBuf,
        /// Where it was looked for first.
        here: PathBuf,
        /// And then.
        below: PathBuf,
    },
    /// A run that cannot be gone on with.
    #[error("cannot resume {}: {reason}", escape_path(run))]
    Resume {
        /// The run's folder.
        run: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// A signal asked to stop; the run can be resumed.
    #[error("{}: interrupted", escape_path(run))]
    Interrupted {
        /// The run's folder.
        run: PathBuf,
    },
    /// A signal asked to stop before there was a run.
    #[error("interrupted before the run began; nothing was recorded")]
    InterruptedEarly,
}

impl ExperimentError {
    /// 2 for the user's mistake, 130 for an interruption, 1 for a failure.
    pub fn exit_code(&self) -> u8 {
        let mistake = match self {
            Self::Interrupted { .. } | Self::InterruptedEarly => return 130,
            Self::Config(_) | Self::NoRun { .. } | Self::Resume { .. } => true,
            Self::Dataset(source) | Self::Archive { source, .. } | Self::Place { source, .. } => source.is_usage(),
            Self::Train(error) => matches!(error, TrainError::NoDevice { .. }),
            Self::Report(error) => error.is_usage(),
            Self::NoRow { .. } | Self::Threads { .. } => false,
        };
        if mistake { 2 } else { 1 }
    }
}

impl From<ConfigError> for ExperimentError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}
