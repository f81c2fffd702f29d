//! A run's weights evaluated on samples that are no part of its data: image files in class-named folders, arrays, another copy of a published data set.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use strata_config::Config;
use strata_dataset::{DataFolder, DatasetError, ImageShape, Images, load_test_arrays, published_in, read_image};
use strata_export::{ExportError, RecordedRun};
use strata_files::{ClassFile, ImageFolder, escape_path};
use strata_model::Predictor;
use strata_spec::{DatasetKind, DatasetSpec};
use strata_trainer::TrainError;

use crate::data::inputs_and_labels;
use crate::evaluation::{RunEvaluation, Totals, refused};
use crate::recorded_config::read_recorded;
use crate::threads::start_threads;
use crate::{Display, ExperimentError, Stop, data, setup};

/// Image files are decoded so many at a time.
const FILES_AT_ONCE: usize = 512;

/// Samples that are no part of a run's data.
#[derive(Clone, Copy, Debug)]
pub enum OtherSamples<'a> {
    /// What is at this path.
    At(&'a Path),
    /// The test images of a published data set, in this folder, else in the system's cache; downloaded where they are missing.
    Published(DatasetKind, Option<&'a Path>),
}

/// Evaluates the weights that the run in the folder `run` gave on samples that are no part of its data. At a path there may be:
///
/// - a folder of class-named folders of image files, or the test part, else the validation part, of a folder of parts; read and brought to the run's size as its own
///   ([`read_image`]). Classes may be missing, none may be new;
/// - of a run on arrays an `.npz` file or a folder of `.npy` files with `x_test` and `y_test`;
/// - a folder with the files of a published data set, of which the test images are taken, whatever their bytes.
///
/// A published data set's images are of the run's size, and its classes, by name, among the run's. MNIST's heirs have its files' names: such a folder is taken for the
/// run's own set, unless its gzipped files are those that another one released.
///
/// The loss is the run's, each sample counting the same.
///
/// # Errors
/// [`ExperimentError::Evaluation`] where there is nothing of these at the path, a class that the run has not, or images of another size; [`ExperimentError::Dataset`] with every file that cannot be read; as
/// [`evaluate_run`](crate::evaluate_run) where the weights cannot be used.
pub fn evaluate_on(
    run: &Path,
    samples: OtherSamples<'_>,
    display: &mut Display,
    stop: &Stop,
) -> Result<RunEvaluation, ExperimentError> {
    let refused = |reason: String| refused(run, reason);
    let recorded = RecordedRun::open(run)?;
    let config = read_recorded(run, recorded.record(), refused)?;
    let model = recorded.model().map_err(|error| match error {
        ExportError::Weights { reason, .. } => refused(reason),
        other => other.into(),
    });
    let predictor = Predictor::new(model?).map_err(TrainError::from)?;
    let &[channels, height, width] = predictor.usage().input.as_slice() else {
        return Err(ExperimentError::NotOfImages { sizes: predictor.usage().input.clone() });
    };
    let (shape, classes) = (ImageShape { channels, height, width }, predictor.usage().classes.clone());
    let threads = start_threads(config.threads)?;
    let asked = Asked { config: &config, shape, classes: &classes, refused: &refused };
    let (part, samples) = match samples {
        OtherSamples::At(path) => asked.at(path, display, stop)?,
        OtherSamples::Published(kind, folder) => {
            let folder = data::named(folder);
            (PathBuf::from(kind.to_string()), asked.published(kind, &folder, display, stop)?)
        }
    };
    let (loss, mut totals) = (setup::step(&config).loss, Totals::new(classes.len()));
    let batch = config.dataset.evaluation_batch.get();
    let mut add = |images: &Images, labels: &[u8], indices: &[u32]| {
        let (inputs, own) = inputs_and_labels(&predictor, images, indices)?;
        let labels: Vec<u8> = own.into_iter().map(|label| labels[usize::from(label)]).collect();
        totals.add(&predictor.logits(&inputs).map_err(TrainError::from)?, &labels, &*loss);
        Ok::<_, ExperimentError>(())
    };
    let check = || if stop.is_requested() { Err(ExperimentError::InterruptedEarly) } else { Ok(()) };
    match samples {
        Samples::Images(images, labels) => {
            let all: Vec<u32> = (0..).take(images.len()).collect();
            for indices in all.chunks(batch) {
                check()?;
                threads.run(|| add(&images, &labels, indices))?;
            }
        }
        Samples::Files(files) => {
            let (mut broken, labels) = (Vec::new(), same_labels(classes.len()));
            for files in files.chunks(batch.min(FILES_AT_ONCE)) {
                check()?;
                let images = threads.run(|| read(files, shape, classes.len(), &mut broken))?;
                if broken.is_empty() {
                    let indices: Vec<u32> = (0..).take(images.len()).collect();
                    threads.run(|| add(&images, &labels, &indices))?;
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
    /// With the run's label of each of theirs.
    Images(Images, Vec<u8>),
    /// By the run's labels.
    Files(Vec<ClassFile>),
}

fn same_labels(classes: usize) -> Vec<u8> {
    // A label is a byte: there are 256 at most.
    (0..=u8::MAX).take(classes).collect()
}

/// What the samples are to be like.
struct Asked<'a> {
    config: &'a Config,
    shape: ImageShape,
    classes: &'a [String],
    refused: &'a dyn Fn(String) -> ExperimentError,
}

impl Asked<'_> {
    /// What is at `path`, and where exactly.
    fn at(&self, path: &Path, display: &mut Display, stop: &Stop) -> Result<(PathBuf, Samples), ExperimentError> {
        let refused = self.refused;
        if !path.exists() {
            let parts =
                "train, validation and test are the parts of its own data, and no published data set is called so";
            return Err(refused(format!("{}: no such folder or file; {parts}", escape_path(path))));
        }
        let own = self.config.dataset.kind.kind();
        if own == DatasetKind::Arrays && (path.is_file() || path.join("x_test.npy").exists()) {
            let (shape, classes) = (self.shape, self.classes.len());
            let images = stop.while_at_once(|| load_test_arrays(path, shape, classes, &|| stop.is_requested()))?;
            return Ok((path.to_owned(), Samples::Images(images?, same_labels(classes))));
        }
        let found = match ImageFolder::read(path) {
            Ok(found) => found,
            Err(error) => {
                // An archive says what it holds where it is read.
                let kinds = if path.is_dir() { published_in(path) } else { Vec::from_iter(own.release().map(|_| own)) };
                let kind = if kinds.contains(&own) { Some(own) } else { kinds.first().copied() };
                let Some(kind) = kind else {
                    return Err(refused(format!("{error}, nor the files of a published data set")));
                };
                let samples = self.published(kind, &DataFolder::Existing(path.to_owned()), display, stop);
                let samples = samples.map_err(|error| match error {
                    ExperimentError::Data { source, .. } if matches!(*source, DatasetError::NotAFolder { .. }) => {
                        refused(format!("{} is no folder, and no archive of a data set", escape_path(path)))
                    }
                    other => other,
                });
                return Ok((path.to_owned(), samples?));
            }
        };
        if let Some(left_out) = found.left_out() {
            tracing::warn!("{left_out}");
        }
        let labels = found.classes.iter().map(|class| self.label_of(class, &|| escape_path(&path.join(class))));
        let labels = labels.collect::<Result<Vec<_>, _>>()?;
        let (part, files) = match (found.test, found.validation) {
            (Some(test), _) => (path.join("test"), test),
            (None, Some(validation)) => (path.join("validation"), validation),
            // Of a folder of parts the training part has to be named.
            (None, None) if path.join("train").is_dir() && !found.classes.iter().any(|name| name == "train") => {
                return Err(refused(format!("{} has images to train on alone; name their folder", escape_path(path))));
            }
            (None, None) => (path.to_owned(), found.train),
        };
        let file = |file: ClassFile| ClassFile { label: labels[file.label].into(), ..file };
        Ok((part, Samples::Files(files.into_iter().map(file).collect())))
    }

    /// The test images of a published data set.
    fn published(
        &self,
        kind: DatasetKind,
        folder: &DataFolder,
        display: &mut Display,
        stop: &Stop,
    ) -> Result<Samples, ExperimentError> {
        let refused = self.refused;
        let own = &self.config.dataset.kind;
        let spec = if own.kind() == kind { Some(own.clone()) } else { DatasetSpec::published(kind) };
        let spec = spec.ok_or_else(|| refused(format!("{kind} is no published data set")))?;
        let ImageShape { channels, height, width } = self.shape;
        if spec.shape() != [channels, height, width] {
            let (found, expected) = (spec.shape(), [channels, height, width]);
            return Err(refused(format!("the images of {kind} are {found:?}, and the run's {expected:?}")));
        }
        if spec.classes() > self.classes.len() {
            let (found, own) = (spec.classes(), self.classes.len());
            return Err(refused(format!("{kind} has {found} classes, and the run {own}")));
        }
        let dataset = data::load_of(&spec, folder, display, stop)?;
        let labels = dataset.classes.iter().map(|class| self.label_of(class, &|| format!("{class:?} of {kind}")));
        Ok(Samples::Images(Images::clone(&dataset.test), labels.collect::<Result<_, _>>()?))
    }

    /// The run's label of a class.
    fn label_of(&self, class: &String, place: &dyn Fn() -> String) -> Result<u8, ExperimentError> {
        let label = self.classes.iter().position(|known| known == class).and_then(|label| u8::try_from(label).ok());
        label.ok_or_else(|| {
            let known = strata_files::escape(&self.classes.join(", "));
            (self.refused)(format!("{} is no class of the run, whose classes are {known}", place()))
        })
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
