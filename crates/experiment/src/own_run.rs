//! Runs of one's own data and network, recorded and resumed as the program's are.

use std::path::Path;

use strata_model::Usage;
use strata_report::{Best, ParentRecord, PhaseRecord, Record, Rng, RunFolder};
use strata_rng::TorchRng;
use strata_trainer::{Classifier, Device, Loader, Observer, Outcome, Plan, Progress, fit};

use crate::environment::command_of_program;
use crate::own_keys::hyperparameters;
use crate::parent::{Beginning, ExpectedParent, Parent, Taker};
use crate::recorder::Recorder;
use crate::resumption::Resumption;
use crate::{ExperimentError, StartFrom, environment};

/// A run with data and a network of one's own: [`OwnRun::fit`] begins it, or goes on with it where it was stopped.
///
/// ```
/// use strata_experiment::OwnRun;
/// use strata_model::{Activation, Usage, mlp};
/// use strata_trainer::{ClassifierOptions, Phase, Plan, Sgd, Table, build};
///
/// let features: Vec<f32> = (0..80).map(|i| (i as f32 * 0.7).sin()).collect();
/// let labels = features.chunks(2).map(|point| u8::from(point[0] > point[1])).collect();
/// let data = Table::new(features, labels, 8)?.shuffled();
/// let activation = Activation::Tanh;
/// let options = ClassifierOptions { activation, seed: 43, ..ClassifierOptions::new(Sgd::default()) };
/// let mut classifier = build::<mlp!(2, 8, 2), 2, 2>(options)?;
/// let plan = Plan::new([Phase::constant(2, 0.1)]);
///
/// let runs = tempfile::tempdir()?;
/// let usage = Usage::of_features(activation, 2, ["left", "right"]);
/// let run = OwnRun::new(runs.path(), "points", "points = 40\n", usage).seed(43);
/// let record = run.fit(&mut *classifier, &data, &data, &plan, &mut ())?;
/// assert_eq!(record.history.len(), 3);
/// assert_eq!(record.hyperparameters["config.points"], 40);
/// assert!(runs.path().join("points/model.safetensors").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnRun<'a> {
    /// The folder of runs; made where it is not there.
    pub runs: &'a Path,
    /// The run's name, and its folder's.
    pub name: &'a str,
    /// What decides the run, as a text that is kept as its `config.toml`. A run is resumed with the same text only, so it has to say whatever is
    /// changed from run to run. Where it is TOML, each of its keys is among the record's hyperparameters behind `config.`, and so a row of
    /// [`compare`](crate::compare): `loss = "focal"` is `config.loss`. Network, seed, epochs and rates are there by themselves.
    pub config: &'a str,
    /// Of the initial parameters and of every draw of the training.
    pub seed: u64,
    /// Where the classifier computes, for the record.
    pub device: Device,
    /// How the weights are used, for their file.
    pub usage: Usage,
    /// What it starts from in place of drawn weights, modules of one's own included.
    pub from: Option<&'a StartFrom>,
}

impl<'a> OwnRun<'a> {
    /// A run on the CPU from parameters drawn with the seed 0.
    pub fn new(runs: &'a Path, name: &'a str, config: &'a str, usage: Usage) -> Self {
        Self { runs, name, config, seed: 0, device: Device::Cpu, usage, from: None }
    }

    /// With this seed of the initial parameters and of every draw of the training.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Trains `classifier` and records it: from PyTorch's initial parameters for the seed or, where the run's folder is there, from its last
    /// checkpoint on, to the same bits as a run that was never stopped. With early stopping the weights are the best epoch's.
    ///
    /// # Errors
    /// [`ExperimentError::Interrupted`] where `observer` asked to stop; [`ExperimentError::Resume`] where the run is finished, or follows another
    /// config, seed or phases of other epochs or rates (of schedules and warm-ups the record holds nothing: the config may say them); [`ExperimentError::StartFrom`] where weights do not fit, [`ExperimentError::OtherParent`] where a run that is there started from others; else what training, data or disk fail with.
    pub fn fit(
        self,
        classifier: &mut dyn Classifier,
        train: &dyn Loader,
        validation: &dyn Loader,
        plan: &Plan,
        observer: &mut dyn Observer,
    ) -> Result<Record, ExperimentError> {
        let Self { runs, name, config, seed, device, usage, from } = self;
        let mut rng = TorchRng::new(seed);
        classifier.initialise(&mut rng)?;
        let phases = plan.phases.iter().map(|phase| PhaseRecord { epochs: phase.epochs, lr: phase.learning_rate });
        let architecture = classifier.architecture();
        let record = Record {
            hyperparameters: hyperparameters(architecture, seed, plan, config),
            environment: environment(device, None),
            parameters: architecture.parameters() as u64,
            phases: phases.collect(),
            best: Some(Best::of(&plan.best)),
            rng: Rng { scheme: "torch".into(), seed, ..Rng::default() },
            ..Record::new(name, command_of_program())
        };
        let (mut recorder, progress) =
            if ["config.toml", "record.json"].iter().any(|file| runs.join(name).join(file).exists()) {
                let stopped = Resumption::open(RunFolder::open(&runs.join(name))?, config)?;
                stopped.refuse_other_plan(&record)?;
                ExpectedParent::of(from)?.check(&runs.join(name))?;
                give(stopped.parent().map_or(Beginning::Drawn, Beginning::Again), &usage, classifier)?;
                stopped.restore(record, classifier, plan, train.batches(), seed)?
            } else {
                let parent = give(from.map_or(Beginning::Drawn, Beginning::From), &usage, classifier)?;
                let record = Record { parent, ..record };
                (Recorder::start(RunFolder::create_exact(runs, name)?, config, record)?, None)
            };
        recorder.page = Some(Err("a run with data of one's own keeps no test images".to_owned()));
        recorder.run(|recorder| {
            let progress = progress.unwrap_or_else(|| Progress::new(&rng));
            let mut observers: [&mut dyn Observer; 2] = [recorder, observer];
            match fit(classifier, train, validation, plan, progress, &mut observers)? {
                (_, Outcome::Interrupted) => Err(recorder.interrupted()),
                (end, _) => Ok(recorder.keep_weights(classifier, &end, plan.early_stopping.is_some(), usage)?),
            }
        })?;
        Ok(recorder.record)
    }
}

/// Reads what the run begins with in place of drawn weights, where it does, and gives it to the classifier.
fn give(
    beginning: Beginning<'_>,
    usage: &Usage,
    classifier: &mut dyn Classifier,
) -> Result<Option<ParentRecord>, ExperimentError> {
    if matches!(beginning, Beginning::Drawn) {
        return Ok(None);
    }
    let network = classifier.snapshot()?.0.tensors;
    let taker = Taker { tensors: &network, usage: usage.clone(), dataset_sha256: "", split_sha256: String::new() };
    let parent = Parent::read(beginning, &taker)?;
    if let Some(parent) = &parent {
        parent.give_to(classifier)?;
    }
    Ok(parent.map(|parent| parent.record))
}
