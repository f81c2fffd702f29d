//! What can keep a run from being exported.

use std::path::{Path, PathBuf};

use strata_files::escape_path;
use strata_model::ModelError;
use strata_report::ReportError;

/// An error of this crate; each says which run or file, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file could not be read or written.
    #[error("{action} {}: {source}; {}", escape_path(path), strata_files::remedy(source))]
    Io {
        /// What was being done, such as "writing".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The run's record or history cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The run's weights cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The run has no weights that could be used.
    #[error("{}: {reason}", escape_path(run))]
    Weights {
        /// The run's folder.
        run: PathBuf,
        /// Why not.
        reason: String,
    },
    /// There is no exporter of this name.
    #[error("there is no exporter `{name}`; there are {known}")]
    NoExporter {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// An option, or its value, that an exporter does not have.
    #[error("{exporter}: {name} = {value:?}: it takes {expects}")]
    Option {
        /// The exporter.
        exporter: &'static str,
        /// The option.
        name: String,
        /// Its value.
        value: String,
        /// What there is.
        expects: String,
    },
    /// An exporter of one run got none or several.
    #[error("{exporter} exports one run at a time, not {runs}")]
    OneRun {
        /// The exporter.
        exporter: &'static str,
        /// How many it got.
        runs: usize,
    },
    /// Another run's export lies where this one's would.
    #[error("{}: {} is another run's; choose another folder, or rename the run's", escape_path(run), escape_path(path))]
    Taken {
        /// The run's folder.
        run: PathBuf,
        /// What is there.
        path: PathBuf,
    },
    /// A server does not do what it was asked for.
    #[error("{url}: {reason}")]
    Server {
        /// Its address, without user name and password.
        url: String,
        /// What was asked, and what it said.
        reason: String,
    },
    /// A format cannot hold what the run has.
    #[error("{}: {format} cannot hold it: {reason}", escape_path(run))]
    Unsupported {
        /// The run's folder.
        run: PathBuf,
        /// The format.
        format: &'static str,
        /// What does not fit.
        reason: String,
    },
}

impl ExportError {
    /// Whether it is the user's mistake, who has to ask for something else, rather than a failure.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NoExporter { .. }
            | Self::Option { .. }
            | Self::OneRun { .. }
            | Self::Taken { .. }
            | Self::Weights { .. } => true,
            Self::Report(error) => error.is_usage(),
            _ => false,
        }
    }

    /// For `map_err` on a file's operation.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
