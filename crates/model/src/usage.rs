//! All that is needed to use weights: what samples are, and how they become a network's inputs.

use serde::{Deserialize, Serialize};
use strata_kernels::{FrequencyTable, LowFrequencies};
use strata_spec::{Activation, Precision};

use crate::ModelError;

/// How samples became a network's inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum InputTransform {
    /// Features are used as they are.
    None,
    /// Floats became `(value - mean) / deviation`; one mean and deviation for each value of a sample, or for each channel.
    Values {
        /// Each value's mean, or each channel's.
        mean: Vec<f32>,
        /// Its deviation, above zero.
        deviation: Vec<f32>,
    },
    /// Bytes in 0..=255 became `(byte / 255 - mean) / deviation`; one mean and deviation for each channel, the equal parts of a sample.
    Pixels {
        /// Each channel's mean, of pixels in 0..1; 0 where pixels are not normalised.
        mean: Vec<f32>,
        /// Each channel's deviation, above zero; 1 where pixels are not normalised.
        deviation: Vec<f32>,
    },
    /// Bytes in 0..=255 of images `[channels, height, width]` became `(coefficient - mean) · factor`: some frequencies of each channel, by an orthonormal DCT-II of
    /// byte / 255.
    Frequencies {
        /// Vertical and horizontal frequency of each coefficient, the same in each channel.
        frequencies: Vec<[u32; 2]>,
        /// Each coefficient's mean, channel by channel; 0 of an odd horizontal frequency.
        mean: Vec<f32>,
        /// What each coefficient is multiplied with, less its mean; above zero.
        factor: Vec<f32>,
    },
}

impl InputTransform {
    /// The low frequencies of this table.
    pub fn of_table(table: &FrequencyTable) -> Self {
        let (mean, factor) = (table.mean().to_vec(), table.factor().to_vec());
        Self::Frequencies { frequencies: table.transform().frequencies().to_vec(), mean, factor }
    }

    /// Whether samples are bytes.
    pub fn is_of_bytes(&self) -> bool {
        match self {
            Self::None | Self::Values { .. } => false,
            Self::Pixels { .. } | Self::Frequencies { .. } => true,
        }
    }
}

/// All that is needed to use weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// After each layer of a chain but the last; [`Activation::Identity`] for a network that says its activations itself.
    pub activation: Activation,
    /// The dropout of a chain's training, for information: using weights drops nothing.
    pub dropout: f32,
    /// The sizes of a sample: `[channels, height, width]` of an image, `[features]` of anything else.
    pub input: Vec<usize>,
    /// The names of the classes, in the order of the labels.
    pub classes: Vec<String>,
    /// How samples become the network's inputs.
    pub transform: InputTransform,
    /// Of the products of dense layers, in training and use.
    pub precision: Precision,
}

impl Usage {
    /// The use of a network of `inputs` features, taken as they are, in 32-bit floats; a chain has `activation` between its layers.
    pub fn of_features<S: Into<String>>(
        activation: Activation,
        inputs: usize,
        classes: impl IntoIterator<Item = S>,
    ) -> Self {
        let classes = classes.into_iter().map(Into::into).collect();
        let (transform, precision) = (InputTransform::None, Precision::F32);
        Self { activation, dropout: 0.0, input: vec![inputs], classes, transform, precision }
    }

    /// The low frequencies that samples became, where they did.
    ///
    /// # Errors
    /// [`ModelError::Usage`] where they are not of such samples.
    pub fn frequency_table(&self) -> Result<Option<FrequencyTable>, ModelError> {
        let InputTransform::Frequencies { frequencies, mean, factor } = &self.transform else { return Ok(None) };
        let wrong = |reason: String| Err(ModelError::Usage { reason });
        let [channels, height, width] = self.input[..] else {
            return wrong(format!("frequencies of samples of {:?}, not of images", self.input));
        };
        let Some(transform) = LowFrequencies::of(channels, height, width, frequencies.clone()) else {
            return wrong(format!("frequencies that images of {:?} do not have", self.input));
        };
        match FrequencyTable::new(transform, mean.clone(), factor.clone()) {
            Ok(table) => Ok(Some(table)),
            Err(error) => wrong(error.to_string()),
        }
    }
}
