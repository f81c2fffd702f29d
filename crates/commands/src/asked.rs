//! What of the command line decides what can be advised.

use crate::cli::Command;

/// What of the command line decides what can be advised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Experiment,
    /// One config with several seeds.
    Seeds,
    Resume,
    Reproduce,
    Sweep,
    /// Writes a page of runs.
    Comparing,
    Reading,
}

impl Asked {
    pub(crate) fn of(command: &Command) -> Self {
        match command {
            Command::Experiment(arguments) if arguments.seeds.is_some() => Self::Seeds,
            Command::Experiment(_) => Self::Experiment,
            Command::Resume(_) => Self::Resume,
            Command::Reproduce(_) => Self::Reproduce,
            Command::Sweep(_) => Self::Sweep,
            Command::Compare { html: Some(_), .. } => Self::Comparing,
            Command::Prune { .. }
            | Command::Remove { .. }
            | Command::Runs(_)
            | Command::Compare { .. }
            | Command::History { .. }
            | Command::Note(_)
            | Command::Evaluate(_)
            | Command::Dataset(_)
            | Command::Export(_)
            | Command::Predict(_)
            | Command::Report(_) => Self::Reading,
        }
    }
}
