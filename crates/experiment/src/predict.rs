//! Classes of images in files, by a run's weights.

use std::path::Path;

use strata_dataset::{ImageShape, read_image};
use strata_export::{ExportError, RecordedRun};
use strata_model::{Predictor, TrainedModel};
use strata_trainer::Threads;

use crate::ExperimentError;
use crate::threads::start_threads;

/// A class that an image may be of.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassProbability {
    /// The class's name.
    pub class: String,
    /// Its label: its place among the names.
    pub label: usize,
    /// In 0..=1; those of all classes add up to 1.
    pub probability: f32,
}

/// A trained network that classifies image files. Nothing is compiled for it.
///
/// ```no_run
/// use strata_experiment::ImageClassifier;
///
/// let classifier = ImageClassifier::open("runs/quickstart".as_ref())?;
/// for guess in classifier.classify("cat.jpg".as_ref())?.iter().take(5) {
///     println!("{} {:.4}", guess.class, guess.probability);
/// }
/// # Ok::<(), strata_experiment::ExperimentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageClassifier {
    predictor: Predictor,
    shape: ImageShape,
    /// What it computes on.
    threads: Threads,
}

impl ImageClassifier {
    /// Takes the weights of the run in a folder, or of a weights file that says how to use itself.
    ///
    /// # Errors
    /// [`ExperimentError::Export`] where there are no weights, or they cannot be used; as [`ImageClassifier::new`].
    pub fn open(path: &Path) -> Result<Self, ExperimentError> {
        match path.is_dir() {
            true => Self::new(RecordedRun::open(path)?.model()?),
            false => Self::new(TrainedModel::load(path).map_err(ExportError::from)?),
        }
    }

    /// Takes a trained model.
    ///
    /// # Errors
    /// [`ExperimentError::NotOfImages`] where it was trained on anything but images of one or three channels; [`ExperimentError::Export`] where it
    /// has a module of a user's own; [`ExperimentError::Threads`] where its threads, as many as the machine has, cannot be started.
    pub fn new(model: TrainedModel) -> Result<Self, ExperimentError> {
        let predictor = Predictor::new(model).map_err(ExportError::from)?;
        match *predictor.usage().input.as_slice() {
            [channels @ (1 | 3), height, width] => {
                let shape = ImageShape { channels, height, width };
                Ok(Self { predictor, shape, threads: start_threads(None)? })
            }
            ref sizes => Err(ExperimentError::NotOfImages { sizes: sizes.to_vec() }),
        }
    }

    /// The classes of the image in a file with their probabilities, the likeliest first. The file is read as
    /// [`read_image`] reads it: of any size, kind and orientation.
    ///
    /// # Errors
    /// [`ExperimentError::Dataset`] where it is no image that can be read.
    pub fn classify(&self, image: &Path) -> Result<Vec<ClassProbability>, ExperimentError> {
        let bytes = read_image(image, self.shape)?;
        let probabilities = self.threads.run(|| self.predictor.probabilities(&self.predictor.features(&bytes)?));
        let probabilities = probabilities.map_err(ExportError::from)?;
        if probabilities.iter().any(|probability| !probability.is_finite()) {
            return Err(ExperimentError::NoPrediction { image: image.to_owned() });
        }
        let classes = self.predictor.usage().classes.iter().zip(probabilities).enumerate();
        let class = |(label, (class, probability)): (usize, (&String, f32))| ClassProbability {
            class: class.clone(),
            label,
            probability,
        };
        let mut found: Vec<_> = classes.map(class).collect();
        // Of equal ones the first comes first, as in the predictor.
        found.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Ok(found)
    }
}
