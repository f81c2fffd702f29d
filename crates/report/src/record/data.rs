//! What a record says of the images: which, how they were split, and how their bytes became inputs.

use serde::{Deserialize, Serialize};

use super::MAX_NAMED;
use crate::bounded;

/// The most inputs of a network.
const MAX_COEFFICIENTS: usize = 1 << 16;

/// What a run was trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetRecord {
    /// `cifar10`, `synthetic`.
    pub name: String,
    /// SHA-256 of the data, lower-case hexadecimal.
    pub sha256: String,
    /// The folder of its files, absolute, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Images trained on.
    pub train: usize,
    /// Images validated on.
    pub validation: usize,
    /// Images tested on.
    pub test: usize,
    /// Names of the classes in label order.
    #[serde(deserialize_with = "bounded::list::<MAX_NAMED, _, _>")]
    pub classes: Vec<String>,
    /// How bytes became the network's inputs; none in records of schema 101 and earlier ones that do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRecord>,
    /// How floats became the network's inputs, where they were normalised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<ValueRecord>,
    /// How low frequencies became the network's inputs, where they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequencies: Option<FrequencyRecord>,
    /// How training and validation images were told apart.
    pub split: SplitRecord,
}

/// How low frequencies of each channel became the network's inputs: `(coefficient - mean) · factor`, by an orthonormal DCT-II of pixels in 0..1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FrequencyRecord {
    /// Vertical and horizontal frequency of each coefficient, the same in each channel.
    #[serde(deserialize_with = "bounded::list::<MAX_COEFFICIENTS, _, _>")]
    pub frequencies: Vec<[u32; 2]>,
    /// Each coefficient's mean, channel by channel.
    #[serde(deserialize_with = "bounded::list::<MAX_COEFFICIENTS, _, _>")]
    pub mean: Vec<f32>,
    /// What each coefficient is multiplied with, less its mean.
    #[serde(deserialize_with = "bounded::list::<MAX_COEFFICIENTS, _, _>")]
    pub factor: Vec<f32>,
}

/// How bytes became the network's inputs: `(byte / 255 - mean) / deviation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PixelRecord {
    /// Each channel's mean, of pixels in 0..1; 0 where pixels were not normalised.
    #[serde(deserialize_with = "bounded::list::<MAX_NAMED, _, _>")]
    pub mean: Vec<f32>,
    /// Each channel's deviation; 1 where pixels were not normalised.
    #[serde(deserialize_with = "bounded::list::<MAX_NAMED, _, _>")]
    pub deviation: Vec<f32>,
}

/// How floats became the network's inputs: `(value - mean) / deviation`, of each value of a sample, or of each channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValueRecord {
    /// The means over the samples trained on.
    #[serde(deserialize_with = "bounded::list::<MAX_COEFFICIENTS, _, _>")]
    pub mean: Vec<f32>,
    /// The deviations; 1 of what does not vary.
    #[serde(deserialize_with = "bounded::list::<MAX_COEFFICIENTS, _, _>")]
    pub deviation: Vec<f32>,
}

/// How training and validation images were told apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitRecord {
    /// The method's name.
    pub method: String,
    /// Its seed.
    pub seed: u64,
    /// SHA-256 of the indices it gave.
    pub sha256: String,
}
