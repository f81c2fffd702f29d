//! A look at a config's images.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use strata_config::Experiment;
use strata_dataset::{BatchContent, DatasetError, ImageShape, Loader, Order, PixelScale, Split, contact_sheet};
use strata_rng::TorchRng;

use crate::{Display, ExperimentError, Stop, data, start_threads};

/// Sizes, shape, classes, counts and pixel statistics of `experiment`'s images, as text.
///
/// # Errors
/// Where the images cannot be had.
pub fn dataset_info(
    experiment: &Experiment,
    folder: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<String, ExperimentError> {
    start_threads(experiment.threads)?;
    let dataset = data::load(experiment, folder, display, stop)?;
    let mut rng = TorchRng::new(experiment.seed);
    let split = Split::random(dataset.train.len(), experiment.dataset.validation, &mut rng)?;
    let ImageShape { channels, height, width } = dataset.train.shape();
    let (statistics, sha256) = stop.while_at_once(|| (dataset.train.channel_statistics(), dataset.sha256()))?;
    let numbers = |values: &[f64]| values.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "data set            {}", dataset.name);
    let _ = writeln!(text, "training images     {}", dataset.train.len());
    let _ = writeln!(
        text,
        "  to train on       {}\n  to validate on    {} (seed {})",
        split.train.len(),
        split.validation.len(),
        experiment.seed
    );
    let _ = writeln!(text, "test images         {}", dataset.test.len());
    let _ = writeln!(text, "an image            [{channels}, {height}, {width}] bytes");
    let _ = writeln!(text, "channel means       {}", numbers(&statistics.mean));
    let _ = writeln!(text, "channel deviations  {}", numbers(&statistics.deviation));
    let _ = writeln!(text, "sha256              {sha256}");
    let _ = writeln!(text, "classes             {}", dataset.classes.len());
    let counts = dataset.train.class_counts().into_iter().zip(dataset.test.class_counts());
    for (class, (train, test)) in dataset.classes.iter().zip(counts) {
        let _ = writeln!(text, "  {class:<12}{train:>7} training {test:>7} test");
    }
    Ok(text)
}

/// Draws the first training batch of `experiment`, sixteen images a row and eight rows at most, into the PNG file `out`; gives the labels, a
/// line a row.
///
/// # Errors
/// Where the images cannot be had or the file cannot be written.
pub fn dataset_grid(
    experiment: &Experiment,
    folder: Option<&Path>,
    out: &Path,
    display: &mut Display,
    stop: &Stop,
) -> Result<String, ExperimentError> {
    const COLUMNS: usize = 16;
    const ROWS: usize = 8;
    start_threads(experiment.threads)?;
    let dataset = data::load(experiment, folder, display, stop)?;
    let mut rng = TorchRng::new(experiment.seed);
    let split = Split::random(dataset.train.len(), experiment.dataset.validation, &mut rng)?;
    let batch = experiment.dataset.batch.get();
    let (order, scale, content) = (Order::Shuffled, PixelScale::Unit, BatchContent::Indices);
    let loader = Loader::new(Arc::clone(&dataset.train), split.train, batch, order, scale, content)?;
    let mut indices = loader.order(&mut rng);
    indices.truncate(batch.min(COLUMNS * ROWS));
    contact_sheet(&dataset.train, &indices, COLUMNS, out).map_err(|source| match source {
        DatasetError::Io { .. } => ExperimentError::Place { source, remedy: "name another file with --out" },
        other => other.into(),
    })?;
    let class = |index: &u32| {
        let label = dataset.train.labels().get(*index as usize).copied().unwrap_or_default();
        dataset.classes.get(usize::from(label)).map_or("?", String::as_str)
    };
    let rows = indices.chunks(COLUMNS).map(|row| row.iter().map(class).collect::<Vec<_>>().join(" "));
    Ok(rows.map(|row| row + "\n").collect())
}
