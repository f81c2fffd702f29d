//! Averages of the weights over the steps of training, by name.

use crate::named::named;

named! {
    /// Which average of the weights is validated, tested and saved, without its numbers.
    #[derive(Default)]
    pub enum AveragingKind {
        #[default]
        None = "none", "none: the weights as the last step left them";
        Exponential = "ema", "an exponential moving average over all steps (`torch.optim.swa_utils.get_ema_multi_avg_fn`)";
        Equal = "swa", "stochastic weight averaging (Izmailov et al. 2018): the mean over the last steps, each with the same share";
    }
}

/// Which average of the weights is validated, tested and saved, with its numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum AveragingSpec {
    /// None.
    #[default]
    None,
    /// An exponential moving average.
    Exponential {
        /// The share of the average that is kept in each step, [`ranges::AVERAGING_DECAY`](crate::ranges::AVERAGING_DECAY).
        decay: f64,
    },
    /// The mean over the last steps.
    Equal {
        /// The share of the run's steps after which averaging begins, [`ranges::AVERAGING_START`](crate::ranges::AVERAGING_START).
        start: f64,
    },
}

impl AveragingSpec {
    /// The steps of a run of `steps` before the first that is averaged; none where all are, or nothing is averaged.
    ///
    /// ```
    /// use strata_spec::AveragingSpec;
    ///
    /// assert_eq!(AveragingSpec::Equal { start: 0.75 }.steps_before(10), 7);
    /// ```
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count is one")]
    pub fn steps_before(&self, steps: u64) -> u64 {
        match self {
            Self::Equal { start } => (start * steps as f64) as u64,
            Self::None | Self::Exponential { .. } => 0,
        }
    }
}
