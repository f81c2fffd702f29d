//! What the network sees of an image: how it is made, and what files say of it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use strata_config::Config;
use strata_dataset::{
    Augmentation, BatchContent, Dataset, ImageLoader, ImageShape, Images, Order, PixelScale, PreparedImages, Split,
    ValueScale,
};
use strata_kernels::{FrequencyTable, Mirror};
use strata_model::{InputTransform, Usage};
use strata_report::{DatasetRecord, FrequencyRecord, PixelRecord, ValueRecord};
use strata_spec::InputSpec;
use strata_trainer::Device;

use crate::{ExperimentError, LoaderAdapter, setup};

/// How images become the network's inputs.
#[derive(Debug)]
pub(crate) enum Inputs {
    /// Each pixel, scaled.
    Pixels(PixelScale),
    /// Floats, as they are or scaled: of the training images, the validation part included, and of the test images.
    Values { scale: Option<ValueScale>, train: Arc<PreparedImages>, test: Arc<PreparedImages> },
    /// Low frequencies, made once: of the training images, the validation part included, and of the test images.
    Frequencies { table: Arc<FrequencyTable>, train: Arc<PreparedImages>, test: Arc<PreparedImages> },
}

/// A run's images, served.
pub(crate) struct Loaders {
    pub(crate) train: LoaderAdapter,
    pub(crate) validation: LoaderAdapter,
    pub(crate) test: LoaderAdapter,
}

impl Inputs {
    /// Works out what the config asks for. To normalise takes a pass over the training images; frequencies and scaled floats are made of all images, by means and
    /// variances over those to train on.
    pub(crate) fn of(experiment: &Config, dataset: &Dataset, split: &Split) -> Result<Self, ExperimentError> {
        let are_floats = dataset.train.values().is_some();
        let of_bytes = [
            ("dataset.input", matches!(experiment.dataset.input, InputSpec::Frequencies { .. })),
            ("evaluation.mirrored", experiment.evaluation.mirrored),
            ("mirrored(…) in model.network", experiment.network().is_mirrored()),
        ];
        if let Some((key, _)) = of_bytes.into_iter().find(|(_, is_asked)| are_floats && *is_asked) {
            return Err(ExperimentError::OfBytes { key });
        }
        if are_floats {
            let is_scaled = experiment.dataset.input == InputSpec::Pixels { normalise: true };
            let scale = is_scaled.then(|| ValueScale::of(&dataset.train, &split.train)).transpose()?;
            let values = |images: &Arc<Images>| {
                let prepared = match &scale {
                    Some(scale) => PreparedImages::scaled(Arc::clone(images), scale)?,
                    None => PreparedImages::as_they_are(Arc::clone(images))?,
                };
                Ok::<_, ExperimentError>(Arc::new(prepared))
            };
            let (train, test) = (values(&dataset.train)?, values(&dataset.test)?);
            return Ok(Self::Values { scale, train, test });
        }
        Ok(match experiment.dataset.input {
            InputSpec::Pixels { normalise: false } => Self::Pixels(PixelScale::Unit),
            InputSpec::Pixels { normalise: true } => {
                let statistics = dataset.train.channel_statistics()?;
                let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
                let (mean, deviation) = (narrow(statistics.mean), narrow(statistics.deviation));
                Self::Pixels(PixelScale::Normalised { mean, deviation })
            }
            InputSpec::Frequencies { coefficients, power } => {
                let images = Arc::clone(&dataset.train);
                let (train, table) = PreparedImages::low_frequencies(images, &split.train, coefficients, power)?;
                let test = PreparedImages::new(Arc::clone(&dataset.test), Arc::<FrequencyTable>::clone(&table))?;
                Self::Frequencies { table, train: Arc::new(train), test: Arc::new(test) }
            }
        })
    }

    /// The values of each byte of each channel, for a device that holds the images and looks them up; none where it cannot, and batches carry values.
    pub(crate) fn tables(
        &self,
        experiment: &Config,
        images: &Images,
        device: Device,
    ) -> Result<Option<Vec<[f32; 256]>>, ExperimentError> {
        match (self, device) {
            (Self::Pixels(scale), Device::Cuda(_)) if experiment.augment.is_empty() => {
                Ok(Some(scale.tables(images.shape().channels)?))
            }
            _ => Ok(None),
        }
    }

    /// What mirroring an image does to the inputs; none of floats, which need not be an image's.
    pub(crate) fn mirror(&self, shape: ImageShape) -> Option<Mirror> {
        match self {
            Self::Pixels(_) => {
                Mirror::of(|pixels| pixels.chunks_mut(shape.width).for_each(<[f32]>::reverse), shape.values())
            }
            Self::Values { .. } => None,
            Self::Frequencies { table, .. } => {
                Mirror::of(|inputs| table.mirror(inputs), table.transform().coefficients())
            }
        }
    }

