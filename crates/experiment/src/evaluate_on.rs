//! A run's weights evaluated on samples that are no part of its data: image files in class-named folders, arrays, another copy of a published data set.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use strata_config::Config;
use strata_dataset::{DataFolder, DatasetError, ImageShape, Images, load_test_arrays, read_image};
use strata_export::{ExportError, RecordedRun};
use strata_files::{ClassFile, ImageFolder, escape_path};
use strata_model::Predictor;
use strata_spec::DatasetKind;
use strata_trainer::TrainError;

use crate::data::inputs_and_labels;
use crate::evaluation::{RunEvaluation, Totals};
use crate::threads::start_threads;
use crate::{Display, ExperimentError, Stop, data, setup};

/// Image files are decoded so many at a time.
const FILES_AT_ONCE: usize = 512;

/// Evaluates the weights that the run in the folder `run` gave on what is at `path`:
///
/// - a folder of class-named folders of image files, or the test part, else the validation part, of a folder of parts; read and brought to the run's size as its own
///   ([`read_image`]). Classes may be missing, none may be new;
/// - of a run on arrays an `.npz` file or a folder of `.npy` files with `x_test` and `y_test`;
/// - of a run on a published data set a folder with its files, of which the test images are taken, whatever their bytes.
///
/// The loss is the run's, each sample counting the same.
///
/// # Errors
/// [`ExperimentError::Evaluation`] where there is nothing of these at `path`, or a class that the run has not; [`ExperimentError::Dataset`] with every file that cannot be read; as
/// [`evaluate_run`](crate::evaluate_run) where the weights cannot be used.
pub fn evaluate_on(
    run: &Path,
    path: &Path,
    display: &mut Display,
    stop: &Stop,
) -> Result<RunEvaluation, ExperimentError> {
    let refused = |reason: String| ExperimentError::Evaluation { run: run.to_owned(), reason };
    let recorded = RecordedRun::open(run)?;
    let model = recorded.model().map_err(|error| match error {
        ExportError::Weights { reason, .. } => refused(reason),
        other => other.into(),
    });
    let (predictor, config) =
        (Predictor::new(model?).map_err(TrainError::from)?, Config::read(&run.join("config.toml"), &[])?);
    let &[channels, height, width] = predictor.usage().input.as_slice() else {
        return Err(ExperimentError::NotOfImages { sizes: predictor.usage().input.clone() });
    };
    let (shape, classes) = (ImageShape { channels, height, width }, predictor.usage().classes.clone());
    let threads = start_threads(config.threads)?;
    let (part, samples) = Samples::at(path, &config, shape, &classes, display, stop, &refused)?;
    let (loss, mut totals) = (setup::step(&config).loss, Totals::new(classes.len()));
    let batch = config.dataset.evaluation_batch.get();
    let mut add = |images: &Images, indices: &[u32]| {
        let (inputs, labels) = inputs_and_labels(&predictor, images, indices)?;
        totals.add(&predictor.logits(&inputs).map_err(TrainError::from)?, &labels, &*loss);
        Ok::<_, ExperimentError>(())
    };
    let check = || if stop.is_requested() { Err(ExperimentError::InterruptedEarly) } else { Ok(()) };
    match samples {
        Samples::Images(images) => {
            let all: Vec<u32> = (0..).take(images.len()).collect();
            for indices in all.chunks(batch) {
                check()?;
                threads.run(|| add(&images, indices))?;
            }
        }
        Samples::Files(files) => {
            let mut broken = Vec::new();
            for files in files.chunks(batch.min(FILES_AT_ONCE)) {
                check()?;
                let images = threads.run(|| read(files, shape, classes.len(), &mut broken))?;
                if broken.is_empty() {
                    let indices: Vec<u32> = (0..).take(images.len()).collect();
                    threads.run(|| add(&images, &indices))?;
                }
            }
            if !broken.is_empty() {
                return Err(DatasetError::BrokenImages { images: files.len(), broken }.into());
            }
        }
    }
    Ok(totals.finish(recorded.record().name.clone(), escape_path(&part), classes))
}

/// What is evaluated.
enum Samples {
    Images(Images),
    /// By the run's labels.
    Files(Vec<ClassFile>),
}

impl Samples {
    /// What is at `path`, and where exactly.
    fn at(
        path: &Path,
        config: &Config,
        shape: ImageShape,
        classes: &[String],
        display: &mut Display,
        stop: &Stop,
        refused: &dyn Fn(String) -> ExperimentError,
    ) -> Result<(PathBuf, Self), ExperimentError> {
        let kind = config.dataset.kind.kind();
        if !path.exists() {
            let parts = "train, validation and test are the parts of its own data";
            return Err(refused(format!("{}: no such folder or file, and {parts}", escape_path(path))));
        }
        if kind == DatasetKind::Arrays && (path.is_file() || path.join("x_test.npy").exists()) {
            let images =
                stop.while_at_once(|| load_test_arrays(path, shape, classes.len(), &|| stop.is_requested()))?;
            return Ok((path.to_owned(), Self::Images(images?)));
        }
        let found = match ImageFolder::read(path) {
            Ok(found) => found,
            Err(_) if kind.release().is_some() => {
                let dataset = data::load(config, &DataFolder::Existing(path.to_owned()), display, stop)?;
                return Ok((path.to_owned(), Self::Images(Images::clone(&dataset.test))));
            }
            Err(error) => return Err(refused(error.to_string())),
        };
        let label_of = |name: &String| classes.iter().position(|class| class == name);
        let labels: Vec<Option<usize>> = found.classes.iter().map(label_of).collect();
        if let Some(place) = labels.iter().position(Option::is_none) {
            let (folder, known) = (escape_path(&path.join(&found.classes[place])), classes.join(", "));
            return Err(refused(format!("{folder} is no class of the run, whose classes are {known}")));
        }
        let (part, files) = match (found.test, found.validation) {
            (Some(test), _) => (path.join("test"), test),
            (None, Some(validation)) => (path.join("validation"), validation),
            // Of a folder of parts the training part has to be named.
            (None, None) if path.join("train").is_dir() && !found.classes.iter().any(|name| name == "train") => {
                return Err(refused(format!("{} has images to train on alone; name their folder", escape_path(path))));
            }
            (None, None) => (path.to_owned(), found.train),
        };
        let file = |file: ClassFile| labels[file.label].map(|label| ClassFile { label, ..file });
        Ok((part, Self::Files(files.into_iter().filter_map(file).collect())))
    }
}

/// Reads files as images; those that cannot be read are added to `broken`.
fn read(
    files: &[ClassFile],
    shape: ImageShape,
    classes: usize,
    broken: &mut Vec<(PathBuf, String)>,
) -> Result<Images, ExperimentError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let read: Vec<_> = files.par_iter().map(|file| read_image(&file.path, shape)).collect();
    for (image, file) in read.into_iter().zip(files) {
        match image {
            Ok(image) => {
                pixels.extend(image);
                // The run's labels are bytes.
                labels.push(file.label as u8);
            }
            Err(DatasetError::ImageFile { path, reason }) => broken.push((path, reason)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Images::new(shape, pixels, labels, classes)?)
}
