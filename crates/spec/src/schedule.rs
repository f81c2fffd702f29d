//! How the learning rate goes within a phase.

use crate::named::named;

named! {
    /// How the learning rate goes within a phase, without its numbers.
    #[derive(Default)]
    pub enum ScheduleKind {
        #[default]
        Constant = "constant", "the same rate in every step";
        Linear = "linear", "from the rate down towards 0 in equal steps";
        Cosine = "cosine", "from the rate down towards 0 along half a cosine (Loshchilov and Hutter 2017)";
        OneCycle = "one_cycle", "up to the rate in the warm-up, then down, both along half a cosine (Smith and Topin 2018)";
    }
}

/// How the learning rate goes within a phase, whose rate is the peak.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum ScheduleSpec {
    /// The same rate in every step.
    #[default]
    Constant,
    /// Down towards 0 in equal steps.
    Linear,
    /// Down towards 0 along half a cosine.
    Cosine,
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
            Self::Linear => ScheduleKind::Linear,
            Self::Cosine => ScheduleKind::Cosine,
            Self::OneCycle { .. } => ScheduleKind::OneCycle,
        }
    }
}
