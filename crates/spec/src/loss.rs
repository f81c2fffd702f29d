//! Losses by name.

use crate::named::named;

named! {
    /// What is made small, without its numbers.
    #[derive(Default)]
    pub enum LossKind {
        #[default]
        CrossEntropy = "cross_entropy", "the softmax cross entropy of the logits (`torch.nn.CrossEntropyLoss`)";
        MeanSquaredError = "mse", "the mean squared error of the logits against one-hot targets (`torch.nn.MSELoss`)";
    }
}

/// What is made small in training and reported of an evaluation, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossSpec {
    /// The softmax cross entropy.
    CrossEntropy {
        /// The share of the target that is spread over all classes, [`ranges::LABEL_SMOOTHING`](crate::ranges::LABEL_SMOOTHING).
        label_smoothing: f64,
    },
    /// The mean squared error.
    MeanSquaredError,
}

/// What each image's loss counts, by its class (`weight` of `torch.nn.CrossEntropyLoss`).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ClassWeights {
    /// All the same.
    #[default]
    None,
    /// Images to train on, divided by those of the class and by the number of classes: all classes count the same together.
    Balanced,
    /// One for each class, in the order of the labels, [`ranges::CLASS_WEIGHT`](crate::ranges::CLASS_WEIGHT).
    Each(Vec<f64>),
}

impl ClassWeights {
    /// The weights of classes of which there are so many images to train on; none where all count the same.
    ///
    /// ```
    /// use strata_spec::ClassWeights;
    ///
    /// assert_eq!(ClassWeights::Balanced.of(&[30, 10]), Ok(Some(vec![2.0 / 3.0, 2.0])));
    /// assert_eq!(ClassWeights::Balanced.of(&[30, 0]), Err(1));
    /// ```
    ///
    /// # Errors
    /// The first class without an image, which has no balanced weight.
    pub fn of(&self, counts: &[usize]) -> Result<Option<Vec<f64>>, usize> {
        match self {
            Self::None => Ok(None),
            Self::Each(weights) => Ok(Some(weights.clone())),
            Self::Balanced => match counts.iter().position(|count| *count == 0) {
                Some(class) => Err(class),
                None => {
                    let all = counts.iter().sum::<usize>() as f64;
                    let weight = |count: &usize| all / (*count as f64 * counts.len() as f64);
                    Ok(Some(counts.iter().map(weight).collect()))
                }
            },
        }
    }
}

impl Default for LossSpec {
    /// The cross entropy without smoothing.
    fn default() -> Self {
        Self::CrossEntropy { label_smoothing: 0.0 }
    }
}

impl LossSpec {
    /// Which loss it is.
    #[must_use]
    pub fn kind(&self) -> LossKind {
        match self {
            Self::CrossEntropy { .. } => LossKind::CrossEntropy,
            Self::MeanSquaredError => LossKind::MeanSquaredError,
        }
    }
}
