//! Going on with an experiment that was stopped.

use std::path::{Path, PathBuf};

use strata_config::Config;
use strata_dataset::{DataFolder, DatasetError};
use strata_report::RunFolder;
use strata_trainer::Loader;

use crate::parent::Beginning;
use crate::resumption::{Resumption, refused};
use crate::run::Runner;
use crate::{ExperimentError, setup};

impl Runner<'_> {
    /// Goes on with the run in `folder` from its last checkpoint, or from the seed where there is none. On the CPU the result is that of a
    /// run that was never stopped, to the bit. `change` may alter what the result does not depend on: device, threads.
    ///
    /// # Errors
    /// As [`Runner::start`]; [`ExperimentError::Resume`] where the run cannot be gone on with; [`ExperimentError::Data`] where the folder that
    /// is named for its data is not there.
    pub fn resume(&mut self, run: &Path, change: impl FnOnce(Config) -> Config) -> Result<PathBuf, ExperimentError> {
        let run = &under_real_name(run);
        let folder = RunFolder::open(run)?;
        let (experiment, config) = read_config(run)?;
        let experiment = change(experiment);
        let resumption = Resumption::open(folder, &config)?;
        if let Some(path) = self.data.as_ref().filter(|path| !path.exists()) {
            // Nothing is downloaded to a folder that is misspelt, or whose disk is not mounted.
            let (path, folder) = (path.clone(), DataFolder::Existing(path.clone()));
            let (source, kind) = (Box::new(DatasetError::NotAFolder { path }), experiment.dataset.kind.kind());
            return Err(ExperimentError::Data { source, folder, kind });
        }
        let mut parts = self.prepare(&experiment, resumption.data_folder())?;
        let beginning = resumption.parent().map_or(Beginning::Drawn, Beginning::Again);
        parts.take_parent(beginning, &experiment)?;
        let record = self.with_change(resumption.folder(), self.record(&experiment, &parts))?;
        let (plan, batches) = (setup::plan(&experiment), parts.loaders.train.batches());
        let (recorder, progress) =
            resumption.restore(record, &mut *parts.classifier, &plan, batches, experiment.seed)?;
        let epoch = progress.as_ref().map_or(0, |progress| progress.epoch);
        self.display.line(&format!("{}: going on at epoch {epoch}", run.display()));
        self.train(&experiment, recorder, parts, progress)?;
        Ok(run.to_owned())
    }
}

/// `run` as it is to be shown: by the folder's real name, however it was named (`.`, a link).
fn under_real_name(run: &Path) -> PathBuf {
    match run.canonicalize() {
        Ok(real) if real.file_name() != run.file_name() => real,
        _ => run.to_owned(),
    }
}

/// The run's config and its text: the text as it is, not as it is understood, since a changed byte may change a sum's order, or nothing.
fn read_config(run: &Path) -> Result<(Config, String), ExperimentError> {
    let path = run.join("config.toml");
    let experiment = Config::read(&path, &[])?;
    let text = std::fs::read_to_string(&path).map_err(|error| refused(run, format!("its config.toml: {error}")))?;
    Ok((experiment, text))
}
