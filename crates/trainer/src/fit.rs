//! The loop: phases of epochs, each a training pass, a validation pass and a line of history.

use serde::{Deserialize, Serialize};
use strata_rng::{RngState, TorchRng};
use strata_spec::{EarlyStopping, Phase};

use crate::early_stopping::is_over;
use crate::{Classifier, Evaluation, Loader, Score, TrainError};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In order.
    pub phases: Vec<Phase>,
    /// When to end before the last phase does.
    pub early_stopping: Option<EarlyStopping>,
    /// Steps between the checkpoints within an epoch; there is one at the end of each epoch in any case.
    pub checkpoint_every: Option<usize>,
}

impl Plan {
    /// Epochs of all phases.
    pub fn epochs(&self) -> usize {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }

    /// The phase that epoch `epoch` (0-based over the run) belongs to.
    fn phase_of(&self, epoch: usize) -> Option<(usize, Phase)> {
        let mut first = 0;
        for (i, phase) in self.phases.iter().enumerate() {
            first += phase.epochs;
            if epoch < first {
                return Some((i, *phase));
            }
        }
        None
    }
}

/// How far a run has come; with weights and optimizer state, all that is needed to go on as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The epoch that is under way or comes next, 0-based over the run.
    pub epoch: usize,
    /// Batches of that epoch that were trained on.
    pub batches: usize,
    /// Their scores.
    pub score: Score,
    /// The generator as it was before that epoch drew its order.
    pub rng: RngState,
    /// The initial evaluation, then a line an epoch.
    pub history: Vec<Evaluation>,
}

impl Progress {
    /// Before the initial evaluation.
    pub fn new(rng: &TorchRng) -> Self {
        Self { epoch: 0, batches: 0, score: Score::default(), rng: rng.state(), history: Vec::new() }
    }
}

/// What a pass over the data is for; epochs are 0-based over the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// Evaluates the validation part before the first step.
    Initial,
    /// Trains.
    Training {
        /// The epoch that it is.
        epoch: usize,
        /// The phase's.
        learning_rate: f64,
    },
    /// Evaluates the validation part after an epoch's training.
    Validation {
        /// The epoch that it ends.
        epoch: usize,
    },
    /// Evaluates the test part.
    Test,
}

/// What happens in a run, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A pass starts.
    PassStarted {
        /// What it is for.
        pass: Pass,
        /// Batches of a whole pass.
        batches: usize,
        /// Those that were trained on before the run was stopped.
        done: usize,
    },
    /// A batch was trained on or evaluated.
    BatchFinished {
        /// Its samples.
        samples: usize,
        /// The mean training loss of the epoch so far, where it was read back at this batch.
        loss: Option<f64>,
    },
    /// A line was added to the history: all of it, the new line last.
    Evaluated(&'a [Evaluation]),
}

/// Watches a run: shows it, records it, keeps its checkpoints, and may end it.
pub trait Observer {
    /// Told of each event.
    ///
    /// # Errors
    /// Ends the run with the error.
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError>;

    /// Asked to keep `progress` and a snapshot of `classifier`: at the end of each epoch (`epoch_ended`), after as many steps as the plan
    /// says, and before an interrupted run returns.
    ///
    /// # Errors
    /// Ends the run with the error.
    fn checkpoint(
        &mut self,
        progress: &Progress,
        classifier: &mut dyn Classifier,
        epoch_ended: bool,
    ) -> Result<(), TrainError>;

    /// Asked between batches whether to stop here.
    fn is_interrupted(&self) -> bool;
}

/// Watches nothing: for a run that nobody records.
impl Observer for () {
    fn event(&mut self, _: Event<'_>) -> Result<(), TrainError> {
        Ok(())
    }

