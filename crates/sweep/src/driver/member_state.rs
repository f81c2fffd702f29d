//! How one member stands, and what is known of it.

use std::collections::BTreeMap;

/// How a member stands.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberState {
    /// Nobody has taken it yet, or it is to be run again.
    Pending,
    /// The driver of this name has taken it.
    Claimed(String),
    /// It was stopped, and can be resumed.
    Interrupted,
    /// It waits at a rung, after as many epochs.
    Paused(usize),
    /// It is done.
    Finished,
    /// It failed, with the reason.
    Failed(String),
}

impl MemberState {
    /// Whether it has finished or failed.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Finished | Self::Failed(_))
    }

    /// In a word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed(_) => "running",
            Self::Interrupted => "interrupted",
            Self::Paused(_) => "paused",
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
        }
    }
}

/// What is known of a member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) state: MemberState,
    /// The objective's value at each rung that it reached, by epochs.
    pub(crate) rungs: BTreeMap<usize, Option<f64>>,
    pub(crate) value: Option<f64>,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) epochs: usize,
    pub(crate) seconds: f64,
    /// How often it was started or resumed.
    pub(crate) attempts: usize,
}

impl Known {
    pub(crate) fn new() -> Self {
        let (rungs, metrics) = (BTreeMap::new(), BTreeMap::new());
        Self { state: MemberState::Pending, rungs, value: None, metrics, epochs: 0, seconds: 0.0, attempts: 0 }
    }
}
