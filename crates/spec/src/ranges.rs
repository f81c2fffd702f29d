//! The values that each number of an experiment may have, with the reason where it is not plain.

use std::fmt;

/// Integers from `least` to `most`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integers {
    /// The smallest.
    pub least: i64,
    /// The largest.
    pub most: i64,
}

impl Integers {
    const fn new(least: i64, most: i64) -> Self {
        Self { least, most }
    }

    /// Whether `value` is one of them.
    #[must_use]
    pub fn contains(self, value: i64) -> bool {
        (self.least..=self.most).contains(&value)
    }
}

/// `from 1 to 1024`.
impl fmt::Display for Integers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {}", self.least, self.most)
    }
}

/// Numbers that obey their bounds in 32 bits, which training computes in, as well as in 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// 0 ≤ x < 1.
    BelowOne,
    /// 0 < x < 1.
    WithinOne,
    /// 0 ≤ x ≤ 1.
    Share,
    /// 0 < x ≤ 1.
    PositiveShare,
    /// 0 < x ≤ 180.
    HalfTurn,
    /// x > 0, finite.
    Positive,
    /// x ≥ 0, finite.
    NotNegative,
}

impl Numbers {
    /// Whether `value` is one of them.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "the rounding to 32 bits is what is looked at")]
        let narrow = value as f32;
        // A negative number that rounds to zero is still negative.
        let in_bounds = match self {
            Self::BelowOne => (0.0..1.0).contains(&narrow),
            Self::WithinOne => narrow > 0.0 && narrow < 1.0,
            Self::Share => value <= 1.0,
            Self::PositiveShare => narrow > 0.0 && value <= 1.0,
            Self::HalfTurn => narrow > 0.0 && value <= 180.0,
            Self::Positive => narrow > 0.0 && narrow.is_finite(),
            Self::NotNegative => narrow >= 0.0 && narrow.is_finite(),
        };
        in_bounds && value >= 0.0
    }
}

/// `from 0 up to but not including 1`.
impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BelowOne => "from 0 up to but not including 1",
            Self::WithinOne => "above 0 and below 1",
            Self::Share => "from 0 to 1",
            Self::PositiveShare => "above 0 and at most 1",
            Self::HalfTurn => "above 0 and at most 180",
            Self::Positive => "above 0, finite in 32 bits",
            Self::NotNegative => "of 0 or more, finite in 32 bits",
        })
    }
}

