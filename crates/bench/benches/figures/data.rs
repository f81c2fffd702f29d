//! The loop with its data against the steps alone: whether the step ever waits for its batch.

use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use strata_dataset::{BatchContent, ImageLoader, Images, Order, PixelScale};
use strata_experiment::LoaderAdapter;
use strata_rng::TorchRng;
use strata_trainer::{Batch, Classifier, Loader as _};

use crate::measure::{head, quietly, row, short};
use crate::networks::{self, NOTEBOOK, SGD};
use crate::options::Timing;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    timing: Timing,
    /// Networks, separated by commas: the notebook's, and one so small that its step is short.
    #[arg(long, value_delimiter = ',', default_values_t = [NOTEBOOK.to_owned(), "3072-128-64-10".to_owned()])]
    widths: Vec<String>,
    /// Samples a step, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "32,128,1024")]
    batch: Vec<usize>,
    /// Times that loop and steps are timed in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Enough that no cache holds them, as a real data set: 61 MB.
const IMAGES: usize = 20_000;

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.timing.threads.start()?;
    let images = networks::images(IMAGES)?;
    head(&["network", "batch", "a batch's preparation, ms", "step alone, ms", "in the loop, ms", "ratio"]);
    for (name, samples) in networks::pairs(&options.widths, &options.batch) {
        let mut classifier = networks::classifier(&networks::network(name)?, SGD)?;
        let served = served(&images, samples)?;
        let whole = (served.samples() / samples).max(2);
        let preparation = preparation(&served, whole);
        let (mut alone, mut looped) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds.max(1) {
            let share = options.timing.seconds / 2.0;
            alone.push(quietly(|| steps_alone(&mut *classifier, &served, share))?);
            looped.push(quietly(|| steps_with_data(&mut *classifier, &served, whole, share))?);
        }
        alone.sort_by(f64::total_cmp);
        looped.sort_by(f64::total_cmp);
        let [alone, looped] = [alone, looped].map(|times| crate::measure::median(&times));
        row(&[
            name.to_owned(),
            samples.to_string(),
            short(preparation * 1e3),
            short(alone * 1e3),
            short(looped * 1e3),
            format!("{:.3}", looped / alone),
        ]);
    }
    Ok(())
}

fn served(images: &Arc<Images>, batch: usize) -> anyhow::Result<LoaderAdapter> {
    let (images, all) = (Arc::clone(images), (0..).take(images.len()).collect());
    let transform = PixelScale::Unit.transform(images.shape())?;
    Ok(LoaderAdapter(ImageLoader::new(images, all, batch, Order::Shuffled, transform, BatchContent::Pixels)?))
}

/// Seconds that one thread needs for a whole batch, gathered and scaled.
fn preparation(served: &LoaderAdapter, whole: usize) -> f64 {
    let mut rng = TorchRng::new(43);
    // The first pass warms up; nobody else uses the processors, so waiting for a batch is the time of its preparation.
    served.pass(&mut rng, 0).take(whole).for_each(drop);
    let begin = Instant::now();
    let batches = served.pass(&mut rng, 0).take(whole).count();
    begin.elapsed().as_secs_f64() / batches as f64
}

/// Seconds a step, on batches that were prepared before and lie in memory.
fn steps_alone(classifier: &mut dyn Classifier, served: &LoaderAdapter, seconds: f64) -> anyhow::Result<f64> {
    let ready = served.pass(&mut TorchRng::new(43), 0).take(8).collect::<Result<Vec<Batch>, _>>();
    let ready = ready.map_err(anyhow::Error::from_boxed)?;
    let (mut spent, mut steps) = (0.0, 0);
    while spent < seconds || steps < 3 {
        let batch = ready[steps % ready.len()].clone();
        let begin = Instant::now();
        classifier.training_step(batch, 1e-3)?;
        spent += begin.elapsed().as_secs_f64();
        steps += 1;
    }
    Ok(spent / steps as f64)
}

/// Seconds a step, each on the loader's next whole batch: from the first step's end to the last one's.
fn steps_with_data(
    classifier: &mut dyn Classifier,
    served: &LoaderAdapter,
    whole: usize,
    seconds: f64,
) -> anyhow::Result<f64> {
    let mut rng = TorchRng::new(43);
    let (mut spent, mut steps) = (0.0, 0);
    while spent < seconds || steps < 3 {
        let mut begin = None;
        for batch in served.pass(&mut rng, 0).take(whole) {
            classifier.training_step(batch.map_err(anyhow::Error::from_boxed)?, 1e-3)?;
            let begin = *begin.get_or_insert_with(|| {
                // The pass's first step waited for its batch.
                steps -= 1;
                Instant::now()
            });
            steps += 1;
            let so_far = begin.elapsed().as_secs_f64();
            if spent + so_far >= seconds && steps >= 3 {
                return Ok((spent + so_far) / f64::from(steps));
            }
        }
        spent += begin.map_or(0.0, |begin| begin.elapsed().as_secs_f64());
    }
    Ok(spent / f64::from(steps))
}
