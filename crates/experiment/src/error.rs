//! What can end an experiment, and whose mistake it is.

use std::path::PathBuf;

use strata_config::ConfigError;
use strata_dataset::{DataFolder, DatasetError};
use strata_export::ExportError;
use strata_files::escape_path;
use strata_report::ReportError;
use strata_spec::{DatasetKind, NetworkSpec};
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
    /// The images could not be had from where they are or shall be.
    #[error("{source}")]
    Data {
        /// What is wrong.
        source: Box<DatasetError>,
        /// Where they were looked for.
        folder: DataFolder,
        /// What they are.
        kind: DatasetKind,
    },
    /// A picture could not be written.
    #[error(transparent)]
    Picture {
        /// What is wrong.
        source: DatasetError,
    },
    /// There is not enough memory for what the config asks for.
    #[error(
        "there is no memory for {}, which {key} asks for",
        bytes.map_or("as much".into(), |bytes| format!("{bytes} bytes more"))
    )]
    Memory {
        /// The config's key.
        key: &'static str,
        /// What could not be allocated, where that is known.
        bytes: Option<usize>,
    },
    /// A folder of data whose name the record cannot hold.
    #[error("{}: a run's record cannot hold this folder's name, since it is not UTF-8", escape_path(path))]
    UnrecordableFolder {
        /// The folder.
        path: PathBuf,
    },
    /// An image that the user asked to see is not there.
    #[error("there is no {part} image {index}: they are numbered 0 to {}", images - 1)]
    NoImage {
        /// The part of the data set.
        part: &'static str,
        /// As it was asked for.
        index: usize,
        /// How many there are.
        images: usize,
    },
    /// Weights that a run cannot start from.
    #[error("cannot start from {}: {reason}", escape_path(path))]
    StartFrom {
        /// The weights file.
        path: PathBuf,
        /// All that does not fit.
        reason: String,
    },
    /// A run that cannot be trained again for comparison.
    #[error("cannot reproduce {}: {reason}", escape_path(run))]
    Reproduce {
        /// The run's folder.
        run: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A key of images of bytes, where the data set's values are floats.
    #[error("{key} is of images of bytes, and the data set's values are floats, which the network sees as they are")]
    OfBytes {
        /// The config's key.
        key: &'static str,
    },
    /// A validation part of another size than the config's, which is found where its data is read.
    #[error(
        "the data set has a validation part of its own, of {own} images, and dataset.validation is {wanted} (a tenth of the training images where it is \
         not written): write dataset.validation = {own}"
    )]
    ValidationPart {
        /// What the data set has.
        own: usize,
        /// What the config says, or takes where it does not.
        wanted: usize,
    },
    /// A class that cannot have a balanced weight.
    #[error("the class with the label {class} has no image to train on, and so no balanced weight")]
    NoWeight {
        /// Its label.
        class: usize,
    },
    /// Training failed.
    #[error(transparent)]
    Train(TrainError),
    /// The run's folder could not be read or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A run could not be read or written for other tools.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A network that classifies no images.
    #[error("the network takes samples of the sizes {sizes:?}, no images of one or three channels")]
    NotOfImages {
        /// The sizes of a sample.
        sizes: Vec<usize>,
    },
    /// The program was built without the network that the config asks for.
    #[error("this program was built without the network {network}")]
    NetworkNotBuilt {
        /// The network asked for.
        network: NetworkSpec,
    },
    /// A compiled network is not the one that its text names.
    #[error("the network compiled as {named} is {built}; mend its text or its type")]
    OtherNetwork {
        /// Its text.
        named: &'static str,
        /// What was compiled.
        built: NetworkSpec,
    },
    /// Worker threads could not be started.
    #[error("cannot start {threads} worker threads: {reason}")]
    Threads {
        /// As many as were asked for.
        threads: usize,
        /// Why not.
        reason: String,
    },
    /// The environment asks for a number of worker threads that is none, or for more than any machine has cores.
    #[error("{variable} is {value:?}, and worker threads are {}", strata_spec::ranges::THREADS)]
    ThreadsOfEnvironment {
        /// The environment's variable.
        variable: &'static str,
        /// Its value.
        value: String,
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
    /// Weights that overflow, or are no numbers.
    #[error(
        "{}: the network's results are no numbers: its weights overflow, or are none themselves",
        escape_path(image)
    )]
    NoPrediction {
        /// The image.
        image: PathBuf,
    },
    /// A name that two runs have.
    #[error("both {} and {} are runs: say which by its path", escape_path(here), escape_path(below))]
    TwoRuns {
        /// The one in the working directory.
        here: PathBuf,
        /// The one in the folder of runs.
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
    /// A run in the folder of several seeds' runs that follows another config than they do.
    #[error(
        "{} follows another config: it has {}, which would be {} here",
        escape_path(run),
        found.as_deref().map_or_else(|| "less".into(), |line| format!("`{line}`")),
        asked.as_deref().map_or_else(|| "left out".into(), |line| format!("`{line}`"))
    )]
    OtherConfig {
        /// The run's folder.
        run: PathBuf,
        /// A line of its config that this one has not.
        found: Option<String>,
        /// A line of this config that its own has not.
        asked: Option<String>,
    },
    /// A run that is to be gone on with, and started from other weights than are named.
    #[error("{} started from {found}, and would start from {asked} here", escape_path(run))]
    OtherParent {
        /// The run's folder.
        run: PathBuf,
        /// What it started from, in words.
        found: String,
        /// What it would start from.
        asked: String,
    },
    /// A run whose weights cannot be evaluated.
    #[error("cannot evaluate {}: {reason}", escape_path(run))]
    Evaluation {
        /// The run's folder.
        run: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Too few runs to evaluate together.
    #[error("an ensemble has two runs or more, and {runs} is named")]
    NoEnsemble {
        /// As many as were named.
        runs: usize,
    },
    /// A signal asked to stop; the run can be resumed.
    #[error("{}: interrupted", escape_path(run))]
    Interrupted {
        /// The run's folder.
        run: PathBuf,
    },
    /// A signal asked to stop before anything was recorded.
    #[error("interrupted before anything was recorded")]
    InterruptedEarly,
}

