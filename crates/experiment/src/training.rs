//! A run from its first step, or from where it was stopped, to its weights and its test.

use strata_config::{Config, keys};
use strata_model::Predictor;
use strata_report::{Record, Status, now};
use strata_spec::LossSpec;
use strata_trainer::{Loader, Observer, Outcome, Pass, Progress, TrainError, evaluate, fit};

use crate::inputs::Loaders;
use crate::mirrored::mirrored_score;
use crate::page::{TestedImages, UNSEEN};
use crate::recorder::Recorder;
use crate::run::{Parts, Runner};
use crate::setup;
use crate::tensorboard::TensorBoardObserver;
use crate::{Display, ExperimentError, Stop};

impl Runner<'_> {
    /// Trains and evaluates, from `progress` on or, where there is none, from the initial parameters; the record says how it ended.
    pub(crate) fn train(
        &mut self,
        experiment: &Config,
        mut recorder: Recorder,
        mut parts: Parts,
        progress: Option<Progress>,
    ) -> Result<(), ExperimentError> {
        self.display.begin(experiment.epochs(), recorder.record.history.iter().map(|entry| entry.line.clone()));
        let (display, mut stop, mut events) = (&mut self.display, self.stop.clone(), None);
        let result = recorder.run(|recorder| {
            let progress = match progress {
                Some(progress) => progress,
                None => parts.begin(&stop)?,
            };
            let images = (&*parts.dataset.train, parts.split.train.as_slice());
            let run = (recorder.folder().path(), &recorder.record);
            events = TensorBoardObserver::open(experiment, run, parts.loaders.train.batches(), &progress, images)?;
            train_and_test(experiment, recorder, display, (&mut stop, events.as_mut()), &mut parts, progress)
        });
        self.display.end();
        if let (Err(_), Some(events)) = (&result, &mut events) {
            // What ended the run is the error to tell.
            let _ = events.end(&recorder.record);
        }
        result?;
        show_result(&self.display, &recorder);
        Ok(())
    }
}

fn show_result(display: &Display, recorder: &Recorder) {
    let metrics = &recorder.record.metrics;
    // None where the config leaves the test images out.
    if let (Some(loss), Some(accuracy)) = (metrics.test_loss, metrics.test_acc) {
        let mut tested = format!("Test, test_loss: {loss:.4}, test_acc: {accuracy:.4}");
        for (key, value) in metrics.values.iter().filter(|(key, _)| key.starts_with("test_")) {
            tested += &format!(", {key}: {value:.4}");
        }
        display.line(&tested);
    }
    let val = metrics.val_acc.unwrap_or(f64::NAN);
    let seconds = metrics.seconds.unwrap_or(0.0);
    display.line(&format!("{}: validation accuracy {val:.4}, {seconds:.1} s", recorder.folder().path().display()));
}

fn train_and_test(
    experiment: &Config,
    recorder: &mut Recorder,
    display: &mut Display,
    (stop, mut events): (&mut Stop, Option<&mut TensorBoardObserver>),
    parts: &mut Parts,
    progress: Progress,
) -> Result<(), ExperimentError> {
    let usage = parts.inputs.usage(experiment, &parts.dataset);
    let Loaders { train, validation, .. } = &parts.loaders;
    let classifier = &mut *parts.classifier;
    // Events before the checkpoint that counts on them: what is told twice can be cut, what is missing could not be made up for.
    let mut observers: Vec<&mut dyn Observer> = Vec::new();
    observers.extend(events.as_deref_mut().map(|events| events as &mut dyn Observer));
    observers.extend([&mut *recorder as &mut dyn Observer, display, stop]);
    let plan = setup::plan(experiment);
    let (progress, outcome) = fit(classifier, train, validation, &plan, progress, &mut observers)?;
    match outcome {
        Outcome::Interrupted => return Err(recorder.interrupted()),
        Outcome::StoppedEarly => recorder.record.reason = Some(why_early(experiment)),
        Outcome::Finished => {}
    }
    recorder.keep_weights(classifier, &progress, experiment.early_stopping.is_some(), usage)?;
    let has_page = experiment.get(&keys::PAGE) != Some(false);
    recorder.page = has_page.then(|| Err(UNSEEN.to_owned()));
    if experiment.evaluation.test {
        test(experiment, recorder, (display, stop), parts)?;
    }
    if let Some(events) = events {
        events.end(&Record { status: Status::Finished, ended: Some(now()), ..recorder.record.clone() })?;
    }
    Ok(())
}

/// What the weights do on the test images, into the record.
fn test(
    experiment: &Config,
    recorder: &mut Recorder,
    (display, stop): (&mut Display, &mut Stop),
    parts: &mut Parts,
) -> Result<(), ExperimentError> {
    let has_page = recorder.page.is_some();
    let classifier = &mut *parts.classifier;
    if has_page {
        classifier.keep_results();
    }
    let mut observers: [&mut dyn Observer; 3] = [recorder, display, stop];
    let Some(score) = evaluate(classifier, &parts.loaders.test, &mut parts.rng, Pass::Test, &mut observers)? else {
        return Err(recorder.interrupted());
    };
    if has_page {
        let results = classifier.take_results();
        let batch = experiment.dataset.evaluation_batch.get();
        let (classes, images) = (&parts.dataset.classes, &parts.dataset.test);
        let how = (batch, &parts.threads, &*stop);
        recorder.page = Some(Ok(TestedImages::of(recorder.folder(), classes, images, results, how)?));
    }
    recorder.record.metrics.test_loss = Some(score.mean_loss());
    recorder.record.metrics.test_acc = Some(score.accuracy());
    recorder.record.metrics.values.extend(score.values("test_"));
    if experiment.evaluation.mirrored {
        // Of the weights' file, which says how images become inputs.
        let predictor = Predictor::load(&recorder.folder().model_path()).map_err(TrainError::from)?;
        let smoothing = match experiment.loss {
            LossSpec::CrossEntropy { label_smoothing } => label_smoothing,
            LossSpec::MeanSquaredError => 0.0,
        };
        let weighted = setup::weighted_loss(experiment, &parts.dataset.train, &parts.split.train)?;
        let weights = weighted.as_ref().map(|loss| &*loss.weights);
        let how = (experiment.dataset.evaluation_batch.get(), smoothing, weights);
        let score = parts.threads.run(|| mirrored_score(&predictor, &parts.dataset.test, how, stop))?;
        let Some(score) = score else {
            return Err(recorder.interrupted());
        };
        let values = [("test_loss_mirrored", score.loss), ("test_acc_mirrored", score.accuracy)];
        recorder.record.metrics.values.extend(values.map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(())
}

fn why_early(experiment: &Config) -> String {
    experiment.early_stopping.as_ref().map_or_else(String::new, |stopping| {
        let (metric, patience) = (&stopping.metric.key, stopping.patience);
        format!("stopped early: {metric} did not improve by more than {:?} for {patience} epochs", stopping.min_delta)
    })
}
