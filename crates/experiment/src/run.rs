//! Runs and how one starts.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use strata_config::Config;
use strata_dataset::{Dataset, Split};
use strata_report::{Record, ReportError, RunFolder};
use strata_rng::TorchRng;
use strata_spec::Initialisation;
use strata_trainer::{Classifier, Device, Progress, Threads};

use crate::inputs::{Inputs, Loaders};
use crate::parent::{Beginning, Parent, StartFrom, Taker};
use crate::recorder::Recorder;
use crate::setup;
use crate::threads::start_threads;
use crate::{Commit, CompiledNetwork, Display, ExperimentError, Stop, data, memory};

/// Runs experiments with the networks of one program.
#[derive(Debug)]
pub struct Runner<'a> {
    /// The networks.
    pub networks: &'a [CompiledNetwork],
    /// Where the data set's files are or shall be; if none, where the run to be resumed had them, else the system's cache folder. A path that
    /// is recorded is UTF-8.
    pub data: Option<PathBuf>,
    /// The command line, for the record.
    pub command: Vec<String>,
    /// The commit that the program was built from, for the record.
    pub commit: Option<Commit>,
    /// Where to look for a wish to stop.
    pub stop: Stop,
    /// What shows the run.
    pub display: Display,
}

/// What a new run is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RunName<'a> {
    /// So, or not at all.
    Exact(&'a str),
    /// So, with a number where that is taken.
    Numbered(&'a str),
}

impl<'a> RunName<'a> {
    fn of(name: Option<&'a str>, config: &'a Config) -> Self {
        name.map_or(Self::Numbered(&config.name), Self::Exact)
    }
}

/// The run's folder that `name` means: a folder's path, or a name in `runs`, of a link too, or the real name of a folder that a link in `runs`
/// leads to. One with a record or a lock comes before one with a `config.toml` alone, which other programs have too.
///
/// # Errors
/// [`ExperimentError::NoRun`] where none of them holds a run, [`ReportError::Io`] where that cannot be told.
pub fn find_run(name: &Path, runs: &Path) -> Result<PathBuf, ExperimentError> {
    let below = runs.join(name);
    let mut hidden = None;
    let folders = [name, &below].into_iter().map(Path::to_owned).chain(links_to(name, runs)).collect::<Vec<_>>();
    let has_config = |folder: &Path| Ok(folder.join("config.toml").is_file());
    for is_run in [RunFolder::is_at, has_config] {
        for folder in &folders {
            match is_run(folder) {
                Ok(true) => return Ok(folder.clone()),
                Ok(false) => {}
                Err(error) => drop(hidden.get_or_insert((folder.clone(), error))),
            }
        }
    }
    match hidden {
        Some((path, source)) => Err(ReportError::Io { action: "look into the run's folder", path, source }.into()),
        None => Err(ExperimentError::NoRun { name: name.to_owned(), here: name.to_owned(), below }),
    }
}

/// The folders that links in `runs` lead to and that are called `name`: so they are listed.
fn links_to(name: &Path, runs: &Path) -> impl Iterator<Item = PathBuf> {
    let name = name.as_os_str().to_owned();
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    links.filter_map(|link| link.path().canonicalize().ok()).filter(move |folder| folder.file_name() == Some(&name))
}

/// Everything that a run needs besides its folder.
pub(crate) struct Parts {
    pub(crate) threads: Threads,
    pub(crate) device: Device,
    pub(crate) dataset: Dataset,
    /// Of the images and their labels.
    pub(crate) dataset_sha256: String,
    /// Where its files are, unless in the system's cache.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) split: Split,
    /// How images become the network's inputs.
    pub(crate) inputs: Inputs,
    pub(crate) loaders: Loaders,
    pub(crate) classifier: Box<dyn Classifier>,
    pub(crate) initialisation: Initialisation,
    /// What it starts from in place of drawn weights; none in a run that has begun.
    pub(crate) parent: Option<Parent>,
    /// After the split was drawn.
    pub(crate) rng: TorchRng,
}

impl Parts {
    /// Reads what the run begins with in place of drawn weights, where it does.
    pub(crate) fn take_parent(&mut self, beginning: Beginning<'_>, config: &Config) -> Result<(), ExperimentError> {
        if matches!(beginning, Beginning::Drawn) {
            return Ok(());
        }
        let taker = Taker {
            tensors: &self.classifier.snapshot()?.0.tensors,
            usage: self.inputs.usage(config, &self.dataset),
            dataset_sha256: &self.dataset_sha256,
            split_sha256: self.split.sha256(),
        };
        let is_new = matches!(beginning, Beginning::From(_));
        self.parent = Parent::read(beginning, &taker)?;
        if let Some(parent) = self.parent.as_mut().filter(|parent| is_new && parent.is_whole())
            && self.initialisation != Initialisation::default()
        {
            let note = "model.init and model.zero_init_residual have no effect: all weights are taken over";
            parent.record.notes.push(note.to_owned());
        }
        Ok(())
    }

    /// Draws the initial parameters, and takes those of the parent where there is one: where a run begins.
    pub(crate) fn begin(&mut self, stop: &Stop) -> Result<Progress, ExperimentError> {
        stop.while_at_once(|| self.classifier.initialise_by(self.initialisation, &mut self.rng))??;
        if let Some(parent) = &self.parent {
            parent.give_to(&mut *self.classifier)?;
        }
        Ok(Progress::new(&self.rng))
    }
}

impl Runner<'_> {
    /// Trains `experiment`, evaluates it on the test images and records all of it in a new folder under `runs`: named `name`,
    /// which must be free, or after the config. Gives the folder.
    ///
    /// # Errors
    /// What any part fails with; [`ExperimentError::Interrupted`] where it was asked to stop. The folder's record says so too.
    pub fn start(&mut self, experiment: &Config, runs: &Path, name: Option<&str>) -> Result<PathBuf, ExperimentError> {
        self.start_with(experiment, runs, RunName::of(name, experiment), Beginning::Drawn, None)
    }

    /// As [`Runner::start`], from the weights that `from` names in place of drawn ones; the draws are the same, the optimizer begins as of any run. The record says which.
    ///
    /// # Errors
    /// As there; [`ExperimentError::StartFrom`] with all that does not fit.
    pub fn start_from(
        &mut self,
        experiment: &Config,
        runs: &Path,
        name: Option<&str>,
        from: &StartFrom,
    ) -> Result<PathBuf, ExperimentError> {
        self.start_with(experiment, runs, RunName::of(name, experiment), Beginning::From(from), None)
    }

    /// `recorded` is where the data of a run lay that is run again.
    pub(crate) fn start_with(
        &mut self,
        experiment: &Config,
        runs: &Path,
        name: RunName<'_>,
        beginning: Beginning<'_>,
        recorded: Option<&Path>,
    ) -> Result<PathBuf, ExperimentError> {
        // Whatever can be wrong is found before a folder is made.
        let mut parts = self.prepare(experiment, recorded)?;
        parts.take_parent(beginning, experiment)?;
        for note in parts.parent.iter().flat_map(|parent| &parent.record.notes) {
            self.display.line(note);
        }
        let progress = parts.begin(&self.stop)?;
        let folder = match name {
            RunName::Exact(name) => RunFolder::create_exact(runs, name)?,
            RunName::Numbered(name) => RunFolder::create(runs, name)?,
        };
        let path = folder.path().to_owned();
        let record = self.with_change(&folder, self.record(experiment, &parts))?;
        let recorder = Recorder::start(folder, &experiment.to_toml(), record)?;
        self.display.line(&format!(
            "{}: {}, {} parameters, on {}",
            path.display(),
            parts.classifier.architecture(),
            recorder.record.parameters,
            recorder.record.environment.device
        ));
        self.train(experiment, recorder, parts, Some(progress))?;
        Ok(path)
    }

    /// `record` with the file that holds the uncommitted change, which is written to the run's folder first.
    pub(crate) fn with_change(&self, folder: &RunFolder, mut record: Record) -> Result<Record, ReportError> {
        if let Some(change) = self.commit.as_ref().and_then(|commit| commit.change.as_deref()) {
            record.environment.change = Some(folder.write_change(change)?);
        }
        Ok(record)
    }

    /// Loads the images, splits them and builds the network. The images are looked for where the user says, else in `recorded`, the folder
    /// that the run to be resumed was started with.
    pub(crate) fn prepare(&mut self, experiment: &Config, recorded: Option<&Path>) -> Result<Parts, ExperimentError> {
        if let Some(path) = self.data.as_ref().filter(|path| path.to_str().is_none()) {
            return Err(ExperimentError::UnrecordableFolder { path: path.clone() });
        }
        let threads = start_threads(experiment.threads)?;
        let device = Device::choose(experiment.device)?;
        setup::check_device(experiment, device)?;
        if let Some(remark) = setup::remark_on_precision(experiment) {
            self.display.line(remark);
        }
        let folder = data::named_or_recorded(self.data.as_deref(), recorded);
        let dataset = threads.run(|| data::load(experiment, &folder, &mut self.display, &self.stop))?;
        // The notebook's order of draws: the split, then the layers, then the passes.
        let (split, rng) = data::split(experiment, &dataset)?;
        memory::check(experiment, &dataset, &split, device)?;
        // One thread hashes while the others work the inputs out.
        let inputs_and_hash = || rayon::join(|| Inputs::of(experiment, &dataset, &split), || dataset.sha256());
        let (inputs, dataset_sha256) = self.stop.while_at_once(|| threads.run(inputs_and_hash))?;
        let (inputs, dataset_sha256) = (inputs?, dataset_sha256?);
        let tables = inputs.tables(experiment, &dataset.train, device)?;
        let images = (&*dataset.train, &*split.train);
        let is_mirrored = experiment.network().is_mirrored();
        let mirror = is_mirrored.then(|| inputs.mirror(dataset.train.shape())).flatten();
        let mut classifier = setup::classifier(experiment, self.networks, device, images, tables.as_deref(), mirror)?;
        classifier.compute_on(threads.clone());
        // A card leaves the processor's threads nothing to do but to make its batches, where those are more than indices; on a CPU one does so beside the step.
        let ahead = match device {
            Device::Cuda(_) if tables.is_none() => {
                threads.run(|| NonZeroUsize::new(rayon::current_num_threads() - 1)).unwrap_or(NonZeroUsize::MIN)
            }
            Device::Cpu | Device::Cuda(_) => NonZeroUsize::MIN,
        };
        let loaders = threads.run(|| inputs.loaders(experiment, &dataset, &split, tables.is_some(), ahead))?;
        let folder = folder.path().map(Path::to_owned);
        let initialisation = experiment.model.initialisation;
        Ok(Parts {
            threads,
            device,
            dataset,
            dataset_sha256,
            folder,
            split,
            inputs,
            loaders,
            classifier,
            initialisation,
            parent: None,
            rng,
        })
    }
}