impl ExperimentError {
    /// 2 for the user's mistake, 130 for an interruption, 1 for a failure.
    pub fn exit_code(&self) -> u8 {
        let mistake = match self {
            Self::Interrupted { .. } | Self::InterruptedEarly => return 130,
            Self::Config(_)
            | Self::UnrecordableFolder { .. }
            | Self::NoImage { .. }
            | Self::NoWeight { .. }
            | Self::ValidationPart { .. }
            | Self::OfBytes { .. }
            | Self::StartFrom { .. }
            | Self::Reproduce { .. }
            | Self::NoRun { .. }
            | Self::TwoRuns { .. }
            | Self::ThreadsOfEnvironment { .. }
            | Self::NotOfImages { .. }
            | Self::Resume { .. }
            | Self::OtherConfig { .. }
            | Self::OtherParent { .. }
            | Self::NoEnsemble { .. }
            | Self::Evaluation { .. } => true,
            Self::Dataset(source) | Self::Picture { source } => source.is_usage(),
            Self::Data { source, .. } => source.is_usage(),
            Self::Train(error) => matches!(error, TrainError::NoDevice { .. } | TrainError::OnlyOnCpu { .. }),
            Self::Report(error) => error.is_usage(),
            Self::Export(error) => error.is_usage(),
            Self::Memory { .. }
            | Self::NetworkNotBuilt { .. }
            | Self::OtherNetwork { .. }
            | Self::Threads { .. }
            | Self::NoPrediction { .. } => false,
        };
        if mistake { 2 } else { 1 }
    }
}

impl From<ConfigError> for ExperimentError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}
