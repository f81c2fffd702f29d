//! The loop: phases of epochs, each a training pass, a validation pass and a line of history.

use strata_rng::TorchRng;
use strata_spec::ScheduleSpec;

use crate::pass::Amount;
use crate::rates::Rates;
use crate::served::Served;
use crate::{Classifier, Event, HistoryRow, Loader, Observer, Pass, Plan, Progress, Score, TrainError};

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
const READ_EVERY: usize = 50;

/// Trains `classifier` from `progress` on, to the end of `plan`.
///
/// A fresh run starts with an evaluation, the first line of the history. The generator is drawn from in the order in which
/// PyTorch's loaders draw: each pass, an evaluation's too, once; a shuffled one twice.
///
/// # Errors
/// [`TrainError::NotFinite`] where the training loss is no longer a number, [`TrainError::ValidationNotFinite`] where the
/// validation loss is none; [`TrainError::Served`] where a loader serves more or less than it announced, [`TrainError::NoSamples`] where it
/// announces nothing; [`TrainError::Loader`] where it cannot make a batch; [`TrainError::BatchTooSmall`] where a batch has fewer samples than
/// the network trains on;
/// [`TrainError::Unmeasured`] where `plan` watches what is not measured; [`TrainError::Progress`] where `progress` is none of `plan`, [`TrainError::Rate`] where the schedule
/// gives no rate; what `classifier` ([`TrainError::InBatch`]) and
/// `observer` fail with.
pub fn fit(
    classifier: &mut dyn Classifier,
    train: &dyn Loader,
    validation: &dyn Loader,
    plan: &Plan,
    mut progress: Progress,
    observer: &mut dyn Observer,
) -> Result<(Progress, Outcome), TrainError> {
    let mut rng = TorchRng::from_state(progress.rng)?;
    progress.check_place(plan, train.batches()).map_err(|reason| TrainError::Progress { reason })?;
    let smallest = classifier.smallest_training_batch();
    if let Some(samples) = train.smallest_batch().filter(|samples| *samples < smallest) {
        return Err(TrainError::BatchTooSmall { samples, smallest });
    }
    if progress.last.is_none() {
        let Some(score) = evaluate(classifier, validation, &mut rng, Pass::Initial, observer)? else {
            return Ok((progress, Outcome::Interrupted));
        };
        let row = row_of(&score);
        // Before anything is kept of it.
        check_measured(plan, &row)?;
        progress.add(row, plan);
        progress.rng = rng.state();
        report_evaluation(&progress, observer)?;
        observer.checkpoint(&progress, classifier, false)?;
    }
    if let Some(row) = &progress.last {
        check_measured(plan, row)?;
    }
    loop {
        let place = plan.place_of(progress.epoch);
        let is_over = progress.is_over(plan.early_stopping.as_ref())?;
        let Some(place) = place.filter(|_| !is_over) else {
            let outcome = if place.is_some() { Outcome::StoppedEarly } else { Outcome::Finished };
            // Of a run that was stopped after its last epoch.
            let last = progress.epoch.saturating_sub(1);
            let is_ready = estimate_statistics(classifier, train, last, progress.rng.seed, observer)?;
            return Ok((progress, if is_ready { outcome } else { Outcome::Interrupted }));
        };
        let epoch = progress.epoch;
        let rates = Rates::new(plan, &place, train.batches());
        let (first, last) = (rates.of(0, &progress)?, rates.of(rates.steps_per_epoch - 1, &progress)?);
        let finished = train_epoch(classifier, train, plan, &rates, &mut rng, &mut progress, observer)?;
        let finished = finished && estimate_statistics(classifier, train, epoch, progress.rng.seed, observer)?;
        let pass = Pass::Validation { epoch };
        let score = if finished { evaluate(classifier, validation, &mut rng, pass, observer)? } else { None };
        let Some(score) = score else {
            observer.checkpoint(&progress, classifier, false)?;
            return Ok((progress, Outcome::Interrupted));
        };
        let mut line = HistoryRow {
            phase: Some(place.number),
            epoch: Some(epoch),
            learning_rate: Some(first),
            train_loss: Some(progress.score.mean_loss()),
            ..row_of(&score)
        };
        if last != first {
            line.values.insert("lr_last".into(), last);
        }
        progress.add(line, plan);
        progress.epoch += 1;
        progress.batches = 0;
        progress.score = Score::default();
        progress.rng = rng.state();
        report_evaluation(&progress, observer)?;
        rates.check_state(&progress)?;
        observer.checkpoint(&progress, classifier, true)?;
    }
}

/// What an evaluation adds to the history.
fn row_of(score: &Score) -> HistoryRow {
    HistoryRow { values: score.values("val_"), ..HistoryRow::initial(score.mean_loss(), score.accuracy()) }
}

/// Whether what the plan watches is measured. The training loss is, of each epoch.
fn check_measured(plan: &Plan, row: &HistoryRow) -> Result<(), TrainError> {
    let watched = [Some(&plan.best), plan.early_stopping.as_ref().map(|stopping| &stopping.metric)];
    let plateaus = plan.phases.iter().filter(|_| plan.schedule.is_none()).filter_map(|phase| match &phase.schedule {
        ScheduleSpec::Plateau { metric, .. } => Some(metric),
        _ => None,
    });
    for criterion in watched.into_iter().flatten().chain(plateaus) {
        if criterion.key != "train_loss" && row.get(&criterion.key).is_none() {
            let measured = ["train_loss", "val_loss", "val_acc"].map(str::to_owned).into_iter();
            let measured = measured.chain(row.values.keys().cloned()).collect();
            return Err(TrainError::Unmeasured { key: criterion.key.clone(), measured });
        }
    }
    Ok(())
}

