//! A seeded division into training and validation.

use sha2::{Digest, Sha256};
use strata_rng::TorchRng;

use crate::{DatasetError, digest};

/// Which samples are trained on and which validate; each in the order drawn.
///
/// ```
/// use strata_dataset::Split;
/// use strata_rng::TorchRng;
///
/// let split = Split::random(50_000, 5_000, &mut TorchRng::new(43))?;
/// assert_eq!(split.train.len(), 45_000);
/// assert_eq!(split.validation[..3], [22846, 30903, 12610]);
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Indices of the samples to train on.
    pub train: Vec<u32>,
    /// Indices of the samples to validate on.
    pub validation: Vec<u32>,
}

impl Split {
    /// PyTorch's `random_split(range(samples), [samples - validation, validation])`: one
    /// permutation, whose head trains and whose tail validates.
    ///
    /// # Errors
    ///
    /// `validation` must leave something to train on, and `samples` fit in 32 bits.
    pub fn random(samples: usize, validation: usize, rng: &mut TorchRng) -> Result<Self, DatasetError> {
        checked(samples, validation)?;
        let mut train = rng.permutation(samples);
        let validation = train.split_off(samples - validation);
        Ok(Self { train, validation })
    }

    /// The samples in their order, of which the last `validation` are those of a part of their own; nothing is drawn.
    ///
    /// # Errors
    ///
    /// As [`Split::random`].
    pub fn of_parts(samples: usize, validation: usize) -> Result<Self, DatasetError> {
        let samples = checked(samples, validation)?;
        let first = samples - validation as u32;
        Ok(Self { train: (0..first).collect(), validation: (first..samples).collect() })
    }

    /// SHA-256 over the training indices, then the validation indices, as little-endian `u32`.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for index in self.train.iter().chain(&self.validation) {
            hash.update(index.to_le_bytes());
        }
        digest::finish(hash)
    }
}

/// The number of samples, where `validation` of them can be split off.
fn checked(samples: usize, validation: usize) -> Result<u32, DatasetError> {
    let Ok(count) = u32::try_from(samples) else {
        return Err(DatasetError::value("samples", samples, "at most 4294967295 can be split"));
    };
    if validation >= samples {
        return Err(DatasetError::value(
            "validation",
            validation,
            format!("must be below the {samples} samples there are, to leave some to train on"),
        ));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// PyTorch 2.15: `manual_seed(43); random_split(range(50000), [45000, 5000])`.
    #[test]
    fn the_split_of_seed_43_equals_pytorchs() {
        let split = Split::random(50_000, 5_000, &mut TorchRng::new(43)).unwrap();
        assert_eq!(split.train[..8], [5588, 45689, 25537, 42060, 5685, 37915, 48574, 7254]);
        assert_eq!(split.validation[..8], [22846, 30903, 12610, 24867, 33057, 6780, 14066, 18937]);
        assert_eq!(split.sha256(), "4ea0beb9ccf5d95342ab7433f3059f7ec803c1b2f9c7b758691f705595f01fa4");
    }

    #[test]
    fn a_split_that_leaves_no_training_samples_is_refused() {
        for (samples, validation) in [(0, 0), (10, 10), (10, usize::MAX)] {
            let error = Split::random(samples, validation, &mut TorchRng::new(1)).unwrap_err();
            assert!(error.to_string().starts_with("validation = "), "{error}");
            assert!(error.is_usage());
        }
    }

    proptest! {
        #[test]
        fn every_sample_is_in_one_part_once(
            (samples, validation) in (1usize..2000).prop_flat_map(|n| (Just(n), 0..n)),
            seed: u64,
        ) {
            let split = Split::random(samples, validation, &mut TorchRng::new(seed)).unwrap();
            prop_assert_eq!(split.validation.len(), validation);
            let mut all = [split.train, split.validation].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..samples as u32).collect::<Vec<_>>());
        }
    }
}
