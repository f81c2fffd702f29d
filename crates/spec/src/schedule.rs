//! How the learning rate goes within a phase.

use crate::criterion::Criterion;
use crate::named::named;

named! {
    /// How the learning rate goes within a phase, without its numbers.
    #[derive(Default)]
    pub enum ScheduleKind {
        #[default]
        Constant = "constant", "the same rate in every step";
        Step = "step", "times `factor` after each `every` epochs";
        Exponential = "exponential", "times `factor` over each epoch, by equal factors a step";
        Linear = "linear", "from the rate down towards 0 in equal steps";
        Polynomial = "polynomial", "from the rate down towards 0 as the share of the steps that are left to the power `power`";
        Cosine = "cosine", "from the rate down towards 0 along half a cosine (Loshchilov and Hutter 2017)";
        CosineRestarts = "cosine_restarts", "down along half a cosine over `period` epochs, then from the rate again (SGDR, Loshchilov and Hutter 2017)";
        Plateau = "plateau", "times `factor` after more than `patience` epochs in a row in which `metric` did not improve by more than `min_delta`";
        OneCycle = "one_cycle", "up to the rate in the warm-up, then down, both along half a cosine (Smith and Topin 2018)";
    }
}

impl ScheduleKind {
    /// Whether the number of this name (`factor`) is one of its own.
    #[must_use]
    pub fn takes(self, number: &str) -> bool {
        let own: &[&str] = match self {
            Self::Constant | Self::Linear | Self::Cosine | Self::OneCycle => &[],
            Self::Step => &["every", "factor"],
            Self::Exponential => &["factor"],
            Self::Polynomial => &["power"],
            Self::CosineRestarts => &["period", "period_factor"],
            Self::Plateau => &["factor", "metric", "patience", "min_delta"],
        };
        own.contains(&number)
    }
}

/// How the learning rate goes within a phase, whose rate is the peak.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ScheduleSpec {
    /// The same rate in every step.
    #[default]
    Constant,
    /// Down at once, now and then.
    Step {
        /// Epochs between two falls.
        every: usize,
        /// What the rate is multiplied with, [`ranges::LR_FACTOR`](crate::ranges::LR_FACTOR).
        factor: f64,
    },
    /// Down by equal factors.
    Exponential {
        /// What the rate is multiplied with over an epoch, [`ranges::LR_FACTOR`](crate::ranges::LR_FACTOR).
        factor: f64,
    },
    /// Down towards 0 in equal steps.
    Linear,
    /// Down towards 0 as a power of what is left.
    Polynomial {
        /// The power, [`ranges::LR_POWER`](crate::ranges::LR_POWER).
        power: f64,
    },
    /// Down towards 0 along half a cosine.
    Cosine,
    /// The same, begun again from the peak.
    CosineRestarts {
        /// Epochs of the first period.
        period: usize,
        /// How many times as long as the one before each further period is, at least 1.
        period_factor: usize,
    },
    /// Down where a metric no longer improves.
    Plateau {
        /// What is watched.
        metric: Criterion,
        /// What the rate is multiplied with, [`ranges::LR_FACTOR`](crate::ranges::LR_FACTOR).
        factor: f64,
        /// Epochs in a row without an improvement that are borne, [`ranges::LR_PATIENCE`](crate::ranges::LR_PATIENCE).
        patience: usize,
        /// How much better than the best so far counts, at least 0.
        min_delta: f64,
    },
    /// Up, then down.
    OneCycle {
        /// The share of the steps in which the rate rises, [`ranges::WARMUP`](crate::ranges::WARMUP).
        warmup: f64,
    },
}

impl ScheduleSpec {
    /// Which schedule it is.
    #[must_use]
    pub fn kind(&self) -> ScheduleKind {
        match self {
            Self::Constant => ScheduleKind::Constant,
            Self::Step { .. } => ScheduleKind::Step,
            Self::Exponential { .. } => ScheduleKind::Exponential,
            Self::Linear => ScheduleKind::Linear,
            Self::Polynomial { .. } => ScheduleKind::Polynomial,
            Self::Cosine => ScheduleKind::Cosine,
            Self::CosineRestarts { .. } => ScheduleKind::CosineRestarts,
            Self::Plateau { .. } => ScheduleKind::Plateau,
            Self::OneCycle { .. } => ScheduleKind::OneCycle,
        }
    }
}
