//! Averages of the weights over the steps of training.

use strata_spec::ranges;

use crate::TrainError;

/// Which average of the weights is evaluated and saved in place of those that the last step left. It is kept in 32 bits beside the optimizer's
/// buffers, one value for each parameter's, and training does not see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Averaging {
    /// An exponential moving average, which begins with the weights after the first step (`torch.optim.swa_utils.AveragedModel` with
    /// `get_ema_multi_avg_fn`).
    Exponential {
        /// The share of the average that is kept in each step, above 0 and below 1.
        decay: f64,
    },
    /// The mean over all steps but the first ones: stochastic weight averaging (Izmailov et al. 2018) with an average of each step. Until then the weights themselves
    /// are evaluated.
    Equal {
        /// Steps before the first that is averaged.
        after: u64,
    },
}

impl Averaging {
    /// Whether its number is in its range.
    ///
    /// # Errors
    /// [`TrainError::Number`] where it is not.
    pub fn check(&self) -> Result<(), TrainError> {
        match *self {
            Self::Exponential { decay } if !ranges::AVERAGING_DECAY.contains(decay) => {
                let range = ranges::AVERAGING_DECAY.to_string();
                Err(TrainError::Number { what: "decay of the averaged weights", value: decay, range })
            }
            Self::Exponential { .. } | Self::Equal { .. } => Ok(()),
        }
    }

    /// The share of the weights after step `step` (the first is 1) in the average; none before it begins.
    pub(crate) fn share(&self, step: u64) -> Option<f32> {
        let share = match *self {
            Self::Exponential { .. } if step == 1 => 1.0,
            Self::Exponential { decay } => 1.0 - decay,
            Self::Equal { after } => 1.0 / step.checked_sub(after).filter(|count| *count > 0)? as f64,
        };
        Some(share as f32)
    }

    /// Whether there is an average after `steps` steps.
    pub(crate) fn has_begun(&self, steps: u64) -> bool {
        steps > 0 && self.share(steps).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_begin_with_all_and_are_equal_or_fixed() {
        let shares = |averaging: Averaging| (1..=5).map(|step| averaging.share(step)).collect::<Vec<_>>();
        let fixed = Some(0.1f64 as f32);
        assert_eq!(shares(Averaging::Exponential { decay: 0.9 }), [Some(1.0), fixed, fixed, fixed, fixed]);
        let equal = Averaging::Equal { after: 2 };
        assert_eq!(shares(equal), [None, None, Some(1.0), Some(0.5), Some(1.0 / 3.0)]);
        assert!(!equal.has_begun(2) && equal.has_begun(3) && !Averaging::Equal { after: 0 }.has_begun(0));
        for decay in [0.0, 1.0, f64::NAN, 0.999_999_999] {
            assert!(Averaging::Exponential { decay }.check().is_err(), "{decay}");
        }
    }
}
