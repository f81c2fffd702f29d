//! A record's config run again, and whether it came to the same.

use std::path::{Path, PathBuf};

use strata_config::Config;
use strata_report::{HistoryDifference, RunState, Status, first_difference, read_history, read_parent, read_record};

use crate::ExperimentError;
use crate::parent::Beginning;
use crate::recorded_config::read_recorded;
use crate::run::{RunName, Runner};

/// How a run that was trained again compares with the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproduction {
    /// The folder of the new run.
    pub run: PathBuf,
    /// Whether the weights are the same, byte for byte.
    pub has_same_weights: bool,
    /// The first line of the history that differs; none where all are the same.
    pub difference: Option<HistoryDifference>,
}

impl Runner<'_> {
    /// Trains the config of the finished run in `run` again, in a new folder under `runs`, from the weights that it started from, and compares. `change` may
    /// alter what the result does not depend on. Data is looked for where the run had it, unless the runner names a folder.
    ///
    /// # Errors
    /// [`ExperimentError::Reproduce`] where the run is not finished, or its config is not the one that its record names; [`ExperimentError::Report`] where its record or its history cannot be read;
    /// [`ExperimentError::StartFrom`] where the weights that it started from are not there any more;
    /// otherwise as [`Runner::start`].
    pub fn reproduce(
        &mut self,
        run: &Path,
        runs: &Path,
        change: impl FnOnce(Config) -> Config,
    ) -> Result<Reproduction, ExperimentError> {
        let first = read_record(run)?;
        let refused = |reason: String| ExperimentError::Reproduce { run: run.to_owned(), reason };
        let weights = match (first.status, &first.model) {
            (Status::Finished, Some(model)) => model.sha256.clone(),
            _ => return Err(refused(format!("{}: a finished run can be", RunState::of(run).in_words()))),
        };
        let config = change(read_recorded(run, &first, refused)?);
        // Before hours of training, not after them.
        let before = read_history(run)?.entries;
        let parent = read_parent(run)?.or(first.parent);
        let beginning = parent.as_ref().map_or(Beginning::Drawn, Beginning::Again);
        // A run's name has at most a hundred characters.
        let name: String = config.name.chars().take(94).chain("-again".chars()).collect();
        let recorded = first.dataset.folder.as_deref().map(Path::new);
        let folder = self.start_with(&config, runs, RunName::Numbered(&name), beginning, recorded)?;
        let again = read_record(&folder)?;
        if again.dataset.sha256 != first.dataset.sha256 {
            self.display.line("the images are not those of the run's record");
        }
        let after = read_history(&folder)?.entries;
        Ok(Reproduction {
            run: folder,
            has_same_weights: again.model.is_some_and(|model| model.sha256 == weights),
            difference: first_difference(&before, &after),
        })
    }
}