    fn checkpoint(&mut self, _: &Progress, _: &mut dyn Classifier, _: bool) -> Result<(), TrainError> {
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Why a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs were trained.
    Finished,
    /// The watched metric no longer improved.
    StoppedEarly,
    /// The observer asked for it; the last checkpoint is of this moment.
    Interrupted,
}

/// Batches between two looks at the loss where reading it makes the device wait.
const SELDOM: usize = 50;

/// Trains `classifier` from `progress` on, to the end of `plan`.
///
/// A fresh run starts with an evaluation, the first line of the history. The generator is drawn from in the order in which
/// PyTorch's loaders draw: each pass, an evaluation's too, once; a shuffled one twice.
///
/// # Errors
/// [`TrainError::NotFinite`] where the training loss is no longer a number, [`TrainError::ValidationNotFinite`] where the
/// validation loss is none; what `classifier` and `observer` fail with.
pub fn fit(
    classifier: &mut dyn Classifier,
    train: &dyn Loader,
    validation: &dyn Loader,
    plan: &Plan,
    mut progress: Progress,
    observer: &mut dyn Observer,
) -> Result<(Progress, Outcome), TrainError> {
    let mut rng = TorchRng::from_state(progress.rng)?;
    if progress.history.is_empty() {
        let Some(score) = evaluate(classifier, validation, &mut rng, Pass::Initial, observer)? else {
            return Ok((progress, Outcome::Interrupted));
        };
        progress.history.push(Evaluation::initial(score));
        progress.rng = rng.state();
        told(&progress, observer)?;
    }
    loop {
        if plan.early_stopping.is_some_and(|stopping| is_over(&stopping, &progress.history)) {
            return Ok((progress, Outcome::StoppedEarly));
        }
        let epoch = progress.epoch;
        let Some((phase, Phase { learning_rate, .. })) = plan.phase_of(epoch) else {
            return Ok((progress, Outcome::Finished));
        };
        let finished = train_epoch(classifier, train, plan, learning_rate, &mut rng, &mut progress, observer)?;
        let pass = Pass::Validation { epoch };
        let score = if finished { evaluate(classifier, validation, &mut rng, pass, observer)? } else { None };
        let Some(score) = score else {
            observer.checkpoint(&progress, classifier, false)?;
            return Ok((progress, Outcome::Interrupted));
        };
        progress.history.push(Evaluation {
            phase: Some(phase),
            epoch: Some(epoch),
            learning_rate: Some(learning_rate),
            train_loss: Some(progress.score.mean_loss()),
            ..Evaluation::initial(score)
        });
        progress.epoch += 1;
        progress.batches = 0;
        progress.score = Score::default();
        progress.rng = rng.state();
        told(&progress, observer)?;
        observer.checkpoint(&progress, classifier, true)?;
    }
}

/// Tells of the history's new line. A loss that is no number ends the run once it is told: neither a checkpoint nor another
/// epoch can make anything of it.
fn told(progress: &Progress, observer: &mut dyn Observer) -> Result<(), TrainError> {
    observer.event(Event::Evaluated(&progress.history))?;
    match progress.history.last() {
        Some(&Evaluation { val_loss: loss, epoch, .. }) if !loss.is_finite() => {
            Err(TrainError::ValidationNotFinite { loss, epoch })
        }
        _ => Ok(()),
    }
}

/// Trains on what is left of an epoch; `false` where the observer stopped it.
fn train_epoch(
    classifier: &mut dyn Classifier,
    train: &dyn Loader,
    plan: &Plan,
    learning_rate: f64,
    rng: &mut TorchRng,
    progress: &mut Progress,
    observer: &mut dyn Observer,
) -> Result<bool, TrainError> {
    let batches = train.batches();
    let done = progress.batches;
    let pass = Pass::Training { epoch: progress.epoch, learning_rate };
    observer.event(Event::PassStarted { pass, batches, done })?;
    for batch in train.pass(rng, done) {
        if observer.is_interrupted() {
            // The steps since the last look belong to the checkpoint.
            read_loss(classifier, learning_rate, progress)?;
            return Ok(false);
        }
        let samples = batch.len();
        classifier.training_step(batch, learning_rate)?;
        progress.batches += 1;
        let step = progress.batches;
        let checkpoint = plan.checkpoint_every.is_some_and(|every| step.is_multiple_of(every)) && step < batches;
        let look = !classifier.reads_are_slow() || step.is_multiple_of(SELDOM) || step == batches || checkpoint;
        let loss = if look { Some(read_loss(classifier, learning_rate, progress)?) } else { None };
        observer.event(Event::BatchFinished { samples, loss })?;
        if checkpoint {
            observer.checkpoint(progress, classifier, false)?;
        }
    }
    if progress.batches < batches {
        return Err(TrainError::LoaderEnded { served: progress.batches, expected: batches });
    }
    Ok(true)
}

/// Adds what was trained on since the last look to the epoch's score; the mean loss so far.
fn read_loss(classifier: &mut dyn Classifier, learning_rate: f64, progress: &mut Progress) -> Result<f64, TrainError> {
    let score = classifier.training_score()?;
    progress.score.add(score);
    if !score.loss.is_finite() {
        let (epoch, step) = (progress.epoch, progress.batches.saturating_sub(1));
        return Err(TrainError::NotFinite { loss: score.loss, epoch, step, learning_rate });
    }
    Ok(progress.score.mean_loss())
}

/// A pass without training: loss and accuracy, exact over the samples. `pass` is what the events call it. `None` where the
/// observer stopped it.
///
/// # Errors
/// What `classifier` and `observer` fail with.
pub fn evaluate(
    classifier: &mut dyn Classifier,
    loader: &dyn Loader,
    rng: &mut TorchRng,
    pass: Pass,
    observer: &mut dyn Observer,
) -> Result<Option<Score>, TrainError> {
    observer.event(Event::PassStarted { pass, batches: loader.batches(), done: 0 })?;
    for batch in loader.pass(rng, 0) {
        if observer.is_interrupted() {
            classifier.validation_score()?;
            return Ok(None);
        }
        let samples = batch.len();
        classifier.validation_step(batch)?;
        observer.event(Event::BatchFinished { samples, loss: None })?;
    }
    classifier.validation_score().map(Some)
}