/// A seed: TOML's integers are signed.
pub const SEED: Integers = Integers::new(0, i64::MAX);
/// Worker threads: more than any machine's cores.
pub const THREADS: Integers = Integers::new(1, 1_024);
/// A CUDA device's ordinal.
pub const CUDA_ORDINAL: Integers = Integers::new(0, 255);
/// Synthetic images of each part: 614 MB at 3,072 bytes an image, 13 GB at the largest.
pub const SYNTHETIC: Integers = Integers::new(10, 200_000);
/// What a class counts in the loss.
pub const CLASS_WEIGHT: Numbers = Numbers::Positive;
/// Images of a part, of one's own: an index is 32 bits.
pub const IMAGES: Integers = Integers::new(1, 4_000_000_000);
/// Channels, rows or columns of an image.
pub const IMAGE_SIDE: Integers = Integers::new(1, 4_096);
/// Classes: a label is a byte.
pub const CLASSES: Integers = Integers::new(2, 256);
/// Samples in a batch: more than any of the data sets has.
pub const BATCH: Integers = Integers::new(1, 1_000_000);
/// Samples in an evaluation batch: twice a training batch's, which is the default.
pub const EVALUATION_BATCH: Integers = Integers::new(1, 2_000_000);
/// A hidden layer's width: the widest that a card's memory holds beside CIFAR-10's 3,072 inputs.
pub const WIDTH: Integers = Integers::new(1, 65_536);
/// Hidden layers: each is a type of its own that the compiler instantiates.
pub const HIDDEN_LAYERS: usize = 32;
/// Layers of any kind, skip connections not counted: four for each hidden layer. Types of this depth still compile.
pub const LAYERS: usize = 128;
/// Parameters of the whole network: 4 GB in 32-bit floats, before gradients and the optimizer's state.
pub const PARAMETERS: u64 = 1_000_000_000;
/// The probability that a hidden unit is dropped.
pub const DROPOUT: Numbers = Numbers::BelowOne;
/// The share of the velocity that is kept.
pub const MOMENTUM: Numbers = Numbers::BelowOne;
/// A moment's decay rate.
pub const BETA: Numbers = Numbers::BelowOne;
/// What is added to a denominator.
pub const EPS: Numbers = Numbers::Positive;
/// The decay of the parameters.
pub const WEIGHT_DECAY: Numbers = Numbers::NotNegative;
/// The share of the learning rate by which it is divided more in each step (Adagrad).
pub const LR_DECAY: Numbers = Numbers::NotNegative;
/// The share of a target that is spread over all classes.
pub const LABEL_SMOOTHING: Numbers = Numbers::BelowOne;
/// Newton-Schulz iterations of Muon.
pub const NEWTON_SCHULZ: Integers = Integers::new(1, 20);
/// The pull of β-LASSO.
pub const LAMBDA: Numbers = Numbers::Positive;
/// How many times the pull is the smallest value that β-LASSO leaves.
pub const BETA_LASSO: Numbers = Numbers::NotNegative;
/// Batches of a training step.
pub const ACCUMULATE: Integers = Integers::new(1, 65_536);
/// The largest norm, or the largest element, of a gradient.
pub const CLIPPING: Numbers = Numbers::Positive;
/// The share of averaged weights that is kept in each step.
pub const AVERAGING_DECAY: Numbers = Numbers::WithinOne;
/// The share of a run's steps after which averaging begins.
pub const AVERAGING_START: Numbers = Numbers::BelowOne;
/// A learning rate.
pub const LEARNING_RATE: Numbers = Numbers::Positive;
/// What a learning rate is multiplied with where it falls.
pub const LR_FACTOR: Numbers = Numbers::WithinOne;
/// Epochs without an improvement that are borne before a learning rate falls.
pub const LR_PATIENCE: Integers = Integers::new(0, 100_000);
/// The power of a polynomial schedule.
pub const LR_POWER: Numbers = Numbers::Positive;
/// How many times as long as the one before a period is.
pub const PERIOD_FACTOR: Integers = Integers::new(1, 1_000);
/// The share of a phase's steps in which the rate rises.
pub const WARMUP: Numbers = Numbers::BelowOne;
/// What counts as an improvement.
pub const MIN_DELTA: Numbers = Numbers::NotNegative;
/// Phases of a run: the resolved config spells each out in up to 70 bytes and must stay within the 1 MiB that a config may have, or the
/// run could not be resumed.
pub const PHASES: usize = 1_000;
/// Changes of training images.
pub const AUGMENTATIONS: usize = 32;
/// A share, or the probability that something is done.
pub const SHARE: Numbers = Numbers::Share;
/// A share that leaves something.
pub const POSITIVE_SHARE: Numbers = Numbers::PositiveShare;
/// A width over a height.
pub const RATIO: Numbers = Numbers::Positive;
/// Degrees that an image is turned by, either way.
pub const DEGREES: Numbers = Numbers::HalfTurn;
/// How far a factor may be from 1.
pub const JITTER: Numbers = Numbers::NotNegative;
/// The parameter of a Beta distribution.
pub const ALPHA: Numbers = Numbers::Positive;
/// Epochs, of a phase and of the whole run: record and checkpoint hold a line of history for each, up to 200 and 250 bytes, and are
/// read up to 64 MiB and 100 MB. A run that may be started can be resumed at its last epoch.
pub const EPOCHS: Integers = Integers::new(1, 100_000);
/// Steps between two checkpoints.
pub const STEPS: Integers = Integers::new(1, 1_000_000_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_range_only_where_it_is_in_32_bits_too() {
        // (range, inside, outside)
        let cases: [(Numbers, &[f64], &[f64]); 7] = [
            (Numbers::Share, &[0.0, 1.0], &[-1e-60, 1.000_000_001, f64::NAN]),
            (Numbers::PositiveShare, &[1e-30, 1.0], &[0.0, 1e-60, 1.000_000_001, f64::NAN]),
            (Numbers::HalfTurn, &[1.0, 180.0], &[0.0, 180.000_001, f64::INFINITY, f64::NAN]),
            // 0.99999999 is 1 as a 32-bit float.
            (Numbers::BelowOne, &[0.0, -0.0, 0.5, 0.999_999], &[1.0, 0.999_999_99, -1e-60, f64::NAN]),
            (Numbers::WithinOne, &[1e-38, 0.5, 0.999_999], &[0.0, 1e-60, 1.0, 0.999_999_99, -0.5, f64::NAN]),
            // 1e-60 is 0 as a 32-bit float, 1e39 is infinite.
            (Numbers::Positive, &[1e-38, 1.0, 1e38], &[0.0, 1e-60, 1e39, f64::INFINITY, f64::NAN, -1.0]),
            (Numbers::NotNegative, &[0.0, 1e-60, 1e38], &[-1e-60, 1e39, f64::INFINITY, f64::NAN]),
        ];
        for (range, inside, outside) in cases {
            assert!(inside.iter().all(|value| range.contains(*value)), "{range:?}");
            assert!(outside.iter().all(|value| !range.contains(*value)), "{range:?}");
        }
    }

    #[test]
    fn integers_include_both_ends() {
        assert!(THREADS.contains(1) && THREADS.contains(1024) && !THREADS.contains(0) && !THREADS.contains(1025));
        assert_eq!(THREADS.to_string(), "from 1 to 1024");
    }
}
