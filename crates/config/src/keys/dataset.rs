//! `[dataset]`: the images and how they are fed.

use std::num::NonZeroUsize;

use strata_files::without_credentials;
use strata_spec::ranges::{self, Integers};
use strata_spec::{DatasetKind, DatasetSpec, InputKind, InputSpec, Named, Release};

use crate::key::Fallback::{Is, Required, Worked};
use crate::key::{Section, When, keys, table};
use crate::takes::Takes;
use crate::takes::Takes::{Boolean, Choice, Integer, IntegerTo, Number, Text, Triple};
use crate::takes::choices;
use crate::value::{Value, boolean, count, named, number, seed, size, text, triple};
use crate::values::Values;

/// An address's length in bytes, as browsers and servers cap it.
const MAX_URL: usize = 2_048;

/// How many images a part has; what the data are decides the range.
const IMAGES: Takes = IntegerTo { least: 10, most: "200000; of images and arrays from 1 on" };

pub(super) const DATASET_SECTION: Section = table(
    "dataset",
    "A key of another kind is an error that names the kinds that take it, unless its value is the default.",
    ENTRIES,
);

keys! {
    /// the images
    DATASET: DatasetKind, named => "dataset.kind", Choice(choices::<DatasetKind>), Required, None, None;
    /// where the archive, or the folder of its files, is; a user name, password and query in it are used and kept nowhere
    URL: String, text => "dataset.url", Text { expects: "an address that starts with https://, http:// or file://", read: url },
        Worked { words: "that of the release", out: |values| release(values).map(|release| Value::Text(release.url.into())) }, Some(OF_RELEASES), None;
    /// the archive's checksum
    SHA256: String, text => "dataset.sha256", Text { expects: "a string of 64 hexadecimal digits", read: sha256 },
        Worked { words: "that of the release's archive", out: |values| release(values)?.sha256.map(|sum| Value::Text(sum.into())) }, Some(OF_ARCHIVES), None;
    /// of images the folder with a folder for each class, or with folders train, validation (or val, valid) and test of such folders;
    /// of arrays the .npz file, or the folder of .npy files, with x_train, y_train and, where they are there, x_validation (or x_val),
    /// x_test and their labels; from the working directory on
    PATH: String, text => "dataset.path", Text { expects: "a path of up to 4096 printable characters", read: path }, Required, Some(OF_PATH), None;
    /// test images; of images and arrays without a test part, as many are drawn by dataset.seed
    TEST: usize, size => "dataset.test", IMAGES,
        Worked { words: "1000 of synthetic; of images those of the test part, or a tenth; of arrays to be written", out: test }, Some(OF_OWN), None;
    /// training images, the validation part included
    TRAIN: usize, size => "dataset.train", IMAGES,
        Worked { words: "5000 of synthetic; of images all that are not to test on; of arrays to be written", out: train }, Some(OF_OWN), None;
    /// what is drawn of the data set, apart from the run's own seed: synthetic images, or which of one's own images are to test on
    DATASET_SEED: u64, seed => "dataset.seed", Integer(ranges::SEED), Is("0"), Some(OF_OWN), None;
    /// the images' channels, rows and columns; at most 65536 values; one's own images, which have 1 or 3 channels, are brought to that size
    SHAPE: [usize; 3], triple => "dataset.shape", Triple(ranges::IMAGE_SIDE), Is("[3, 32, 32]"), Some(OF_OWN), None;
    /// classes to tell apart
    CLASSES: usize, size => "dataset.classes", Integer(ranges::CLASSES),
        Worked { words: "10 of synthetic; of images one for each folder; of arrays to be written", out: classes }, Some(OF_OWN), None;
    /// images split off for validation, of the training images that `dataset.kind` has
    VALIDATION: usize, size => "dataset.validation", IntegerTo { least: 1, most: "one below the number of training images" },
        Worked { words: "a tenth of the training images; of images those of the validation part, where there is one", out: validation }, None, None;
    /// images to train on at most, for a quick trial: the first in the split's order, or so many drawn of a training part of one's own; validation and test images are all there
    LIMIT: usize, size => "dataset.limit", IntegerTo { least: 1, most: "one below the number of images to train on" },
        Worked { words: "none: all", out: |_| None }, None, Some("limit");
    /// images of a training step; an epoch's last batch may be smaller
    BATCH: NonZeroUsize, count => "dataset.batch", Integer(ranges::BATCH), Is("128"), None, Some("batch_size"), always;
    /// images of an evaluation step; changes memory and speed, not results beyond rounding
    EVALUATION_BATCH: NonZeroUsize, count => "dataset.evaluation_batch", Integer(ranges::EVALUATION_BATCH),
        Worked { words: "twice dataset.batch", out: twice_the_batch }, None, Some("evaluation_batch"), always;
    /// what the network sees of an image
    INPUT: InputKind, named => "dataset.input", Choice(choices::<InputKind>), Is("\"pixels\""), None, Some("input");
    /// frequencies of each channel: those of smallest (u / height)² + (v / width)²
    COEFFICIENTS: usize, size => "dataset.coefficients", IntegerTo { least: 1, most: "the pixels of a channel" }, Required, Some(OF_FREQUENCIES), Some("coefficients");
    /// how far the frequencies' deviations over the training images are made equal: each is divided by (variance + 1e-3)^(power / 2)
    POWER: f64, number => "dataset.power", Number(ranges::SHARE), Is("0.5"), Some(OF_FREQUENCIES), Some("power");
    /// whether pixels (0 to 1) lose their channel's training mean and are divided by its deviation; of floats each feature, or each channel, over the samples trained on
    NORMALISE: bool, boolean => "dataset.normalise", Boolean, Is("false"), Some(OF_PIXELS), Some("normalise"), always;
}