    /// Serves the parts of the split and the test images; the training part's batches are indices where `by_index`, and `ahead` threads prepare them.
    pub(crate) fn loaders(
        &self,
        experiment: &Config,
        dataset: &Dataset,
        split: &Split,
        by_index: bool,
        ahead: NonZeroUsize,
    ) -> Result<Loaders, ExperimentError> {
        let settings = &experiment.dataset;
        let (batch, evaluation) = (settings.batch.get(), settings.evaluation_batch.get());
        let content = if by_index { BatchContent::Indices } else { BatchContent::Pixels };
        let augmentation = Augmentation::new(&experiment.augment, experiment.seed)?;
        let all: Vec<u32> = (0..).take(dataset.test.len()).collect();
        let (training, validation) = (split.train.clone(), split.validation.clone());
        let (train, validation, test) = match self {
            Self::Pixels(scale) => {
                let transform = scale.transform(dataset.train.shape())?;
                let part = |images: &Arc<_>, indices, batch, order, content| {
                    ImageLoader::new(Arc::clone(images), indices, batch, order, Arc::clone(&transform), content)
                };
                (
                    part(&dataset.train, training, batch, Order::Shuffled, content)?,
                    part(&dataset.train, validation, evaluation, Order::InOrder, content)?,
                    part(&dataset.test, all, evaluation, Order::InOrder, BatchContent::Pixels)?,
                )
            }
            Self::Values { train, test, .. } => {
                let part = |images: &Arc<_>, indices, batch, order| {
                    ImageLoader::prepared(Arc::clone(images), indices, batch, order)
                };
                (
                    part(train, training, batch, Order::Shuffled)?,
                    part(train, validation, evaluation, Order::InOrder)?,
                    part(test, all, evaluation, Order::InOrder)?,
                )
            }
            Self::Frequencies { table, train, test } => {
                let part = |images: &Arc<_>, indices, batch, order| {
                    ImageLoader::prepared(Arc::clone(images), indices, batch, order)
                };
                // What cannot be done to frequencies is done to the images, which are transformed again in each pass.
                let first = if augmentation.is_of_values() {
                    part(train, training, batch, Order::Shuffled)?
                } else {
                    let table = Arc::<FrequencyTable>::clone(table);
                    ImageLoader::new(Arc::clone(&dataset.train), training, batch, Order::Shuffled, table, content)?
                };
                (
                    first,
                    part(train, validation, evaluation, Order::InOrder)?,
                    part(test, all, evaluation, Order::InOrder)?,
                )
            }
        };
        let train = train.augmented(augmentation)?.prepared_ahead_by(ahead);
        Ok(Loaders { train: LoaderAdapter(train), validation: LoaderAdapter(validation), test: LoaderAdapter(test) })
    }

    /// What a weights file says of it.
    fn transform(&self, channels: usize) -> InputTransform {
        match self {
            Self::Pixels(PixelScale::Unit) => {
                InputTransform::Pixels { mean: vec![0.0; channels], deviation: vec![1.0; channels] }
            }
            Self::Pixels(PixelScale::Normalised { mean, deviation }) => {
                InputTransform::Pixels { mean: mean.clone(), deviation: deviation.clone() }
            }
            Self::Values { scale: None, .. } => InputTransform::None,
            Self::Values { scale: Some(scale), .. } => {
                InputTransform::Values { mean: scale.mean().to_vec(), deviation: scale.deviation().to_vec() }
            }
            Self::Frequencies { table, .. } => InputTransform::of_table(table),
        }
    }

    /// All that is needed to use weights of these inputs.
    pub(crate) fn usage(&self, config: &Config, dataset: &Dataset) -> Usage {
        let shape = dataset.train.shape();
        let (activation, dropout) = setup::activation_and_dropout(config);
        Usage {
            activation,
            dropout,
            input: vec![shape.channels, shape.height, shape.width],
            classes: dataset.classes.clone(),
            transform: self.transform(shape.channels),
            precision: setup::precision(config),
        }
    }

    /// The same in the run's record.
    pub(crate) fn record(&self, channels: usize, record: DatasetRecord) -> DatasetRecord {
        match self.transform(channels) {
            InputTransform::None => record,
            InputTransform::Values { mean, deviation } => {
                DatasetRecord { values: Some(ValueRecord { mean, deviation }), ..record }
            }
            InputTransform::Pixels { mean, deviation } => {
                DatasetRecord { pixels: Some(PixelRecord { mean, deviation }), ..record }
            }
            InputTransform::Frequencies { frequencies, mean, factor } => {
                DatasetRecord { frequencies: Some(FrequencyRecord { frequencies, mean, factor }), ..record }
            }
        }
    }
}