/// Tells of the history's new line. A loss that is no number ends the run once it is told: neither a checkpoint nor another
/// epoch can make anything of it.
fn report_evaluation(progress: &Progress, observer: &mut dyn Observer) -> Result<(), TrainError> {
    let Some(line) = &progress.last else { return Ok(()) };
    observer.event(Event::Evaluated { line, is_best: progress.is_best() })?;
    if line.val_loss.is_finite() {
        return Ok(());
    }
    Err(TrainError::ValidationNotFinite { loss: line.val_loss, epoch: line.epoch })
}

/// Trains on what is left of an epoch; `false` where the observer stopped it.
fn train_epoch(
    classifier: &mut dyn Classifier,
    train: &dyn Loader,
    plan: &Plan,
    rates: &Rates<'_>,
    rng: &mut TorchRng,
    progress: &mut Progress,
    observer: &mut dyn Observer,
) -> Result<bool, TrainError> {
    let batches = train.batches();
    let done = progress.batches;
    let group = plan.batches_per_step();
    let mut learning_rate = rates.of((done / group).min(rates.steps_per_epoch - 1), progress)?;
    let pass = Pass::Training { epoch: progress.epoch, learning_rate };
    let before = Amount { batches: done, samples: progress.score.samples as usize };
    let mut served = Served::new(pass, train, before)?;
    observer.event(Event::PassStarted { pass, batches, done })?;
    for batch in train.pass_of_epoch(rng, progress.epoch, done) {
        // Gradients that wait for the rest of their step are in no checkpoint.
        if progress.batches.is_multiple_of(group) && observer.is_interrupted() {
            // The steps since the last look belong to the checkpoint.
            read_loss(classifier, learning_rate, group, progress)?;
            return Ok(false);
        }
        let batch = served.add(batch)?;
        let samples = batch.len();
        learning_rate = rates.of(progress.batches / group, progress)?;
        progress.batches += 1;
        let (done, is_last) = (progress.batches, progress.batches == batches);
        let ends_step = is_last || done.is_multiple_of(group);
        let trained =
            if ends_step { classifier.training_step(batch, learning_rate) } else { classifier.accumulate(batch) };
        trained.map_err(|error| served.at_batch(error))?;
        let is_due = |every| ends_step && !is_last && (done / group).is_multiple_of(every);
        let checkpoint = plan.checkpoint_every.is_some_and(is_due);
        let look = !classifier.reads_are_slow() || done.is_multiple_of(READ_EVERY) || is_last || checkpoint;
        let loss = if look { Some(read_loss(classifier, learning_rate, group, progress)?) } else { None };
        observer.event(Event::BatchFinished { samples, loss })?;
        if checkpoint {
            observer.checkpoint(progress, classifier, false)?;
        }
    }
    served.end()?;
    Ok(true)
}

/// Estimates batch normalisation's statistics for averaged weights, where that is needed, over a whole pass of the training samples; `false` where
/// the observer stopped it. The pass draws from a generator of its own, begun again each time: so the estimate is a function of the weights,
/// and the run's draws are those of a run without averaging.
fn estimate_statistics(
    classifier: &mut dyn Classifier,
    train: &dyn Loader,
    epoch: usize,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<bool, TrainError> {
    if !classifier.begin_statistics() {
        return Ok(true);
    }
    let pass = Pass::Statistics { epoch };
    let mut served = Served::new(pass, train, Amount::default())?;
    observer.event(Event::PassStarted { pass, batches: train.batches(), done: 0 })?;
    for batch in train.pass_of_epoch(&mut TorchRng::new(seed), epoch, 0) {
        if observer.is_interrupted() {
            return Ok(false);
        }
        let batch = served.add(batch)?;
        let samples = batch.len();
        classifier.statistics_step(batch).map_err(|error| served.at_batch(error))?;
        observer.event(Event::BatchFinished { samples, loss: None })?;
    }
    served.end()?;
    classifier.finish_statistics();
    Ok(true)
}

/// Adds what was trained on since the last look to the epoch's score; the mean loss so far. `group` are the batches of a step.
fn read_loss(
    classifier: &mut dyn Classifier,
    learning_rate: f64,
    group: usize,
    progress: &mut Progress,
) -> Result<f64, TrainError> {
    let score = classifier.training_score()?;
    let loss = score.loss;
    progress.score.add(score);
    if !loss.is_finite() {
        let (epoch, step) = (progress.epoch, progress.batches.saturating_sub(1) / group);
        return Err(TrainError::NotFinite { loss, epoch, step, learning_rate });
    }
    Ok(progress.score.mean_loss())
}

/// A pass without training: loss and accuracy, exact over the samples. `pass` is what the events call it. `None` where the
/// observer stopped it.
///
/// # Errors
/// [`TrainError::Served`] where the loader serves more or less than it announced, [`TrainError::NoSamples`] where it announces nothing,
/// [`TrainError::Loader`] where it cannot make a batch; what `classifier` ([`TrainError::InBatch`]) and `observer` fail with.
pub fn evaluate(
    classifier: &mut dyn Classifier,
    loader: &dyn Loader,
    rng: &mut TorchRng,
    pass: Pass,
    observer: &mut dyn Observer,
) -> Result<Option<Score>, TrainError> {
    let mut served = Served::new(pass, loader, Amount::default())?;
    observer.event(Event::PassStarted { pass, batches: loader.batches(), done: 0 })?;
    for batch in loader.pass(rng, 0) {
        if observer.is_interrupted() {
            classifier.validation_score()?;
            return Ok(None);
        }
        let batch = served.add(batch)?;
        let samples = batch.len();
        classifier.validation_step(batch).map_err(|error| served.at_batch(error))?;
        observer.event(Event::BatchFinished { samples, loss: None })?;
    }
    served.end()?;
    classifier.validation_score().map(Some)
}