/// The images and how they are fed.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetConfig {
    /// Which images.
    pub kind: DatasetSpec,
    /// Images taken from the training part for validation: at least 1, fewer than the part has.
    pub validation: usize,
    /// How many images are trained on at most, fewer than there are; all where none.
    pub limit: Option<usize>,
    /// Images of a training step, 1 to 1,000,000.
    pub batch: NonZeroUsize,
    /// Images of an evaluation step, 1 to 2,000,000; twice `batch` by default.
    pub evaluation_batch: NonZeroUsize,
    /// What the network sees of an image.
    pub input: InputSpec,
}

impl DatasetConfig {
    pub(crate) fn of(values: &Values) -> Self {
        let batch = values.get(&BATCH).unwrap_or(NonZeroUsize::MIN);
        Self {
            kind: kind(values),
            validation: values.get(&VALIDATION).unwrap_or_default(),
            limit: values.get(&LIMIT),
            batch,
            evaluation_batch: values.get(&EVALUATION_BATCH).unwrap_or(batch),
            input: input(values),
        }
    }

    /// Values that the network sees of an image: its first width.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.values(self.kind.shape())
    }
}

fn input(values: &Values) -> InputSpec {
    match values.get(&INPUT).unwrap_or_default() {
        InputKind::Pixels => InputSpec::Pixels { normalise: values.get(&NORMALISE).unwrap_or_default() },
        InputKind::Frequencies => InputSpec::Frequencies {
            coefficients: values.get(&COEFFICIENTS).unwrap_or_default(),
            power: values.get(&POWER).unwrap_or_default(),
        },
    }
}

fn kind(values: &Values) -> DatasetSpec {
    match values.get(&DATASET) {
        Some(kind @ (DatasetKind::Images | DatasetKind::Arrays)) => DatasetSpec::Own {
            kind,
            path: values.get(&PATH).unwrap_or_default(),
            shape: values.get(&SHAPE).unwrap_or_default(),
            classes: values.get(&CLASSES).unwrap_or_default(),
            train: values.get(&TRAIN).unwrap_or_default(),
            test: values.get(&TEST).unwrap_or_default(),
            seed: values.get(&DATASET_SEED).unwrap_or_default(),
        },
        Some(DatasetKind::Synthetic) | None => DatasetSpec::Synthetic {
            train: values.get(&TRAIN).unwrap_or_default(),
            test: values.get(&TEST).unwrap_or_default(),
            seed: values.get(&DATASET_SEED).unwrap_or_default(),
            shape: values.get(&SHAPE).unwrap_or_default(),
            classes: values.get(&CLASSES).unwrap_or_default(),
        },
        Some(kind) => {
            DatasetSpec::Published { kind, url: values.get(&URL).unwrap_or_default(), sha256: values.get(&SHA256) }
        }
    }
}

/// The most images that may be split off where `train` are there.
pub(crate) fn validation_range(train: usize) -> Integers {
    Integers { least: 1, most: i64::try_from(train).unwrap_or(i64::MAX) - 1 }
}

