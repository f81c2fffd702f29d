//! A look at a config's images.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use strata_config::Config;
use strata_dataset::{
    Augmentation, BatchContent, Dataset, DatasetError, Duplicates, ImageLoader, ImageShape, Images, Order, PixelScale,
    contact_sheet, text_picture,
};
use strata_model::skip_initialisation;
use strata_trainer::Threads;

use crate::threads::start_threads;
use crate::{Display, ExperimentError, Stop, data, setup};

/// The config's threads and data set.
fn loaded(
    experiment: &Config,
    folder: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<(Threads, Dataset), ExperimentError> {
    let threads = start_threads(experiment.threads)?;
    let dataset = threads.run(|| data::load(experiment, &data::named(folder), display, stop))?;
    Ok((threads, dataset))
}

/// Sizes, shape, classes, counts and pixel statistics of `experiment`'s images, as text.
///
/// # Errors
/// Where the images cannot be had.
pub fn dataset_info(
    experiment: &Config,
    folder: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<String, ExperimentError> {
    let (threads, dataset) = loaded(experiment, folder, display, stop)?;
    let (split, _) = data::split(experiment, &dataset)?;
    let ImageShape { channels, height, width } = dataset.train.shape();
    let (statistics, sha256) =
        stop.while_at_once(|| threads.run(|| (dataset.train.channel_statistics(), dataset.sha256())))?;
    let (statistics, sha256) = (statistics?, sha256?);
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
    let what = match dataset.train.range() {
        Some((least, greatest)) => format!("floats from {least} to {greatest}, which the network sees as they are"),
        None => "bytes".to_owned(),
    };
    let _ = writeln!(text, "an image            [{channels}, {height}, {width}] {what}");
    let _ = writeln!(text, "channel means       {}", numbers(&statistics.mean));
    let _ = writeln!(text, "channel deviations  {}", numbers(&statistics.deviation));
    let _ = writeln!(text, "sha256              {sha256}");
    let _ = writeln!(text, "classes             {}", dataset.classes.len());
    let test: Vec<u32> = (0..).take(dataset.test.len()).collect();
    let parts: [(&Images, &[u32]); 3] =
        [(&dataset.train, &split.train), (&dataset.train, &split.validation), (&dataset.test, &test)];
    let duplicates = stop.while_at_once(|| Duplicates::of(&parts))??;
    text += &balance(&dataset.train.class_counts(), &dataset.classes);
    text += &repeated(&duplicates);
    let counts = dataset.train.class_counts().into_iter().zip(dataset.test.class_counts());
    for (class, (train, test)) in dataset.classes.iter().zip(counts) {
        let _ = writeln!(text, "  {class:<12}{train:>7} training {test:>7} test");
    }
    Ok(text)
}

/// How even the classes are.
fn balance(counts: &[usize], classes: &[String]) -> String {
    let by = |(class, count): (usize, &usize)| (*count, class);
    let (Some(least), Some(most)) = (counts.iter().enumerate().map(by).min(), counts.iter().enumerate().map(by).max())
    else {
        return String::new();
    };
    if least.0 == most.0 {
        return format!("balance             {} training images of each class\n", least.0);
    }
    let name = |class: usize| classes.get(class).map_or("?", String::as_str);
    format!("balance             from {} of {} to {} of {}\n", least.0, name(least.1), most.0, name(most.1))
}

/// Images that are there more than once, and the first of those that are in two parts.
fn repeated(found: &Duplicates) -> String {
    const SHOWN: usize = 5;
    const PARTS: [&str; 3] = ["training", "validation", "test"];
    let Duplicates { across, within, of_another_class } = found;
    let across_parts = across.len();
    let mut text = format!(
        "duplicates          {within} within a part, {across_parts} of another part, {of_another_class} of them of another class\n"
    );
    for [(first, index), (part, again)] in across.iter().take(SHOWN) {
        // The validation images are numbered among the training images.
        let name = |part: &usize| if *part == 1 { PARTS[0] } else { PARTS[*part] };
        let kept = |part: &usize| if *part == 1 { ", kept for validation" } else { "" };
        let _ = writeln!(
            text,
            "  {} image {again}{} is {} image {index}{}",
            name(part),
            kept(part),
            name(first),
            kept(first)
        );
    }
    text
}

/// The part of a data set that an image is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePart {
    /// All training images, in the data set's own order: those that the split keeps for validation too.
    Train,
    /// The images that the split keeps for validation, in its order.
    Validation,
    /// The test images, in the data set's own order.
    Test,
}

/// Draws the batch that training `experiment` sees first, sixteen images a row and eight rows at most, into the PNG file `out`; gives the
/// labels, a line a row. `augmented` shows the images as the config's augmentation changes them in the first epoch.
///
/// # Errors
/// Where the images cannot be had or the file cannot be written.
pub fn dataset_grid(
    experiment: &Config,
    folder: Option<&Path>,
    (out, augmented): (&Path, bool),
    display: &mut Display,
    stop: &Stop,
) -> Result<String, ExperimentError> {
    const COLUMNS: usize = 16;
    const ROWS: usize = 8;
    let (threads, dataset) = loaded(experiment, folder, display, stop)?;
    let images = stop.while_at_once(|| threads.run(|| first_batch(experiment, &dataset, augmented)))??;
    let shown: Vec<u32> = (0..images.len().min(COLUMNS * ROWS) as u32).collect();
    contact_sheet(&images, &shown, COLUMNS, out).map_err(unwritten)?;
    let class = |index: &u32| class_of(&dataset, &images, *index as usize).1;
    let rows = shown.chunks(COLUMNS).map(|row| row.iter().map(class).collect::<Vec<_>>().join(" "));
    Ok(rows.map(|row| row + "\n").collect())
}

/// The first batch of the first epoch, after the same draws as in training: split, parameters, initial evaluation.
fn first_batch(experiment: &Config, dataset: &Dataset, augmented: bool) -> Result<Images, ExperimentError> {
    let (split, mut rng) = data::split(experiment, dataset)?;
    let batch = experiment.dataset.batch.get();
    let scale = PixelScale::Unit.transform(dataset.train.shape())?;
    let loader = |indices: Vec<u32>, order| {
        let (images, scale) = (Arc::clone(&dataset.train), Arc::clone(&scale));
        ImageLoader::new(images, indices, batch, order, scale, BatchContent::Pixels)
    };
    let validation = loader(split.validation, Order::InOrder)?;
    let mut train = loader(split.train, Order::Shuffled)?;
    if augmented {
        train = train.augmented(Augmentation::new(&experiment.augment, experiment.seed)?)?;
    }
    skip_initialisation(&setup::architecture(experiment), experiment.model.initialisation, &mut rng);
    validation.order(&mut rng);
    Ok(train.first_batch(&mut rng)?)
}

/// The images of a part with these indices, each as text with its label as number and as name; where there is an `out`, as a PNG file
/// too, in one row.
///
/// # Errors
/// An index beyond the part's images; where the images cannot be had or the file cannot be written.
pub fn dataset_show(
    experiment: &Config,
    folder: Option<&Path>,
    (part, indices): (ImagePart, &[usize]),
    out: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<String, ExperimentError> {
    let (_, dataset) = loaded(experiment, folder, display, stop)?;
    let (split, _) = data::split(experiment, &dataset)?;
    let (name, images, count) = match part {
        ImagePart::Train => ("training", &dataset.train, dataset.train.len()),
        ImagePart::Validation => ("validation", &dataset.train, split.validation.len()),
        ImagePart::Test => ("test", &dataset.test, dataset.test.len()),
    };
    let mut places = Vec::new();
    let mut text = String::new();
    for &index in indices {
        if index >= count {
            return Err(ExperimentError::NoImage { part: name, index, images: count });
        }
        let place = if part == ImagePart::Validation { split.validation[index] as usize } else { index };
        let note = match part {
            ImagePart::Train if split.validation.contains(&(place as u32)) => " (kept for validation)".to_owned(),
            ImagePart::Validation => format!(" (training image {place})"),
            _ => String::new(),
        };
        let (label, class) = class_of(&dataset, images, place);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} image {index}{note}: label {label}, {class}\n{}", text_picture(images, place)?);
        places.push(place as u32);
    }
    if let Some(out) = out {
        contact_sheet(images, &places, places.len(), out).map_err(unwritten)?;
    }
    Ok(text)
}

/// An image's label and its class's name.
fn class_of<'a>(dataset: &'a Dataset, images: &Images, index: usize) -> (u8, &'a str) {
    let label = images.labels().get(index).copied().unwrap_or_default();
    (label, dataset.classes.get(usize::from(label)).map_or("?", String::as_str))
}

fn unwritten(source: DatasetError) -> ExperimentError {
    match source {
        source @ DatasetError::Io { .. } => ExperimentError::Picture { source },
        other => other.into(),
    }
}