const OF_RELEASES: When = When {
    holds: |values| release(values).is_some(),
    in_phase: None,
    otherwise: |values, name| of_other_releases(values, name, |_| true),
};
const OF_ARCHIVES: When = When {
    holds: |values| release(values).is_some_and(|release| release.sha256.is_some()),
    in_phase: None,
    otherwise: |values, name| of_other_releases(values, name, |release| release.sha256.is_some()),
};
const OF_OWN: When = When {
    holds: |values| values.get(&DATASET).is_some_and(|kind| kind.release().is_none()),
    in_phase: None,
    otherwise: |values, name| {
        let takers = DatasetKind::ALL.iter().filter(|kind| kind.release().is_none());
        let takers: Vec<_> = takers.map(|kind| kind.as_str()).collect();
        format!("{}; those that take it: {}", has_no(values, name), takers.join(", "))
    },
};
const OF_PATH: When = When {
    holds: |values| matches!(values.get(&DATASET), Some(DatasetKind::Images | DatasetKind::Arrays)),
    in_phase: None,
    otherwise: |values, name| format!("{}; images and arrays take it", has_no(values, name)),
};

const OF_FREQUENCIES: When = When {
    holds: |values| values.get(&INPUT) == Some(InputKind::Frequencies),
    in_phase: None,
    otherwise: |_, name| format!("has no effect: `{name}` is of dataset.input = \"frequencies\""),
};
const OF_PIXELS: When = When {
    holds: |values| values.get(&INPUT) == Some(InputKind::Pixels),
    in_phase: None,
    otherwise: |_, name| {
        format!(
            "has no effect: `{name}` is of dataset.input = \"pixels\"; frequencies are centred and scaled by dataset.power"
        )
    },
};

/// What is known of the data set, where it is a published one.
fn release(values: &Values) -> Option<&'static Release> {
    values.get(&DATASET)?.release()
}

/// That the data set has no such key, and which have.
fn of_other_releases(values: &Values, name: &str, takes: impl Fn(&Release) -> bool) -> String {
    let takers = DatasetKind::ALL.iter().filter(|kind| kind.release().is_some_and(&takes));
    let takers: Vec<_> = takers.map(|kind| kind.as_str()).collect();
    format!("{}; those that take it: {}", has_no(values, name), takers.join(", "))
}

fn has_no(values: &Values, name: &str) -> String {
    let kind = values.get(&DATASET).map_or("none", Named::as_str);
    format!("{} is {kind}, which has no `{name}`", DATASET.path())
}

fn url(text: &str) -> Option<String> {
    let bare = without_credentials(text);
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| bare.strip_prefix(scheme));
    let is_whole = rest.is_some_and(|rest| !rest.is_empty());
    (is_whole && text.len() <= MAX_URL && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// A path that can be found from any folder: a run's config holds it.
fn path(text: &str) -> Option<String> {
    let is_path = !text.is_empty() && text.len() <= 4_096 && !text.chars().any(char::is_control);
    let path = std::path::absolute(text).ok().filter(|_| is_path)?;
    path.into_os_string().into_string().ok()
}

fn sha256(text: &str) -> Option<String> {
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

fn integer(value: usize) -> Option<Value> {
    i64::try_from(value).ok().map(Value::Integer)
}

fn test(values: &Values) -> Option<Value> {
    match values.own_data {
        Some(found) => integer(found.test.unwrap_or_else(|| (found.train / 10).max(1))),
        None => of_synthetic(values, 1_000),
    }
}

fn train(values: &Values) -> Option<Value> {
    match values.own_data {
        Some(found) => {
            let drawn = if found.test.is_some() { 0 } else { values.get(&TEST)? };
            integer((found.train + found.validation.unwrap_or_default()).saturating_sub(drawn))
        }
        None => of_synthetic(values, 5_000),
    }
}

fn classes(values: &Values) -> Option<Value> {
    match values.own_data {
        Some(found) => integer(found.classes),
        None => of_synthetic(values, 10),
    }
}

fn of_synthetic(values: &Values, count: usize) -> Option<Value> {
    integer(count).filter(|_| !(OF_PATH.holds)(values))
}

fn validation(values: &Values) -> Option<Value> {
    if let Some(own) = values.own_data.and_then(|found| found.validation) {
        return integer(own);
    }
    let train = release(values).map(|release| release.train_images).or_else(|| values.get(&TRAIN)).unwrap_or_default();
    integer((train / 10).max(1))
}

fn twice_the_batch(values: &Values) -> Option<Value> {
    values.get(&BATCH).and_then(|batch| integer(2 * batch.get()))
}
